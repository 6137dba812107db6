import CKernels
package import Statistics

/// A dense array of 32-bit floats in row-major order, with value semantics.
///
/// Copies share memory until one of them is written. So a frozen reference policy is a plain copy
/// of the policy, and a worker may read a model while another value is being updated.
package struct Tensor: Sendable {
  /// Extents from the slowest to the fastest dimension; empty for a scalar.
  package private(set) var shape: [Int]
  private var storage: TensorStorage

  /// A tensor whose elements are whatever `initialize` writes; it must write every one of them.
  package init(
    uninitialized shape: [Int], initialize: (UnsafeMutablePointer<Float>) throws -> Void
  ) rethrows {
    precondition(shape.allSatisfy { $0 >= 0 }, "a shape has no negative extents: \(shape)")
    self.shape = shape
    storage = TensorStorage(uninitialized: shape.reduce(1, *))
    try initialize(storage.pointer)
  }

  /// A tensor with every element equal to `value`.
  package init(repeating value: Float, shape: [Int]) {
    let count = shape.reduce(1, *)
    self.init(uninitialized: shape) { $0.update(repeating: value, count: count) }
  }

  /// A tensor of zeros.
  package init(zeros shape: [Int]) { self.init(repeating: 0, shape: shape) }

  /// A tensor of the given elements in row-major order.
  package init(_ values: [Float], shape: [Int]) {
    precondition(
      values.count == shape.reduce(1, *), "\(values.count) values do not fill \(shape)")
    self.init(uninitialized: shape) { pointer in
      values.withUnsafeBufferPointer { source in
        if let base = source.baseAddress { pointer.update(from: base, count: source.count) }
      }
    }
  }

  /// The rows of some matrices of one width, one after another.
  package init(rowsOf parts: [Tensor]) {
    let width = parts.first?.columns ?? 0
    precondition(parts.allSatisfy { $0.columns == width }, "rows of one width")
    self.init(uninitialized: [parts.reduce(0) { $0 + $1.rows }, width]) { rows in
      var next = rows
      for part in parts {
        part.read { next.update(from: $0, count: part.count) }
        next += part.count
      }
    }
  }

  /// A vector.
  package init(_ values: [Float]) { self.init(values, shape: [values.count]) }

  /// The number of elements.
  package var count: Int { storage.count }

  /// The bytes that the elements take.
  package var byteCount: Int { count * MemoryLayout<Float>.stride }

  /// The bytes that the allocator gave for the elements: at least ``byteCount``, measured where
  /// jemalloc serves the process.
  package var allocatedBytes: Int { storage.allocatedBytes }

  /// The bytes that the allocator gave to some tensors, memory that several of them share counted
  /// once, and none that they share with `others`.
  package static func allocatedBytes(
    of tensors: some Sequence<Tensor>, apartFrom others: [Tensor] = []
  ) -> Int {
    var counted = Set(others.map { ObjectIdentifier($0.storage) })
    return tensors.reduce(0) {
      counted.insert(ObjectIdentifier($1.storage)).inserted ? $0 + $1.allocatedBytes : $0
    }
  }

  /// Where the elements are, if not where everything else is.
  package var arena: MemoryArena? { storage.arena }

  /// Whether the elements are in that arena.
  func isHeld(in arena: MemoryArena) -> Bool { storage.arena === arena }

  /// A copy whose memory is in an arena and stays there when it is written; the tensor itself where
  /// there is no arena, or where it is there already.
  package func moved(to arena: MemoryArena?) -> Tensor {
    guard let arena, !isHeld(in: arena) else { return self }
    var copy = self
    copy.storage = storage.copy(in: arena)
    return copy
  }

  /// The extent of the first dimension, 1 for a scalar.
  package var rows: Int { shape.first ?? 1 }

  /// The number of elements of one row: the product of all extents but the first.
  package var columns: Int { shape.dropFirst().reduce(1, *) }

  /// Whether both are copies of one tensor of which neither was written since.
  package func sharesMemory(with other: Tensor) -> Bool { storage === other.storage }

  /// The elements in row-major order, copied.
  package var values: [Float] { read { Array(UnsafeBufferPointer(start: $0, count: count)) } }

  /// Reads the elements; the pointer is valid only inside `body`.
  @inline(__always)
  package func read<Result>(_ body: (UnsafePointer<Float>) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(storage) { try body(UnsafePointer(storage.pointer)) }
  }

  /// Changes the elements in place; the pointer is valid only inside `body`.
  @inline(__always)
  package mutating func modify<Result>(
    _ body: (UnsafeMutablePointer<Float>) throws -> Result
  ) rethrows -> Result {
    if !isKnownUniquelyReferenced(&storage) { storage = storage.copy() }
    return try body(storage.pointer)
  }

  /// The same elements under another shape.
  func reshaped(_ shape: [Int]) -> Tensor {
    precondition(shape.reduce(1, *) == count, "\(self.shape) does not reshape to \(shape)")
    var other = self
    other.shape = shape
    return other
  }

  /// The element at a flat row-major index.
  package subscript(index: Int) -> Float {
    get {
      precondition(index >= 0 && index < count, "index \(index) is outside \(shape)")
      return read { $0[index] }
    }
    set {
      precondition(index >= 0 && index < count, "index \(index) is outside \(shape)")
      modify { $0[index] = newValue }
    }
  }
}

extension Tensor {
  /// The elementwise sum of two tensors of one shape.
  package static func + (a: Tensor, b: Tensor) -> Tensor {
    precondition(a.shape == b.shape, "cannot add \(a.shape) and \(b.shape)")
    return Tensor(uninitialized: a.shape) { out in
      withPointers(a, b) { vm_add(out, $0, $1, a.count) }
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
  var sumOfSquares: Double { read { vm_sum_of_squares($0, count) } }

  /// Whether no element is infinite or not a number.
  package var isFinite: Bool { read { vm_all_finite($0, count) != 0 } }

  /// Independent draws from N(0, sd²).
  package static func gaussian(
    _ shape: [Int], sd: Double, using generator: inout SeededGenerator
  ) -> Tensor {
    let count = shape.reduce(1, *)
    return Tensor(uninitialized: shape) { pointer in
      for index in 0..<count { pointer[index] = Float(sd * generator.gaussian()) }
    }
  }
}

// MARK: - Several tensors at once

package typealias Elements = UnsafePointer<Float>

/// Reads two tensors; the pointers are valid only inside `body`.
@inline(__always)
package func withPointers<Result>(
  _ a: Tensor, _ b: Tensor, _ body: (Elements, Elements) throws -> Result
) rethrows -> Result {
  try a.read { a in try b.read { try body(a, $0) } }
}

/// Reads three tensors.
@inline(__always)
package func withPointers<Result>(
  _ a: Tensor, _ b: Tensor, _ c: Tensor, _ body: (Elements, Elements, Elements) throws -> Result
) rethrows -> Result {
  try withPointers(a, b) { a, b in try c.read { try body(a, b, $0) } }
}

/// Reads four tensors.
@inline(__always)
package func withPointers<Result>(
  _ a: Tensor, _ b: Tensor, _ c: Tensor, _ d: Tensor,
  _ body: (Elements, Elements, Elements, Elements) throws -> Result
) rethrows -> Result {
  try withPointers(a, b, c) { a, b, c in try d.read { try body(a, b, c, $0) } }
}
