import Foundation

/// The right to write into a run directory, which one process has at a time.
///
/// It is an advisory lock (`flock`) on the directory itself: it leaves no file, the system takes it
/// back when the process ends, however it ends, and it does not pass to child processes.
final class RunLock: Sendable {
  private let descriptor: Int32

  /// - Throws: `stillRunning` when another process has it; `unreadable`.
  init(_ run: RunDirectory) throws(RunRecordsError) {
    descriptor = open(run.url.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .unreadable(path: run.url.path, reason: String(cString: strerror(errno)))
    }
    let information = try? RunInformation.read(from: run)
    // Some network file systems do not lock directories; there, a living process must do.
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0,
      errno == EWOULDBLOCK || information?.livingProcess != nil
    {
      throw .stillRunning(path: run.url.path, process: information?.process)
    }
  }

  deinit { close(descriptor) }

  /// Whether the locked directory is the one that is there now.
  func isOf(_ url: URL) -> Bool {
    var (locked, found) = (stat(), stat())
    return fstat(descriptor, &locked) == 0 && stat(url.path, &found) == 0
      && locked.st_dev == found.st_dev && locked.st_ino == found.st_ino
  }
}
