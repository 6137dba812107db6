import CKernels
import CNumerics
import Foundation
import Synchronization

/// The two C libraries under everything: what they are, and how this process uses them.
package enum NumericalLibraries {
  /// Holds OpenBLAS to the calling thread and lets jemalloc keep freed buffers.
  ///
  /// Work is cut over sequences (``Workers``), so threads inside a product would only fight for the
  /// cores. Activation buffers of one step are the next step's too; giving them back to the kernel
  /// would pay for clearing their pages again and again. Holds for arenas made from now on: the main thread's,
  /// which exists, goes on giving pages back after seconds. Call once, before any work.
  package static func prepare() {
    openblas_set_num_threads(1)
    var keepForever = -1
    for name in ["arenas.dirty_decay_ms", "arenas.muzzy_decay_ms"] {
      _ = mallctl(name, nil, nil, &keepForever, MemoryLayout<Int>.size)
    }
  }

  /// Gives freed buffers back to the kernel, which jemalloc keeps after ``prepare()``: for the end of work whose
  /// buffers are of no use to what comes next.
  package static func releaseFreedMemory() {
    // 4096 stands for all arenas.
    arenaChanges.withLock { _ in _ = mallctl("arena.4096.purge", nil, nil, nil, 0) }
  }

  /// Held while arenas are purged and while one is made or destroyed: jemalloc 5.3 purges a list of arenas that it
  /// took before, and writes into those destroyed meanwhile.
  static let arenaChanges = Mutex(())

  /// Whether the address space holds what OpenBLAS and the models need at least.
  ///
  /// OpenBLAS maps 128 MiB for every thread that multiplies at the same time, and asks the system again,
  /// for ever, where a limit (`ulimit -v`) does not allow it.
  package static func hasAddressSpace(forThreads count: Int) -> Bool {
    buffers.withLock { reserved in
      guard count > reserved else { return true }
      let size = (count - reserved) * bytesPerThread + (64 << 20)
      let place = mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      guard let place, place != MAP_FAILED else { return false }
      munmap(place, size)
      return true
    }
  }

  /// Has OpenBLAS map the buffers of so many threads now, so that it never has to when memory is short:
  /// it would ask the system again and again, for ever. They take no memory before they are used.
  package static func reserve(forThreads count: Int) {
    typealias Allocate = @convention(c) (Int32) -> UnsafeMutableRawPointer?
    typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void
    buffers.withLock { reserved in
      guard count > reserved, let allocate = dlsym(nil, "blas_memory_alloc"),
        let free = dlsym(nil, "blas_memory_free")
      else { return }
      // Where the memory went since ``hasAddressSpace(forThreads:)`` saw it, SIGALRM ends the program.
      alarm(20)
      defer { alarm(0) }
      // All at once: a buffer that is given back is the next one's.
      let held = (0..<count).map { _ in unsafeBitCast(allocate, to: Allocate.self)(0) }
      held.forEach(unsafeBitCast(free, to: Free.self))
      reserved = count
    }
  }

  /// How many buffers OpenBLAS has mapped.
  private static let buffers = Mutex(0)

  package static let bytesPerThread = 128 << 20

  /// Version and build options of OpenBLAS.
  package static var blasVersion: String { String(cString: openblas_get_config()) }

  /// Bytes that jemalloc holds and that no allocation uses.
  static var reusableBytes: Int {
    max(0, statistic("stats.resident") - statistic("stats.allocated"))
  }

  /// The processor family whose kernels OpenBLAS uses.
  package static var blasCore: String { String(cString: openblas_get_corename()) }

  /// The instruction set that the program's own kernels run with.
  package static var kernels: String { String(cString: vm_kernel_level()) }

  /// Version of jemalloc.
  package static var allocatorVersion: String { text("version") }

  /// When jemalloc asks the system for large pages: always, never, or as the system likes it.
  package static var largePages: String { text("opt.thp") }

  /// Bytes in live allocations of the whole process, as jemalloc counts them.
  package static var allocatedBytes: Int { statistic("stats.allocated") }

  /// Bytes that this thread has allocated and not freed, if other threads free nothing of it.
  package static var threadBytes: Int {
    statistic("thread.allocated") - statistic("thread.deallocated")
  }

  /// Whether plain allocations of the process come from jemalloc: it counts one as it is made.
  package static var allocatorServesProcess: Bool {
    let size = 1 << 20
    // What this thread has ever allocated only grows: nothing freed meanwhile can hide the block.
    let before = statistic("thread.allocated")
    let block = Tensor(zeros: [size / MemoryLayout<Float>.stride])
    // Reading the block keeps the compiler from removing an allocation without a use.
    return block.read { $0[0] == 0 } && statistic("thread.allocated") - before >= size
  }

  /// Bytes of the block that jemalloc gave for a tensor, at least those it was asked for; nil where
  /// another allocator made it.
  static func blockBytes(at pointer: UnsafeMutablePointer<Float>) -> Int? {
    servesTensors ? sallocx(pointer, 0) : nil
  }

  /// jemalloc may only be asked about blocks of its own.
  private static let servesTensors = allocatorServesProcess

  private static func text(_ name: String) -> String {
    var text: UnsafePointer<CChar>?
    var size = MemoryLayout<UnsafePointer<CChar>?>.size
    guard mallctl(name, &text, &size, nil, 0) == 0, let text else { return "unknown" }
    return String(cString: text)
  }

  /// A figure of jemalloc as it is now.
  static func statistic(_ name: String) -> Int {
    var epoch: UInt64 = 1
    _ = mallctl("epoch", nil, nil, &epoch, MemoryLayout<UInt64>.size)
    var value = 0
    var size = MemoryLayout<Int>.size
    return mallctl(name, &value, &size, nil, 0) == 0 ? value : 0
  }
}
