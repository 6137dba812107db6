import Tensors
import Testing

@Suite("The libraries under everything")
struct NumericalLibrariesTests {
  @Test("jemalloc serves this process: it counts the memory of a tensor")
  func allocator() {
    let size = 64 << 20
    let before = NumericalLibraries.allocatedBytes
    var growth = 0
    do {
      let tensor = Tensor(zeros: [size / MemoryLayout<Float>.size])
      growth = tensor.read { _ in NumericalLibraries.allocatedBytes - before }
    }
    // Other tests run at the same time, with tensors of kilobytes.
    #expect(abs(growth - size) < size / 4)
    #expect(abs(NumericalLibraries.allocatedBytes - before) < size / 4)
  }

  @Test("both libraries say what they are")
  func versions() {
    #expect(NumericalLibraries.blasVersion.hasPrefix("OpenBLAS"))
    #expect(!NumericalLibraries.blasCore.isEmpty)
    #expect(NumericalLibraries.allocatorVersion.first?.isNumber == true)
  }
}
