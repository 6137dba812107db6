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
