package import Foundation

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Writes a file that appears whole or not at all, even when the machine stops halfway: beside its
/// place, flushed to the disk, then renamed.
package func writeFileAtomically(_ data: Data, to file: URL) throws(FileWritingError) {
  try writeFileAtomically(to: file) { try $0.write(contentsOf: data) }
}

/// Writes a file piece by piece, and puts it into its place when `body` has returned.
///
/// - Throws: ``FileWritingError``; the file that was there before is untouched, nothing is left over.
package func writeFileAtomically(
  to file: URL, _ body: (FileHandle) throws -> Void
) throws(FileWritingError) {
  let file = file.resolvingSymlinksInPath()
  let temporary = sibling(of: file)
  do {
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data().write(to: temporary, options: .withoutOverwriting)
    do {
      try takeMode(of: file, for: temporary)
      let handle = try FileHandle(forWritingTo: temporary)
      defer { try? handle.close() }
      // Says that somebody is writing; see `removeAbandoned`.
      _ = flock(handle.fileDescriptor, LOCK_EX | LOCK_NB)
      try body(handle)
      try handle.synchronize()
      try move(temporary, to: file)
    } catch {
      try? FileManager.default.removeItem(at: temporary)
      throw error
    }
    try flush(file.deletingLastPathComponent())
  } catch {
    throw (error as? FileWritingError)
      ?? .unwritable(path: file.path, reason: FileWritingError.reason(of: error))
  }
}

/// Writes a directory that appears whole or not at all: `body` fills a directory beside its place,
/// every file is flushed to the disk, then the directory is renamed.
///
/// An existing directory is replaced only if `replacingExisting`, in one step once the new one is
/// complete. An empty directory may always be filled.
///
/// - Throws: ``FileWritingError`` when something is in the way or cannot be written, and whatever
///   `body` throws; what was there before is untouched, nothing is left over.
package func writeDirectoryAtomically(
  _ directory: URL, replacingExisting: Bool, _ body: (URL) throws -> Void
) throws {
  let directory = directory.resolvingSymlinksInPath()
  let files = FileManager.default
  var isDirectory: ObjCBool = false
  if files.fileExists(atPath: directory.path, isDirectory: &isDirectory) {
    let isEmpty =
      try isDirectory.boolValue && files.contentsOfDirectory(atPath: directory.path).isEmpty
    guard isDirectory.boolValue, isEmpty || replacingExisting else {
      throw FileWritingError.exists(path: directory.path)
    }
  }
  let temporary = sibling(of: directory)
  do {
    try files.createDirectory(at: temporary, withIntermediateDirectories: true)
  } catch {
    throw FileWritingError.unwritable(
      path: directory.path, reason: FileWritingError.reason(of: error))
  }
  do {
    try body(temporary)
    try takeMode(of: directory, for: temporary)
    try flushToDisk(temporary)
    do { try move(temporary, to: directory) } catch {
      guard replacingExisting, files.fileExists(atPath: directory.path) else { throw error }
      try replace(directory, with: temporary)
    }
    try flush(directory.deletingLastPathComponent())
  } catch {
    try? files.removeItem(at: temporary)
    throw error
  }
}

/// A hidden name in the same directory, so that renaming never crosses file systems.
private func sibling(of url: URL) -> URL {
  url.deletingLastPathComponent()
    .appending(path: ".\(url.lastPathComponent).\(UUID().uuidString).partial")
}

/// What writing `name` leaves behind when it is killed; nil for any other file.
package func nameOfLeftover(_ name: String) -> String? {
  guard name.hasPrefix("."), name.hasSuffix(".partial") else { return nil }
  return name.dropFirst().dropLast(".partial".count).lastIndex(of: ".").map {
    String(name[name.index(after: name.startIndex)..<$0])
  }
}

