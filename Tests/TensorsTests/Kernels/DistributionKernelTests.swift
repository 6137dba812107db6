import CKernels
import Foundation
import TestSupport
import Testing

@Suite("Kernels over distributions compute what Float64 computes")
struct DistributionKernelTests {
  private let scale = 1 / 0.7

  /// log softmax(scale · x)
  private func logSoftmax(_ x: some Collection<Double>, scale: Double) -> [Double] {
    let largest = scale * (x.max() ?? 0)
    let sum = largest + log(x.reduce(0) { $0 + exp(scale * $1 - largest) })
    return x.map { scale * $0 - sum }
  }

  @Test("log-probabilities, log-sums and entropies", arguments: kernelLengths)
  func logProbabilities(columns: Int) {
    // The offset overflows without the subtraction of the largest.
    let x = gaussians(3 * columns, seed: 1, deviation: 3).map { $0 + 200 }
    let targets = [0, columns / 2, columns - 1].map(Int32.init)
    var (found, sums, entropies) = (zeros(3), zeros(3), zeros(3))
    vm_log_probabilities(&found, &sums, &entropies, x, targets, 3, columns, Float(scale))
    let matrix = rows(x, columns: columns)
    let reference = matrix.map { logSoftmax($0, scale: scale) }
    // 200 / 0.7 has a spacing of 3e-5 in single precision.
    expect(found, equal: (0..<3).map { reference[$0][Int(targets[$0])] }, within: .trainingRounding)
    expect(sums, equal: (0..<3).map { scale * matrix[$0][0] - reference[$0][0] })
    expect(
      entropies, equal: reference.map { row in -row.reduce(0) { $0 + exp($1) * $1 } },
      within: .trainingRounding)

    var without = zeros(3)
    vm_log_probabilities(&without, &sums, nil, x, targets, 3, columns, Float(scale))
    #expect(without == found)
  }

  @Test("gradients of log-probabilities", arguments: kernelLengths)
  func logProbabilitiesBackward(columns: Int) {
    let x = gaussians(3 * columns, seed: 1, deviation: 3)
    let upstream = gaussians(3, seed: 2)
    let targets = [0, columns / 2, columns - 1].map(Int32.init)
    var (found, sums, dx) = (zeros(3), zeros(3), zeros(3 * columns))
    vm_log_probabilities(&found, &sums, nil, x, targets, 3, columns, Float(scale))
    vm_log_probabilities_backward(&dx, x, sums, upstream, targets, 3, columns, Float(scale))
    let reference = rows(x, columns: columns).enumerated().flatMap { r, row in
      logSoftmax(row, scale: scale).enumerated().map { c, logProbability in
        scale * Double(upstream[r]) * ((c == targets[r] ? 1 : 0) - exp(logProbability))
      }
    }
    // e^x carries the rounding of an exponent up to 10: 10·u, seven times over.
    expect(dx, equal: reference, within: 5e-6)
  }

  @Test("KL of rows, 0 for a row and itself", arguments: kernelLengths)
  func divergence(columns: Int) {
    let x = gaussians(3 * columns, seed: 1, deviation: 2)
    let y = gaussians(3 * columns, seed: 2, deviation: 2)
    var (found, same) = (zeros(3), gaussians(3, seed: 3))
    vm_kl_rows(&found, x, y, 3, columns, Float(scale))
    vm_kl_rows(&same, x, x, 3, columns, Float(scale))
    let reference = zip(rows(x, columns: columns), rows(y, columns: columns)).map { a, b in
      let (p, q) = (logSoftmax(a, scale: scale), logSoftmax(b, scale: scale))
      return zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
    }
    expect(found, equal: reference, within: .decoderRounding)
    #expect(same == [0, 0, 0])

    var (derivatives, again) = (zeros(3 * columns), zeros(3))
    vm_kl_derivatives(&derivatives, &again, x, y, 3, columns, Float(scale))
    #expect(again == found)
    let expected = zip(rows(x, columns: columns), rows(y, columns: columns)).enumerated().flatMap {
      row, pair in
      let (p, q) = (logSoftmax(pair.0, scale: scale), logSoftmax(pair.1, scale: scale))
      return zip(p, q).map { scale * exp($0) * ($0 - $1 - reference[row]) }
    }
    expect(derivatives, equal: expected, within: .decoderRounding)
  }

  @Test("a NaN or infinite score is not lost in a softmax", arguments: [Float.nan, .infinity])
  func poison(value: Float) {
    for columns in kernelLengths where columns > 1 {
      var x = gaussians(columns, seed: 1)
      x[columns - 1] = value
      var (found, sum) = (zeros(1), zeros(1))
      vm_log_probabilities(&found, &sum, nil, x, [0], 1, columns, 1)
      #expect(!found[0].isFinite)
      var kl = zeros(1)
      vm_kl_rows(&kl, x, gaussians(columns, seed: 2), 1, columns, 1)
      #expect(!kl[0].isFinite)
    }
  }
}
