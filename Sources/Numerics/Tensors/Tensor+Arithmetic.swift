import CKernels
package import Statistics

extension Tensor {
  /// The elementwise sum of two tensors of one shape.
  package static func + (a: Tensor, b: Tensor) -> Tensor {
    precondition(a.shape == b.shape, "cannot add \(a.shape) and \(b.shape)")
    return Tensor(uninitialized: a.shape) { out in
      a.read { left in b.read { right in vm_add(out, left, right, a.count) } }
    }
  }

  /// self ← self + scale · other, for two tensors of one shape.
  package mutating func add(_ other: Tensor, scaledBy scale: Float = 1) {
    precondition(shape == other.shape, "cannot add \(other.shape) to \(shape)")
    let count = count
    modify { out in other.read { vm_add_scaled(out, $0, scale, count) } }
  }

  /// self ← scale · self
  package mutating func multiply(by scale: Float) {
    let count = count
    modify { vm_scale($0, scale, count) }
  }

  /// Σ x², in double precision over blocks.
  package var sumOfSquares: Double { read { vm_sum_of_squares($0, count) } }

  /// Whether no element is infinite or not a number.
  package var isFinite: Bool { read { vm_all_finite($0, count) != 0 } }

  /// Independent draws from N(0, deviation²).
  package static func gaussian(
    _ shape: [Int], deviation: Double, using generator: inout SeededGenerator
  ) -> Tensor {
    let count = shape.reduce(1, *)
    return Tensor(uninitialized: shape) { pointer in
      for index in 0..<count { pointer[index] = Float(deviation * generator.gaussian()) }
    }
  }
}
