import Testing

@testable import Numerics

@Suite("A tensor is a value")
struct TensorTests {
  private func address(_ tensor: Tensor) -> UInt { tensor.read { UInt(bitPattern: $0) } }

  @Test("copies share memory until one is written, and then the other does not change")
  func copyOnWrite() {
    let original = Tensor([1.0, 2, 3, 4], shape: [2, 2])
    var copy = original
    #expect(address(copy) == address(original))
    copy[3] = -1
    #expect(address(copy) != address(original))
    #expect(original.values == [1, 2, 3, 4])
    #expect(copy.values == [1, 2, 3, -1])
    #expect(copy.shape == [2, 2])
  }

  @Test("every way of writing leaves a copy alone")
  func writers() {
    let original = Tensor([1.0, -2, 3])
    let writers: [(inout Tensor) -> Void] = [
      { $0[0] = 9 },
      { $0.modify { $0[1] = 9 } },
      { $0.add(Tensor([1.0, 1, 1]), scaledBy: 2) },
      { $0.multiply(by: 3) },
    ]
    for write in writers {
      var copy = original
      write(&copy)
      #expect(copy.values != [1, -2, 3])
      #expect(original.values == [1, -2, 3])
    }
  }

  @Test("a tensor that nothing shares is written in place")
  func uniqueWrite() {
    var tensor = Tensor([1.0, 2, 3])
    let before = address(tensor)
    tensor[0] = 5
    tensor.multiply(by: 2)
    tensor.add(Tensor([1.0, 1, 1]))
    #expect(address(tensor) == before)
    #expect(tensor.values == [11, 5, 7])
  }

  @Test("a reshaped tensor shares the elements and none of the writes")
  func reshape() {
    let flat = Tensor([1.0, 2, 3, 4, 5, 6])
    var matrix = flat.reshaped([2, 3])
    #expect((matrix.rows, matrix.columns, matrix.count) == (2, 3, 6))
    #expect(address(matrix) == address(flat))
    matrix[5] = 0
    #expect(flat[5] == 6)
  }

  @Test(
    "the allocator is asked what it gave, which is more than was asked for",
    .enabled(
      if: NumericalLibraries.allocatorServesProcess, "jemalloc does not serve this process"))
  func allocatedBytes() {
    #expect(Tensor(zeros: [1000]).allocatedBytes == 4096)
    let large = 5_000_000
    let before = NumericalLibraries.threadBytes
    let tensor = Tensor(uninitialized: [large]) { $0[0] = 0 }
    let growth = NumericalLibraries.threadBytes - before
    // Beside the elements there is the object that owns them, and the shape.
    #expect(tensor.allocatedBytes > 4 * large)
    #expect((tensor.allocatedBytes...tensor.allocatedBytes + 512).contains(growth), "\(growth)")
  }

  @Test("memory that tensors share is counted once, and that of others is left out")
  func sharedBytes() {
    let (a, b) = (Tensor(zeros: [300]), Tensor(zeros: [5]))
    #expect(Tensor.allocatedBytes(of: [a, b]) == a.allocatedBytes + b.allocatedBytes)
    #expect(Tensor.allocatedBytes(of: [a, a, b, a]) == Tensor.allocatedBytes(of: [a, b]))
    #expect(Tensor.allocatedBytes(of: [a, b], apartFrom: [a]) == b.allocatedBytes)
    var copy = a
    #expect(Tensor.allocatedBytes(of: [copy], apartFrom: [a]) == 0)
    copy[0] = 1
    #expect(Tensor.allocatedBytes(of: [copy], apartFrom: [a]) == a.allocatedBytes)
  }

  @Test("memory starts on a cache line")
  func alignment() {
    for count in [1, 3, 17, 1000] { #expect(address(Tensor(zeros: [count])) % 64 == 0) }
  }

  @Test("scalars and empty tensors have the extents that their shape says")
  func extents() {
    let scalar = Tensor([4], shape: [])
    #expect((scalar.rows, scalar.columns, scalar.count) == (1, 1, 1))
    let empty = Tensor(zeros: [0, 7])
    #expect((empty.rows, empty.columns, empty.count) == (0, 7, 0))
    #expect(empty.values.isEmpty)
  }

  @Test("sums, squares and finiteness of lengths around the width of a register")
  func arithmetic() {
    for count in [1, 15, 16, 17, 33, 1025] {
      let a = Tensor((0..<count).map { Float($0 % 7) - 3 })
      let b = Tensor((0..<count).map { Float($0 % 5) })
      #expect((a + b).values == zip(a.values, b.values).map { $0 + $1 })
      #expect(a.sumOfSquares == a.values.reduce(0.0) { $0 + Double($1) * Double($1) })
      #expect(a.isFinite)
      for poison in [Float.nan, .infinity, -.infinity] {
        var poisoned = a
        poisoned[count - 1] = poison
        #expect(!poisoned.isFinite)
      }
    }
  }
}
