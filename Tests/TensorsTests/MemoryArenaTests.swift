import Foundation
import Testing

@testable import Numerics

@Suite(
  "In an arena of its own, a tensor",
  .enabled(
    if: NumericalLibraries.allocatorServesProcess, "jemalloc does not serve this process"))
struct MemoryArenaTests {
  @Test("is counted by jemalloc exactly as large as its block, until it is gone")
  func counted() throws {
    let arena = try #require(MemoryArena())
    #expect(arena.allocatedBytes == 0)
    do {
      let tensors = [3, 1000, 300_000].map { Tensor(repeating: 2, shape: [$0]).moved(to: arena) }
      #expect(tensors.allSatisfy { $0.isHeld(in: arena) && $0[1] == 2 })
      #expect(arena.allocatedBytes == Tensor.allocatedBytes(of: tensors))
      #expect(arena.allocatedBytes >= 4 * 301_003)
      // Where it is already, it is not moved again.
      #expect(tensors[0].moved(to: arena).sharesMemory(with: tensors[0]))
    }
    #expect(arena.allocatedBytes == 0)
  }

  @Test("stays there when it is written, and so does the copy that a write makes of shared memory")
  func written() throws {
    let arena = try #require(MemoryArena())
    var tensor = Tensor(zeros: [1000]).moved(to: arena)
    tensor[5] = 1
    #expect(arena.allocatedBytes == tensor.allocatedBytes)
    let before = tensor
    tensor[5] = 2
    #expect(before[5] == 1 && tensor[5] == 2 && tensor.isHeld(in: arena))
    #expect(arena.allocatedBytes == 2 * tensor.allocatedBytes)
  }

  @Test("leaves no trace of what is computed from it, nor in other arenas")
  func computed() throws {
    let (arena, other) = (try #require(MemoryArena()), try #require(MemoryArena()))
    let tensor = Tensor(repeating: 1, shape: [1000]).moved(to: arena)
    let sum = Tensor(rowsOf: [tensor, tensor])
    #expect(!sum.isHeld(in: arena) && other.allocatedBytes == 0 && arena !== other)
    #expect(arena.allocatedBytes == tensor.allocatedBytes)
    #expect(tensor.moved(to: nil).sharesMemory(with: tensor))
  }

  @Test("retain the arena, which is freed with the last of them and may be reused")
  func released() throws {
    var tensor = Tensor(zeros: [1000])
    // Would they stay, jemalloc had no more after 4 095.
    for _ in 0..<5_000 { tensor = tensor.moved(to: MemoryArena()) }
    #expect(tensor[999] == 0)
  }

  @Test("may be the last of its arena while another thread gives all freed memory back")
  func purged() {
    for _ in 0..<20 {
      // Freed blocks in many arenas, so that the purge is still at the first when the last is destroyed.
      var arenas = (0..<40).map { _ in MemoryArena() }
      for arena in arenas { _ = Tensor(repeating: 1, shape: [1 << 18]).moved(to: arena) }
      let (started, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
      Thread {
        started.signal()
        NumericalLibraries.releaseFreedMemory()
        ended.signal()
      }.start()
      started.wait()
      while !arenas.isEmpty { arenas.removeLast() }
      ended.wait()
    }
  }

  @Test("starts on a cache line")
  func alignment() throws {
    let arena = try #require(MemoryArena())
    for count in [1, 3, 17, 1000] {
      let tensor = Tensor(zeros: [count]).moved(to: arena)
      #expect(tensor.read { UInt(bitPattern: $0) } % 64 == 0)
    }
  }
}
