import Foundation
package import RunRecords

/// How far every task of a sweep has come, read from its directory.
package struct SweepBoard {
  package enum State: Equatable {
    /// For the stage that it goes on from.
    case waiting
    case ready
    case running(String)
    case done
    case failed(String)

    package var isFinal: Bool {
      switch self {
      case .done, .failed: true
      default: false
      }
    }

    /// As results.csv says it.
    package var name: String {
      switch self {
      case .waiting, .ready: "waiting"
      case .running: "running"
      case .done: "done"
      case .failed: "failed"
      }
    }
  }

  package let sweep: SweepDirectory
  package private(set) var states: [String: State] = [:]
  private(set) var claims: SweepClaims
  /// Seconds of the tasks of each kind that are done.
  private var seconds: [String: [Double]] = [:]

  /// - Parameter patience: seconds without a sign of life after which an owner counts as dead.
  package init(_ sweep: SweepDirectory, patience: Double = 60) {
    self.sweep = sweep
    claims = SweepClaims(in: sweep.claims, patience: patience)
  }

  /// Reads again what may have changed. What is done or failed stays so.
  package mutating func refresh() throws {
    claims.refresh()
    // Bases come before what goes on from them.
    for task in sweep.tasks.all where !(states[task.name]?.isFinal ?? false) {
      states[task.name] = try state(of: task)
    }
  }

  /// Looks at one task again.
  package mutating func refresh(_ task: SweepTask) throws {
    claims.refresh()
    states[task.name] = try state(of: task)
  }

  private mutating func state(of task: SweepTask) throws -> State {
    if let base = task.base, let state = states[base] {
      if case .failed(let reason) = state { return .failed("\(base): \(reason)") }
      guard state == .done else { return .waiting }
    }
    let information = try sweep.information(task.name)
    if let information, information.status == .finished,
      // Written last.
      AtomicFile.exists(sweep.place(task.name).appending(path: "report.html"))
    {
      let began = information.resumed.last ?? information.started
      seconds[task.kind, default: []].append(
        (information.ended ?? began).timeIntervalSince(began))
      return .done
    }
    if let information, information.status == .failed {
      return .failed(information.error ?? "it failed")
    }
    return claims.owner(task.name).map { .running($0.shown) } ?? .ready
  }

  package func state(_ task: SweepTask) -> State { states[task.name] ?? .waiting }

  package func count(_ name: String, of tasks: [SweepTask]) -> Int {
    tasks.count { state($0).name == name }
  }

  package var isOver: Bool { sweep.tasks.all.allSatisfy { state($0).isFinal } }

  /// Seconds until the end with as many processes as now; nil before anything is done.
  package var secondsLeft: Double? {
    let known = seconds.values.flatMap(\.self)
    guard !known.isEmpty else { return nil }
    let overall = known.reduce(0, +) / Double(known.count)
    let open = sweep.tasks.all.filter { !state($0).isFinal }
    let work = open.reduce(0.0) { sum, task in
      let like = seconds[task.kind] ?? []
      return sum + (like.isEmpty ? overall : like.reduce(0, +) / Double(like.count))
    }
    return work / Double(max(1, count("running", of: sweep.tasks.all)))
  }
}

extension SweepTask {
  fileprivate var kind: String { stage?.rawValue ?? run }
}

extension SweepBoard {
  /// The cells as they stand, for tables and page.
  package var results: SweepResults {
    SweepResults(
      plan: sweep.tasks.plan, axes: sweep.tasks.axes,
      cells: sweep.tasks.cells.map { task in
        let state = state(task)
        var error: String?
        if case .failed(let reason) = state { error = reason }
        return SweepResult(
          run: task.name, labels: task.labels, seed: task.seed, status: state.name, error: error)
      }, in: sweep.url)
  }
}
