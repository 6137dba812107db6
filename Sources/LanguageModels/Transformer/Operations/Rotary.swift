import CKernels
import Foundation
import Numerics

/// How the angles of rotary positions are stretched for sequences longer than those of pretraining.
package enum RotaryScaling: Sendable, Equatable {
  case none
  /// All angles divided by `factor` (Chen et al. 2023).
  case linear(factor: Double)
  /// Slow angles divided by `factor`, fast ones left, with a ramp between (Llama 3.1).
  case llama3(factor: Double, low: Double, high: Double, positions: Int)
  /// The same with a ramp over the index of the angle, and cosines and sines times `attention`
  /// (Peng et al. 2023, "YaRN").
  case yarn(
    factor: Double, attention: Double, fast: Double, slow: Double, positions: Int,
    truncates: Bool)
}

/// cos and sin of position · θ^(−2i/d) for rotary position embeddings (Su et al. 2021).
package struct RotaryTable: Sendable {
  private let cosines: Tensor  // [tabulated, ⌈d/2⌉]
  private let sines: Tensor  // [tabulated, ⌈d/2⌉]
  private let frequencies: [Double]  // [⌈d/2⌉], angles of position 1
  private let amplitude: Double
  private let headWidth: Int

  /// Positions beyond it are computed when they occur: files claim millions of positions.
  private static let largestTable = 2048

  /// - Parameters:
  ///   - positions: the longest sequence.
  ///   - headWidth: the width of one head.
  ///   - rotatedWidth: d, how much of it turns; nil for all.
  ///   - base: θ.
  package init(
    positions: Int, headWidth: Int, rotatedWidth: Int? = nil, base: Double,
    scaling: RotaryScaling = .none
  ) {
    self.headWidth = headWidth
    (frequencies, amplitude) = Self.frequencies(
      width: rotatedWidth ?? headWidth, base: base, scaling)
    let tabulated = min(positions, Self.largestTable)
    let (frequencies, amplitude) = (frequencies, amplitude)
    func table(_ function: (Double) -> Double) -> Tensor {
      Tensor(uninitialized: [tabulated, frequencies.count]) { pointer in
        for position in 0..<tabulated {
          Self.fill(pointer + position * frequencies.count, position, frequencies) {
            amplitude * function($0)
          }
        }
      }
    }
    cosines = table(cos)
    sines = table(sin)
  }

  private static func fill(
    _ row: UnsafeMutablePointer<Float>, _ position: Int, _ frequencies: [Double],
    _ function: (Double) -> Double
  ) {
    for (index, frequency) in frequencies.enumerated() {
      row[index] = Float(function(Double(position) * frequency))
    }
  }

  /// Turns the first heads of each row to its position, or back when `sign` is −1.
  func rotate(_ rows: inout Tensor, to positions: [Int32], heads: Int, sign: Float) {
    let (half, stride, tabulated) = (frequencies.count, rows.columns, cosines.rows)
    rows.modify { rows in
      cosines.read { cosines in
        sines.read { sines in
          withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * half) { beyond in
            for (row, position) in positions.lazy.map(Int.init).enumerated() {
              var (cosine, sine) = (cosines + position * half, sines + position * half)
              if position >= tabulated, let scratch = beyond.baseAddress {
                Self.fill(scratch, position, frequencies) { amplitude * cos($0) }
                Self.fill(scratch + half, position, frequencies) { amplitude * sin($0) }
                (cosine, sine) = (UnsafePointer(scratch), UnsafePointer(scratch + half))
              }
              vm_rotate_row(rows + row * stride, cosine, sine, heads, headWidth, half, sign)
            }
          }
        }
      }
    }
  }

  /// The angle of each pair at position 1, and by what cosines and sines are multiplied.
  private static func frequencies(
    width: Int, base: Double, _ scaling: RotaryScaling
  ) -> ([Double], Double) {
    let plain = (0..<(width + 1) / 2).map { pow(base, -2 * Double($0) / Double(width)) }
    switch scaling {
    case .none: return (plain, 1)
    case .linear(let factor): return (plain.map { $0 / factor }, 1)
    case .llama3(let factor, let low, let high, let positions):
      let scaled = plain.map { frequency in
        // How often the pair turns over the positions of pretraining.
        let turns = Double(positions) * frequency / (2 * .pi)
        let share = min(1, max(0, (turns - low) / (high - low)))
        return (1 - share) * frequency / factor + share * frequency
      }
      return (scaled, 1)
    case .yarn(let factor, let attention, let fast, let slow, let positions, let truncates):
      /// The index of the pair that turns so many times over the positions of pretraining.
      func index(ofTurns turns: Double) -> Double {
        Double(width) * log(Double(positions) / (turns * 2 * .pi)) / (2 * log(base))
      }
      var (low, high) = (index(ofTurns: fast), index(ofTurns: slow))
      if truncates { (low, high) = (floor(low), ceil(high)) }
      (low, high) = (max(low, 0), min(high, Double(width - 1)))
      if low == high { high += 0.001 }
      let scaled = plain.enumerated().map { index, frequency in
        let ramp = min(1, max(0, (Double(index) - low) / (high - low)))
        return ramp * frequency / factor + (1 - ramp) * frequency
      }
      return (scaled, attention)
    }
  }
}
