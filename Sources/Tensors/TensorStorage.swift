/// The memory behind a ``Tensor``: `count` floats, aligned to a cache line.
///
/// `@unchecked Sendable` is sound because ``Tensor`` is the only user: it writes through a storage
/// only while it holds the one reference to it (`isKnownUniquelyReferenced`), and a storage that is
/// shared is only read.
final class TensorStorage: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>
  let count: Int

  init(uninitialized count: Int) {
    self.count = count
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, count) * MemoryLayout<Float>.stride, alignment: 64)
    pointer = raw.bindMemory(to: Float.self, capacity: max(1, count))
  }

  /// Bytes of the block that the allocator gave, which rounds up what it is asked for; those that it
  /// was asked for where it does not tell.
  var allocatedBytes: Int {
    NumericalLibraries.blockBytes(at: pointer) ?? max(1, count) * MemoryLayout<Float>.stride
  }

  func copy() -> TensorStorage {
    let other = TensorStorage(uninitialized: count)
    other.pointer.update(from: pointer, count: count)
    return other
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }
}
