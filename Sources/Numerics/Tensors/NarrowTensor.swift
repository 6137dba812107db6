/// A matrix in bfloat16, the upper 16 bits of each number: of a model that is only asked, and whose file has
/// no more, it takes half the memory of a ``Tensor`` and gives the same numbers.
package struct NarrowTensor: Sendable {
  private let shape: [Int]
  private let halves: [UInt16]

  /// Nil where a number has more than 16 bits, which would be lost.
  package init?(_ tensor: Tensor) {
    let count = tensor.count
    let halves = tensor.read { numbers -> [UInt16]? in
      var lost: UInt32 = 0
      for index in 0..<count { lost |= numbers[index].bitPattern & 0xFFFF }
      guard lost == 0 else { return nil }
      return [UInt16](unsafeUninitializedCapacity: count) { halves, initialized in
        for index in 0..<count { halves[index] = UInt16(numbers[index].bitPattern >> 16) }
        initialized = count
      }
    }
    guard let halves else { return nil }
    (shape, self.halves) = (tensor.shape, halves)
  }

  /// All of it.
  var widened: Tensor {
    Tensor(uninitialized: shape) { widen(0..<halves.count, into: $0) }
  }

  /// Some of its rows, `[indices, columns]`.
  package func rows(_ indices: [Int32]) -> Tensor {
    let columns = shape.dropFirst().reduce(1, *)
    return Tensor(uninitialized: [indices.count, columns]) { rows in
      for (place, index) in indices.enumerated() {
        let first = Int(index) * columns
        widen(first..<first + columns, into: rows + place * columns)
      }
    }
  }

  private func widen(_ elements: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    halves.withUnsafeBufferPointer { halves in
      let source = UnsafeBufferPointer(rebasing: halves[elements])
      for index in 0..<source.count {
        target[index] = Float(bitPattern: UInt32(source[index]) << 16)
      }
    }
  }
}
