import Foundation
import RunRecords

/// The right to work on a task, which one process has at a time, on whatever machine.
///
/// `claims/TASK.1` is made by whoever comes first: no file system makes one file twice. Its owner
/// touches it while it lives. When it is dead, the next one makes `claims/TASK.2`, and so on, so that of
/// several that see it dead one gets the task.
package final class SweepClaim {
  /// Seconds between two signs of life.
  static let heartbeat = 2.0
  /// Seconds that a process may take to save its state when the one that started it is gone.
  private static let longestStep = 20.0

  private let file: URL

  private init(_ file: URL) { self.file = file }

  /// - Parameter generation: one more than that of the owner who was seen dead.
  /// - Returns: nil when another process was faster.
  package static func make(
    _ task: String, generation: Int, in sweep: SweepDirectory
  ) throws -> SweepClaim? {
    let file = sweep.claims.appending(path: "\(fileName(task)).\(generation)")
    let descriptor = open(file.path, O_CREAT | O_EXCL | O_WRONLY, 0o644)
    guard descriptor >= 0 else {
      if errno == EEXIST { return nil }
      throw RunRecordsError.unwritable(
        path: file.path, reason: String(cString: strerror(errno)))
    }
    let text = Owner.this.text
    _ = text.withCString { write(descriptor, $0, strlen($0)) }
    close(descriptor)
    return SweepClaim(file)
  }

  /// Shows from now on that this process lives, and ends it when the task is no longer its own, as
  /// after a long sleep of its machine, or when the process that started it is gone: then standard
  /// input ends, which nobody writes to.
  package func beginHeartbeat() {
    let path = file.path
    let next = "\(file.deletingPathExtension().path).\((Int(file.pathExtension) ?? 0) + 1)"
    Thread.detachNewThread {
      var (life, orphaned) = (pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0), 0.0)
      while true {
        utimes(path, nil)
        if access(next, F_OK) == 0 { _exit(ExitCode.lost) }
        if orphaned > 0 || poll(&life, 1, Int32(Self.heartbeat * 1_000)) > 0 {
          // The state is saved at the next step, and this process ends.
          Interruption.request()
          if orphaned > Self.longestStep {
            Interruption.killCommands()
            _exit(ExitCode.lost)
          }
          orphaned += Self.heartbeat
          Thread.sleep(forTimeInterval: Self.heartbeat)
        }
      }
    }
  }

  /// Gives the task back.
  package func release() { try? Data(Self.released.utf8).write(to: file) }

  enum ExitCode { static let lost: Int32 = 75 }

  fileprivate static let released = "released\n"

  static func fileName(_ task: String) -> String { task.replacing("/", with: ".") }

  /// A process on a machine.
  struct Owner: Equatable {
    let host: String
    let process: Int32

    /// Containers may share a name, and count their processes by themselves.
    static let this = Owner(
      host: ProcessInfo.processInfo.hostName
        + ((try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid"))
          .map { "/\($0)" } ?? ""),
      process: getpid())

    init(host: String, process: Int32) { (self.host, self.process) = (host, process) }

    init?(_ text: String) {
      let parts = text.split(whereSeparator: \.isWhitespace)
      guard parts.count == 2, let process = Int32(parts[1]) else { return nil }
      self.init(host: String(parts[0]), process: process)
    }

    var text: String { "\(host) \(process)\n" }
    var shown: String { "\(host.prefix { $0 != "/" }), process \(process)" }
    var isDead: Bool {
      host == Self.this.host && kill(process, 0) != 0 && errno == ESRCH
    }
  }
}

/// Who has which task, as far as one process can see.
package struct SweepClaims {
  /// Seconds without a sign of life after which an owner counts as dead.
  let patience: Double
  private let directory: URL
  private var generations: [String: Int] = [:]
  /// Since when a claim looks as it does, by this process's own clock: those of other machines differ.
  private var seen: [String: (modified: Date?, since: TimeInterval)] = [:]

  init(in directory: URL, patience: Double) {
    self.directory = directory
    self.patience = patience
  }

  /// Looks which claims there are.
  mutating func refresh() {
    generations = [:]
    for name in (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? [] {
      guard let dot = name.lastIndex(of: "."), let number = Int(name[name.index(after: dot)...])
      else { continue }
      let task = String(name[..<dot])
      generations[task] = max(generations[task] ?? 0, number)
    }
  }

  /// The living owner of a task; nil when it is free.
  mutating func owner(_ task: String) -> SweepClaim.Owner? {
    let name = SweepClaim.fileName(task)
    guard let generation = generations[name] else { return nil }
    let file = directory.appending(path: "\(name).\(generation)")
    guard let text = try? String(contentsOf: file, encoding: .utf8),
      text != SweepClaim.released
    else { return nil }
    // A claim that is just being made is empty.
    let owner = SweepClaim.Owner(text) ?? SweepClaim.Owner(host: "unknown", process: 0)
    if owner.isDead { return nil }
    let modified =
      (try? FileManager.default.attributesOfItem(atPath: file.path))?[.modificationDate] as? Date
    let now = ProcessInfo.processInfo.systemUptime
    if let last = seen[file.path], last.modified == modified {
      return now - last.since > patience ? nil : owner
    }
    seen[file.path] = (modified, now)
    return owner
  }

  /// The number of a task's last owner; 0 before the first.
  func generation(_ task: String) -> Int { generations[SweepClaim.fileName(task)] ?? 0 }
}
