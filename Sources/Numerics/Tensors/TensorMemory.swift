import CNumerics
import Synchronization

/// The memory behind a ``Tensor``: `count` floats, aligned to a cache line.
///
/// `@unchecked Sendable` is sound because ``Tensor`` is the only user: it writes through a storage
/// only while it holds the one reference to it (`isKnownUniquelyReferenced`), and a storage that is
/// shared is only read.
final class TensorStorage: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>
  let count: Int
  /// Where the memory is, if not where everything else is.
  let arena: MemoryArena?

  init(uninitialized count: Int, in arena: MemoryArena? = nil) {
    self.count = count
    let byteCount = max(1, count) * MemoryLayout<Float>.stride
    let own = arena?.allocate(byteCount: byteCount)
    self.arena = own == nil ? nil : arena
    let raw = own ?? UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
    pointer = raw.bindMemory(to: Float.self, capacity: max(1, count))
  }

  /// Bytes of the block that the allocator gave, which rounds up what it is asked for; those that it
  /// was asked for where it does not tell.
  var allocatedBytes: Int {
    NumericalLibraries.blockBytes(at: pointer) ?? max(1, count) * MemoryLayout<Float>.stride
  }

  /// The same elements in the same arena.
  func copy() -> TensorStorage { copy(in: arena) }

  func copy(in arena: MemoryArena?) -> TensorStorage {
    let other = TensorStorage(uninitialized: count, in: arena)
    other.pointer.update(from: pointer, count: count)
    return other
  }

  deinit {
    if arena == nil {
      UnsafeMutableRawPointer(pointer).deallocate()
    } else {
      MemoryArena.deallocate(pointer)
    }
  }
}

/// An arena of jemalloc's own for the tensors of one role, such as the policy, so that jemalloc
/// itself says how much memory that role holds.
///
/// A tensor moved here stays here: what is written to it, and the copy that a write to shared memory
/// makes, is allocated in the same arena. Results of computations are not; they go where everything
/// else goes, by way of thread caches, which an arena's count would not see through. Each takes up to
/// 4 MB beyond what it counts, in large pages of its own, and jemalloc looks at every one whenever it
/// counts: an arena goes when whoever made it and the last tensor in it have gone.
package final class MemoryArena: Sendable {
  let index: UInt32

  /// A new arena; nil where jemalloc does not serve the process.
  package init?() {
    guard NumericalLibraries.allocatorServesProcess else { return nil }
    let created = NumericalLibraries.arenaChanges.withLock { _ -> UInt32? in
      var index: UInt32 = 0
      var size = MemoryLayout<UInt32>.size
      return mallctl("arenas.create", &index, &size, nil, 0) == 0 ? index : nil
    }
    guard let created else { return nil }
    index = created
  }

  /// Every tensor in it holds on to the arena, so there is no block in it any more.
  deinit {
    NumericalLibraries.arenaChanges.withLock { _ in
      _ = mallctl("arena.\(index).destroy", nil, nil, nil, 0)
    }
  }

  /// The bytes of the blocks in the arena that are in use, as jemalloc counts them
  /// (`stats.arenas.I.small.allocated` and `large.allocated`).
  package var allocatedBytes: Int {
    ["small", "large"].reduce(0) {
      $0 + NumericalLibraries.statistic("stats.arenas.\(index).\($1).allocated")
    }
  }

  /// A block that starts on a cache line; nil where memory has run out.
  func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
    arena_allocate(byteCount, index)
  }

  static func deallocate(_ pointer: UnsafeMutableRawPointer) { arena_deallocate(pointer) }
}
