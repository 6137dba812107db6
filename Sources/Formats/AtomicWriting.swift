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
/// An existing directory is replaced only if `replacingExisting`, and only once the new one is
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
    try flushTree(temporary)
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

/// Gives a new file the permissions of the one that it replaces, if there is one.
private func takeMode(of file: URL, for temporary: URL) throws(FileWritingError) {
  var status = stat()
  guard stat(file.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
  guard chmod(temporary.path, status.st_mode & 0o7777) == 0 else { throw systemFailure(temporary) }
}

private func move(_ source: URL, to target: URL) throws(FileWritingError) {
  guard rename(source.path, target.path) == 0 else { throw systemFailure(target) }
}

/// Puts a complete directory into the place of another, which is taken back when that fails.
///
/// There is no portable call that exchanges two directories. Should the machine stop between the
/// two renames, the old directory is still there, under its hidden name.
private func replace(_ existing: URL, with complete: URL) throws(FileWritingError) {
  let parked = sibling(of: existing)
  try move(existing, to: parked)
  do { try move(complete, to: existing) } catch {
    try move(parked, to: existing)
    throw error
  }
  // The new directory stands; failing to clear away the old one is no reason to report otherwise.
  try? FileManager.default.removeItem(at: parked)
}

private func flushTree(_ directory: URL) throws {
  for name in try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() {
    let url = directory.appending(path: name)
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) else {
      continue  // a symbolic link to nowhere has nothing to flush
    }
    if isDirectory.boolValue { try flushTree(url) } else { try flush(url) }
  }
  try flush(directory)
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