/// Removes what a killed writing of a file or directory has left beside it; nobody else may be
/// writing it.
package func removeLeftovers(of url: URL) {
  let parent = url.deletingLastPathComponent()
  for name in (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
  where nameOfLeftover(name) == url.lastPathComponent {
    try? FileManager.default.removeItem(at: parent.appending(path: name))
  }
}

/// Removes what killed writings of a file have left beside it, where others may be writing it, too:
/// what nobody has locked for a minute.
package func removeAbandoned(of file: URL) {
  let file = file.resolvingSymlinksInPath()
  let parent = file.deletingLastPathComponent()
  for name in (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
  where nameOfLeftover(name) == file.lastPathComponent {
    let place = parent.appending(path: name)
    guard let handle = try? FileHandle(forReadingFrom: place) else { continue }
    defer { try? handle.close() }
    var status = stat()
    guard fstat(handle.fileDescriptor, &status) == 0, time(nil) - status.st_mtim.tv_sec > 60,
      flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0
    else { continue }
    try? FileManager.default.removeItem(at: place)
  }
}

/// Removes what killed writings have left anywhere below a directory in which nobody else writes.
package func removeLeftovers(below directory: URL) {
  let paths = (try? FileManager.default.subpathsOfDirectory(atPath: directory.path)) ?? []
  for path in paths where nameOfLeftover((path as NSString).lastPathComponent) != nil {
    try? FileManager.default.removeItem(at: directory.appending(path: path))
  }
}

/// Gives a new file or directory the permissions of the one that it replaces, if there is one.
private func takeMode(of file: URL, for temporary: URL) throws(FileWritingError) {
  var status = stat()
  guard stat(file.path, &status) == 0, [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
  else { return }
  guard chmod(temporary.path, status.st_mode & 0o7777) == 0 else { throw systemFailure(temporary) }
}

private func move(_ source: URL, to target: URL) throws(FileWritingError) {
  guard rename(source.path, target.path) == 0 else { throw systemFailure(target) }
}

/// Puts a complete directory into the place of another, which is taken back when that fails.
///
/// Should the machine stop between the two renames where directories cannot be exchanged, the old one
/// is still there, under its hidden name.
private func replace(_ existing: URL, with complete: URL) throws(FileWritingError) {
  if exchange(existing, complete) {
    // The old one is not deleted before the new one is sure to stand.
    try flush(existing.deletingLastPathComponent())
    try? FileManager.default.removeItem(at: complete)
    return
  }
  let parked = sibling(of: existing)
  try move(existing, to: parked)
  do { try move(complete, to: existing) } catch {
    try move(parked, to: existing)
    throw error
  }
  // The new directory stands; failing to clear away the old one is no reason to report otherwise.
  try? FileManager.default.removeItem(at: parked)
}

/// Exchanges two directories in one step; false where the file system or the C library cannot.
private func exchange(_ first: URL, _ second: URL) -> Bool {
  #if canImport(Darwin)
    return renamex_np(first.path, second.path, UInt32(RENAME_SWAP)) == 0
  #else
    // glibc has it; its header shows it to C alone.
    typealias Rename =
      @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32
    guard let rename = dlsym(nil, "renameat2") else { return false }
    let exchanging: UInt32 = 2  // RENAME_EXCHANGE
    return unsafeBitCast(rename, to: Rename.self)(
      AT_FDCWD, first.path, AT_FDCWD, second.path, exchanging) == 0
  #endif
}

/// Waits until a file, or a directory with all that is in it, is on the disk.
///
/// - Throws: ``FileWritingError``
package func flushToDisk(_ url: URL) throws(FileWritingError) {
  var isDirectory: ObjCBool = false
  // A symbolic link to nowhere has nothing to flush.
  guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) else { return }
  if isDirectory.boolValue {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? [] {
      try flushToDisk(url.appending(path: name))
    }
  }
  try flush(url)
}

/// Waits until it is on the disk that a file or directory is in its parent.
package func flushParent(of url: URL) throws(FileWritingError) {
  try flush(url.deletingLastPathComponent())
}

private func flush(_ url: URL) throws(FileWritingError) {
  let descriptor = open(url.path, O_RDONLY)
  guard descriptor >= 0 else { throw systemFailure(url) }
  defer { close(descriptor) }
  // Some file systems cannot flush a directory and say so with EINVAL: the rename still holds.
  guard fsync(descriptor) == 0 || errno == EINVAL else { throw systemFailure(url) }
}

private func systemFailure(_ url: URL) -> FileWritingError {
  .unwritable(path: url.path, reason: String(cString: strerror(errno)))
}
