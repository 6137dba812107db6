package import Foundation
import RunRecords

/// Works on a sweep by processes of this program, each for one task, until nothing is left to do.
///
/// A process of its own gives a task its own allocator and records, as `demo` has them, and takes
/// nothing else with it when it crashes. Each claims its task itself, so that it stays the owner when
/// this process is killed.
package final class SweepWorkers {
  private var board: SweepBoard
  private let jobs: Int
  private let program: URL
  /// Told about every task that has come to its end.
  private let report: (SweepTask, SweepBoard) -> Void
  private var processes: [pid_t: SweepTask] = [:]
  private var losses: [String: Int] = [:]
  /// Nobody writes to it: its processes find its end when this one is gone, however that came.
  private let life = Pipe()

  /// Processes of a task that may be killed or refuse to begin before it counts as failed.
  private static let mostLosses = 3

  package init(
    _ sweep: SweepDirectory, jobs: Int, program: URL, patience: Double,
    report: @escaping (SweepTask, SweepBoard) -> Void
  ) {
    board = SweepBoard(sweep, patience: patience)
    self.jobs = jobs
    self.program = program
    self.report = report
    // Only this process may hold it open.
    for end in [life.fileHandleForReading, life.fileHandleForWriting] {
      _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC)
    }
  }

  private var sweep: SweepDirectory { board.sweep }

  /// - Throws: ``Interrupted`` when the person wants to stop; then every task has saved its state.
  package func run() throws -> SweepBoard {
    var lastLook = -Double.infinity
    var reported: Set<String> = []
    var isFirst = true
    while true {
      let hasEnded = try reap()
      let now = ProcessInfo.processInfo.systemUptime
      if hasEnded || now - lastLook > 1 {
        lastLook = now
        try board.refresh()
        for task in sweep.tasks.all where board.state(task).isFinal {
          // What was done before needs no line.
          if reported.insert(task.name).inserted, !isFirst { report(task, board) }
        }
        isFirst = false
        if board.isOver, processes.isEmpty { return board }
        if !Interruption.isRequested { try fill() }
      }
      if Interruption.isRequested { try stop() }
      usleep(10_000)
    }
  }

  /// Gives the free places to tasks that are ready, shared ones first.
  private func fill() throws {
    for task in sweep.tasks.all where processes.count < jobs {
      guard board.state(task) == .ready,
        !processes.values.contains(where: { $0.name == task.name })
      else { continue }
      let process = try spawnProcess(
        program.path,
        ["sweep", "task", sweep.url.path, task.name, "--threads", "1", "--quiet"]
          + ["--generation", "\(board.claims.generation(task.name) + 1)"]
      ) { actions in
        posix_spawn_file_actions_adddup2(&actions, life.fileHandleForReading.fileDescriptor, 0)
        posix_spawn_file_actions_addopen(
          &actions, 1, sweep.log(task.name).path, O_CREAT | O_WRONLY | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
      }
      processes[process] = task
    }
  }

  /// Whether a process has ended.
  private func reap() throws -> Bool {
    var hasEnded = false
    for (process, task) in processes {
      var status: Int32 = 0
      guard waitpid(process, &status, WNOHANG) == process else { continue }
      processes[process] = nil
      hasEnded = true
      let end = ProcessEnd(waitStatus: status)
      try board.refresh(task)
      // One that lost the race for its claim leaves the task to the other.
      if board.state(task).isFinal || end == .exit(status: 0) { continue }
      if Interruption.isRequested { continue }
      losses[task.name, default: 0] += 1
      let isLast = losses[task.name] == Self.mostLosses
      if case .signal(let number) = end {
        // Killed by a person or a machine, it may be begun again; crashed, it would crash again.
        let isKilled = [SIGKILL, SIGTERM, SIGINT, SIGHUP].contains(number)
        guard isLast || !isKilled else { continue }
        try sweep.fail(
          task,
          "its process ended by \(end)" + (isKilled ? " \(Self.mostLosses) times" : "")
            + "; see logs/\(sweep.log(task.name).lastPathComponent)")
      } else if isLast {
        throw LoopError.input(
          "\(task.name) could not be begun; see \(sweep.log(task.name).path)")
      }
    }
    return hasEnded
  }

  private func stop() throws {
    for process in processes.keys { kill(process, SIGTERM) }
    for process in processes.keys {
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
    }
    processes = [:]
    throw Interrupted()
  }
}
