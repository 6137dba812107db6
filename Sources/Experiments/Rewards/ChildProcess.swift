import Foundation
import Synchronization

/// A shell command that runs beside the program, with pipes to its standard input, output and error.
///
/// It leads a process group of its own: Ctrl-C in a terminal reaches this program alone, which ends
/// the step that it is in, and whatever the command has started is killed with it. Where this
/// program is killed itself, the command finds the end of its input.
///
/// One thread writes and reads by `poll`, so that no full pipe can stop both sides. Foundation's
/// `Process` is no help here: it tells of an end on a run loop, and only when every process has closed
/// what it inherited.
final class ChildProcess {
  /// How an exchange came out.
  enum Outcome: Equatable {
    case done
    /// It closed its output; nil where it has not ended a second after.
    case ended(ProcessEnd?)
    case timedOut
  }

  private let process: pid_t
  private var input: Int32
  private var output: Int32
  private var errors: Int32
  private var end: ProcessEnd?
  private var isStopped = false
  private var errorTail: [UInt8] = []

  /// What it has written that nobody has taken yet.
  var received: [UInt8] = []

  /// Starts `/bin/sh -c command` in the directory of this program.
  ///
  /// - Throws: `POSIXError` when the system does not start it.
  init(shell command: String) throws {
    var ends: [Int32] = []
    for _ in 0..<3 {
      var pipe: [Int32] = [-1, -1]
      guard Foundation.pipe(&pipe) == 0 else {
        let reason = errno
        Self.close(ends)
        throw POSIXError(POSIXErrorCode(rawValue: reason) ?? .EMFILE)
      }
      // Another command must not hold them open.
      for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      ends += pipe
    }
    let (theirs, ours) = ([ends[0], ends[3], ends[5]], [ends[1], ends[2], ends[4]])
    for end in ours { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    defer { Self.close(theirs) }
    do {
      process = try spawnProcess("/bin/sh", ["-c", command]) { actions in
        for (number, end) in theirs.enumerated() {
          posix_spawn_file_actions_adddup2(&actions, end, Int32(number))
        }
      }
    } catch {
      Self.close(ours)
      throw error
    }
    (input, output, errors) = (ours[0], ours[1], ours[2])
    Interruption.begin(processGroup: process)
  }

  deinit { stop(patience: .seconds(1)) }

  /// The last lines of its standard error.
  var lastErrors: [String] {
    String(decoding: errorTail, as: UTF8.self).split(whereSeparator: \.isNewline).suffix(3)
      .map { String($0.suffix(200)) }
  }

  /// Writes `bytes` and reads until all are written and `take` has what it wants of ``received``.
  ///
  /// - Parameter take: looks at ``received`` whenever there may be more of it, first before anything
  ///   is written.
  func exchange(
    _ bytes: [UInt8], within limit: Duration, _ take: (inout [UInt8]) throws -> Bool
  ) throws -> Outcome {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    var unwritten = bytes[...]
    if output >= 0, !read(&output, into: &received) { Self.close(&output) }
    while true {
      if try take(&received), unwritten.isEmpty || input < 0 { return .done }
      if output < 0 { return .ended(waitForEnd(.seconds(1))) }
      let left = deadline - clock.now
      guard left > .zero else { return .timedOut }
      // Some time at most, because what it has started may hold its output open when it is gone.
      let patience = Int32(min(left / .milliseconds(1), 200).rounded(.up))
      var ends = [
        pollfd(fd: output, events: Int16(POLLIN), revents: 0),
        pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
        pollfd(fd: unwritten.isEmpty ? -1 : input, events: Int16(POLLOUT), revents: 0),
      ]
      let ready = poll(&ends, nfds_t(ends.count), patience)
      if ready <= 0 {
        // It says nothing and has ended, so that nothing more will come.
        if ready == 0, hasEnded { Self.close(&output) }
        continue
      }
      if ends[2].revents != 0 { unwritten.removeFirst(write(unwritten)) }
      if ends[1].revents != 0 { readErrors() }
      if ends[0].revents != 0, !read(&output, into: &received) { Self.close(&output) }
    }
  }

  /// Closes its pipes, which tells it to end, and kills what is left of it.
  func stop(patience: Duration) {
    guard !isStopped else { return }
    isStopped = true
    Self.close(&input)
    Self.close(&output)
    Self.close(&errors)
    if patience > .zero { _ = waitForEnd(patience) }
    kill(-process, SIGKILL)
    if end == nil {
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
      end = .signal(SIGKILL)
    }
    Interruption.end(processGroup: process)
  }

  private func waitForEnd(_ patience: Duration) -> ProcessEnd? {
    let clock = ContinuousClock()
    let deadline = clock.now + patience
    while !hasEnded, clock.now < deadline { usleep(2_000) }
    readErrors()
    return end
  }

  private var hasEnded: Bool {
    var status: Int32 = 0
    if end == nil, waitpid(process, &status, WNOHANG) == process {
      end = ProcessEnd(waitStatus: status)
    }
    return end != nil
  }

  /// Writes as much as the pipe takes; closes ``input`` when nobody reads it any more.
  private func write(_ bytes: ArraySlice<UInt8>) -> Int {
    // A reader that is gone must not end this program, whose SIGPIPE does; to block the signal in this
    // thread leaves it to the others.
    var (blocked, before, pending) = (sigset_t(), sigset_t(), sigset_t())
    sigemptyset(&blocked)
    sigaddset(&blocked, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &blocked, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let count = bytes.withUnsafeBytes { Foundation.write(input, $0.baseAddress, $0.count) }
    if count >= 0 { return count }
    if errno == EPIPE {
      var number: Int32 = 0
      sigpending(&pending)
      if sigismember(&pending, SIGPIPE) == 1 { sigwait(&blocked, &number) }
      Self.close(&input)
    }
    return 0
  }

  private func readErrors() {
    if errors >= 0, !read(&errors, into: &errorTail) { Self.close(&errors) }
    errorTail.removeFirst(max(0, errorTail.count - 4_096))
  }

  /// Reads what is there, up to 64 KiB; false at the end.
  private func read(_ end: inout Int32, into bytes: inout [UInt8]) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = Foundation.read(end, &buffer, buffer.count)
    if count > 0 { bytes += buffer[..<count] }
    return count > 0 || (count < 0 && [EAGAIN, EINTR].contains(errno))
  }

  private static func close(_ ends: [Int32]) {
    for end in ends { _ = Foundation.close(end) }
  }

  private static func close(_ end: inout Int32) {
    if end >= 0 { _ = Foundation.close(end) }
    end = -1
  }
}

extension Interruption {
  /// Kills the commands that run. Safe inside a signal handler after ``prepare()``.
  package static func killCommands() {
    for slot in groups {
      let group = slot.id.load(ordering: .relaxed)
      if group > 0 { kill(-group, SIGKILL) }
    }
  }

  /// The process group of a command, where a signal handler finds it without a lock; 0 for none. A
  /// command more than there are places ends when it finds the end of its input.
  final class Group: Sendable { let id = Atomic<pid_t>(0) }
  static let groups = (0..<16).map { _ in Group() }

  static func begin(processGroup: pid_t) { replace(0, by: processGroup) }
  static func end(processGroup: pid_t) { replace(processGroup, by: 0) }

  private static func replace(_ old: pid_t, by new: pid_t) {
    for slot in groups
    where slot.id.compareExchange(expected: old, desired: new, ordering: .relaxed).exchanged {
      return
    }
  }
}
