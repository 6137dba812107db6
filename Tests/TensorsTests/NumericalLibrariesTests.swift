import TestSupport
import Testing

@testable import Numerics

@Suite("The libraries under everything")
struct NumericalLibrariesTests {
  @Test(
    "jemalloc serves this process: it counts the memory of a tensor", .disabled(if: isSanitized))
  func allocator() {
    let size = 64 << 20
    // By thread, for other tests allocate at the same time.
    let before = NumericalLibraries.threadBytes
    var (growth, total) = (0, 0)
    do {
      let tensor = Tensor(zeros: [size / MemoryLayout<Float>.size])
      growth = tensor.read { _ in NumericalLibraries.threadBytes - before }
      total = tensor.read { _ in NumericalLibraries.allocatedBytes }
    }
    #expect((size..<size + 1 << 20).contains(growth))
    #expect(total >= size)
    #expect(abs(NumericalLibraries.threadBytes - before) < 1 << 20)
  }

  @Test("both libraries say what they are")
  func versions() {
    #expect(NumericalLibraries.blasVersion.hasPrefix("OpenBLAS"))
    #expect(!NumericalLibraries.blasCore.isEmpty)
    #expect(NumericalLibraries.allocatorVersion.first?.isNumber == true)
  }
}
