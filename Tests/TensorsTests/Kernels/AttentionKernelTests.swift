import CKernels
import Foundation
import Testing

@Suite("Attention kernels compute what Float64 computes")
struct AttentionKernelTests {
  private let scale = 0.3

  private func softmax(_ scores: [Double]) -> [Double] {
    let exponentials = scores.map { exp(scale * ($0 - (scores.max() ?? 0))) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { $0 / sum }
  }

  private func dot(_ a: some Sequence<Double>, _ b: some Sequence<Double>) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  @Test(
    "forward and backward over a prefix and a segment of its own, of which the first rows are skipped",
    arguments: [
      (0, 0, 1), (0, 0, 7), (3, 0, 5), (16, 0, 32), (19, 0, 13), (0, 4, 1), (16, 31, 1), (5, 7, 20),
    ], [(8, 0), (16, 0), (40, 0), (8, 1), (16, 9)])
  func head(_ lengths: (prefix: Int, skipped: Int, rows: Int), _ head: (width: Int, window: Int)) {
    let (prefix, skipped, queries) = lengths
    let (width, window) = head
    let count = skipped + queries
    let (stride, first) = (3 * width + 2, 4)
    // A prefix, some rows of others, then the segment.
    let start = prefix + first
    let x = gaussians((start + count) * stride, seed: 1)
    let upstream = gaussians(queries * width, seed: 2)
    let before = gaussians(x.count, seed: 3)
    var (out, sums, gradient) = (zeros(queries * width), zeros(queries), before)
    var scratch = zeros(vm_attention_scratch(prefix + skipped, queries, width))
    x.withUnsafeBufferPointer { buffer in
      gradient.withUnsafeMutableBufferPointer { derivatives in
        guard let base = buffer.baseAddress, let into = derivatives.baseAddress else { return }
        let own = base + start * stride
        var head = vm_attention(
          queries: own + skipped * stride, keys: own + width, values: own + 2 * width,
          prefix_keys: base + width, prefix_values: base + 2 * width, prefix: prefix,
          skipped: skipped, rows: queries, query_stride: stride, stride: stride, width: width,
          window: window, scale: Float(scale))
        vm_attention_forward(&out, width, &sums, &head, &scratch)
        let target = into + start * stride
        var written = vm_attention_gradient(
          queries: target + skipped * stride, keys: target + width, values: target + 2 * width,
          prefix_keys: into + width, prefix_values: into + 2 * width, accumulating: 0)
        vm_attention_backward(&written, upstream, width, sums, &head, &scratch)
      }
    }

    let (all, dy) = (rows(x, columns: stride), rows(upstream, columns: width))
    var expected = rows(before, columns: stride)
    // Queries, keys and values of the segment are set; everything else is added to, or stays.
    for (index, row) in (start..<start + count).enumerated() {
      for c in (index < skipped ? width : 0)..<3 * width { expected[row][c] = 0 }
    }
    var outputs: [Double] = []
    for query in skipped..<count {
      let before = Array(0..<prefix) + Array(start...start + query)
      let seen = before.suffix(window > 0 ? window : before.count)
      let q = all[start + query][..<width]
      func key(_ row: Int) -> ArraySlice<Double> { all[row][width..<2 * width] }
      func value(_ row: Int) -> ArraySlice<Double> { all[row][(2 * width)..<(3 * width)] }
      let scores = seen.map { dot(q, key($0)) }
      let p = softmax(scores)
      let greatest = scores.max() ?? 0
      let sum = scores.reduce(0) { $0 + exp(scale * ($1 - greatest)) }
      expect([sums[query - skipped]], equal: [scale * greatest + log(sum)])
      for c in 0..<width { outputs.append(dot(p, seen.map { all[$0][2 * width + c] })) }
      let upstream = dy[query - skipped]
      let dp = seen.map { dot(upstream, value($0)) }
      let mean = dot(p, dp)
      for (index, row) in seen.enumerated() {
        let derivative = scale * p[index] * (dp[index] - mean)
        for c in 0..<width {
          expected[start + query][c] += derivative * all[row][width + c]
          expected[row][width + c] += derivative * all[start + query][c]
          expected[row][2 * width + c] += p[index] * upstream[c]
        }
      }
    }
    // A score rounds as a sum does, and e^score with it; a gradient is a sum of such products.
    expect(out, equal: outputs, within: 5e-6)
    expect(gradient, equal: expected.flatMap(\.self), within: 2e-5)
  }

  @Test("one query over cached keys and values", arguments: kernelLengths, [8, 19, 32])
  func attend(length: Int, width: Int) {
    let query = gaussians(width, seed: 1)
    let blocks = (length + 15) / 16
    let keys = gaussians(blocks * width * 16, seed: 2)
    let values = gaussians(length * width, seed: 3)
    var (out, scratch) = (gaussians(width, seed: 4), zeros(blocks * 16))
    let hidden = length / 3
    vm_attend(&out, query, keys, values, hidden, length, width, Float(scale), 0, &scratch)
    let scores = (hidden..<length).map { t in
      (0..<width).reduce(0.0) {
        $0 + Double(query[$1]) * Double(keys[(t / 16 * width + $1) * 16 + t % 16])
      }
    }
    let p = softmax(scores)
    let columns = rows(values, columns: width).dropFirst(hidden)
    // A score rounds as a sum does, and e^score with it.
    expect(
      out, equal: (0..<width).map { c in dot(p, columns.map { $0[c] }) }, within: 5e-6)
  }
}
