import Statistics
import TestSupport
import Testing

@testable import Numerics

/// Lengths below, at and above multiples of the sixteen lanes of a kernel.
let kernelLengths = [1, 5, 16, 19, 35]

func gaussians(_ count: Int, seed: UInt64, deviation: Double = 1) -> [Float] {
  var generator = SeededGenerator(seed: seed)
  return Tensor.gaussian([count], sd: deviation, using: &generator).values
}

/// Compares a kernel's numbers with those of plain loops, relative to 1 + |value|.
func expect(
  _ found: [Float], equal expected: [Double], within tolerance: Double = .float32Sums,
  _ name: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.count == expected.count, sourceLocation: sourceLocation)
  for (index, (a, b)) in zip(found, expected).enumerated() {
    let error = abs(Double(a) - b) / (1 + abs(b))
    #expect(
      error <= tolerance, "\(name) element \(index): \(a), not \(b)",
      sourceLocation: sourceLocation)
  }
}

/// `matrix` cut into rows of `columns`.
func rows(_ matrix: [Float], columns: Int) -> [[Double]] {
  stride(from: 0, to: matrix.count, by: columns).map { start in
    matrix[start..<start + columns].map(Double.init)
  }
}

func zeros(_ count: Int) -> [Float] { Array(repeating: 0, count: count) }
