import Experiments
import Formats
import Foundation
import RunRecords
import Statistics

/// How far a sweep is.
struct SweepStatus: Encodable {
  private static let columns = ["total", "done", "failed", "running", "waiting"]

  let plan: String
  /// How many there are of each column.
  let cells: [String: Int]
  let shared: [String: Int]
  /// Stages before policies are optimized: run now, and as many as the cells would run alone.
  let stages: Int
  let stagesAlone: Int
  let secondsLeft: Double?
  /// Machine and process of each task.
  let running: [String: String]
  /// The error of each cell.
  let failures: [String: String]

  private enum CodingKeys: String, CodingKey {
    case plan, cells, shared, stages, running, failures
    case stagesAlone = "stages_alone"
    case secondsLeft = "seconds_left"
  }

  init(_ board: SweepBoard) {
    let tasks = board.sweep.tasks
    func counts(_ tasks: [SweepTask]) -> [String: Int] {
      let states = Self.columns.dropFirst().map { ($0, board.count($0, of: tasks)) }
      return Dictionary(uniqueKeysWithValues: [("total", tasks.count)] + states)
    }
    (plan, stages, stagesAlone) = (tasks.plan, tasks.stages, tasks.stagesAlone)
    (cells, shared) = (counts(tasks.cells), counts(tasks.shared))
    secondsLeft = board.isOver ? 0 : board.secondsLeft
    var (running, failures): ([String: String], [String: String]) = ([:], [:])
    for task in tasks.all {
      if case .running(let owner) = board.state(task) { running[task.name] = owner }
      if case .failed(let reason) = board.state(task), task.isCell {
        failures[task.name] = reason
      }
    }
    (self.running, self.failures) = (running, failures)
  }

  var text: String {
    var table = TextTable(
      columns: [(plan, .leading)] + Self.columns.map { ($0, .trailing) })
    let all = cells.merging(shared, uniquingKeysWith: +)
    for (name, counts) in [("cells", cells), ("shared runs", shared), ("all", all)] {
      table.append([name] + Self.columns.map { "\(counts[$0] ?? 0)" })
    }
    var text = table.rendered()
    text +=
      "A shared run makes stages that several cells go on from, once: of the \(stagesAlone) stages that "
      + "the cells would run alone, \(stages) are run. Waiting: not begun, or for a shared run.\n"
    for (task, owner) in running.sorted(by: <) { text += "running: \(task) (\(owner))\n" }
    for (task, reason) in failures.sorted(by: <) { text += "failed: \(task): \(reason)\n" }
    if !failures.isEmpty {
      text += "Failed cells stay so when the sweep is started again; --retry runs them again.\n"
    }
    if let secondsLeft, secondsLeft > 0 {
      text += "About \(NumberText.plainClock(secondsLeft)) left.\n"
    }
    return text
  }
}

extension SweepTasks {
  /// What is to be done, and what sharing saves.
  var summary: String {
    "\(cells.count) cells and \(shared.count) runs that they share; of the \(stagesAlone) stages before "
      + "policies are optimized, \(stages) are run and \(stagesAlone - stages) saved"
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
      let summary = try? EvaluationSummary.read(from: run)
    {
      if let word = summary.word { line += "  \(word.rawValue)" }
      for (name, gain) in [("gold", summary.gain?.gold), ("score", summary.gain?.score)] {
        if let gain { line += "  \(name) \(NumberText.signed(gain, 2)) sd" }
      }
      if let kl = summary.ppo?.klExact?.mean { line += "  KL \(NumberText.plainShort(kl))" }
    }
    if let left = board.secondsLeft, !board.isOver {
      line += "  \(NumberText.plainClock(left)) left"
    }
    StandardStreams.writeError(line + "\n")
  }
}
