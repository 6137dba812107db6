import Experiments
import Foundation
import RunRecords
import Statistics

/// How far a sweep is.
struct SweepStatus: Encodable {
  struct Counts: Encodable {
    let total: Int
    let done: Int
    let failed: Int
    let running: Int
    let waiting: Int
  }

  struct Entry: Encodable {
    let task: String
    let text: String
  }

  let plan: String
  let cells: Counts
  let shared: Counts
  /// Stages before the policy is optimized: run now, and as many as the cells would run alone.
  let stages: Int
  let stagesAlone: Int
  let secondsLeft: Double?
  /// With the machine and the process of each.
  let running: [Entry]
  /// With the error of each.
  let failures: [Entry]

  private enum CodingKeys: String, CodingKey {
    case plan, cells, shared, stages, running, failures
    case stagesAlone = "stages_alone"
    case secondsLeft = "seconds_left"
  }

  init(_ board: SweepBoard) {
    func counts(_ tasks: [SweepTask]) -> Counts {
      Counts(
        total: tasks.count, done: board.count("done", of: tasks),
        failed: board.count("failed", of: tasks), running: board.count("running", of: tasks),
        waiting: board.count("waiting", of: tasks))
    }
    let tasks = board.sweep.tasks
    (plan, stages, stagesAlone) = (tasks.plan, tasks.stages, tasks.stagesAlone)
    (cells, shared) = (counts(tasks.cells), counts(tasks.shared))
    secondsLeft = board.isOver ? 0 : board.secondsLeft
    running = tasks.all.compactMap { task in
      if case .running(let owner) = board.state(task) {
        Entry(task: task.name, text: owner)
      } else {
        nil
      }
    }
    failures = tasks.cells.compactMap { task in
      if case .failed(let reason) = board.state(task) {
        Entry(task: task.name, text: reason)
      } else {
        nil
      }
    }
  }

  var text: String {
    func row(_ name: String, _ counts: Counts) -> [String] {
      [name]
        + [counts.total, counts.done, counts.failed, counts.running, counts.waiting].map(
          String.init)
    }
    var table = TextTable(
      columns: [(plan, .leading)]
        + ["all", "done", "failed", "running", "waiting"].map { ($0, .trailing) })
    table.append(row("cells", cells))
    if shared.total > 0 { table.append(row("shared stages", shared)) }
    var text = table.rendered()
    for entry in running { text += "running: \(entry.task) (\(entry.text))\n" }
    for entry in failures { text += "failed: \(entry.task): \(entry.text)\n" }
    if let secondsLeft, secondsLeft > 0 {
      text += "About \(NumberText.plainClock(secondsLeft)) left.\n"
    }
    return text
  }
}

extension SweepTasks {
  /// What is to be done, and what sharing saves.
  var summary: String {
    "\(cells.count) cells; of the \(stagesAlone) stages before their policies are optimized, "
      + "\(stages) are run and \(stagesAlone - stages) shared"
  }
}

/// Progress of a sweep: a line for every task that has come to its end, with the time left.
final class SweepProgress {
  private let terminal: Terminal

  init(quiet: Bool) { terminal = .standardError(isQuiet: quiet) }

  func report(_ task: SweepTask, _ board: SweepBoard) {
    guard !terminal.isQuiet else { return }
    let cells = board.sweep.tasks.cells
    let over = cells.count { board.state($0).isFinal }
    var line = "\(over)/\(cells.count)  \(task.name)"
    if case .failed(let reason) = board.state(task) {
      line += "  failed: \(reason)"
    } else if let run = try? RunDirectory.open(board.sweep.place(task.name)),
      let summary = try? EvaluationSummary.read(from: run), let policy = summary.ppo
    {
      for (name, value) in [
        ("gold", policy.gold?.mean), ("score", policy.score?.mean), ("KL", policy.klExact?.mean),
      ] {
        if let value { line += "  \(name) \(NumberText.plainShort(value))" }
      }
    }
    if let left = board.secondsLeft, !board.isOver {
      line += "  \(NumberText.plainClock(left)) left"
    }
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}
