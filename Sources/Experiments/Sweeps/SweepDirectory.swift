import Formats
package import Foundation
package import RunRecords
import Settings

/// The directory of a sweep, which any number of processes and machines may work on at once.
///
/// ```
/// sweep.json  scenarios/     what is to be done, from which every process works
/// cells/NAME/                a run directory each
/// shared/STAGE-HASH/         run directories that several cells go on from
/// claims/  logs/             who is at work on what; what their processes said
/// results.csv  results.json  curves.csv  index.html
/// ```
package struct SweepDirectory: Sendable {
  package let url: URL
  package let tasks: SweepTasks

  package var results: URL { url.appending(path: "results.csv") }
  package var page: URL { url.appending(path: "index.html") }
  var claims: URL { url.appending(path: "claims") }
  package var logs: URL { url.appending(path: "logs") }
  private static func description(_ url: URL) -> URL { url.appending(path: "sweep.json") }

  /// Makes the directory, or goes on with the one that is there; the plan may have grown since.
  ///
  /// - Throws: `LoopError` where something else is, also a sweep with cells that the plan does not have,
  ///   whose results would be lost.
  package init(at url: URL, for plan: SweepPlan, _ cells: [SweepCell]) throws {
    self.url = url.standardizedFileURL
    tasks = SweepTasks(plan, cells)
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) {
      guard isDirectory.boolValue else {
        throw LoopError.taken("\(url.path) is no directory; choose another --out")
      }
      try requireOwn()
    }
    for place in [claims, logs, url.appending(path: "cells"), url.appending(path: "shared")] {
      do {
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      } catch {
        throw RunRecordsError.unwritable(
          path: place.path, reason: FileWritingError.reason(of: error))
      }
    }
    var written: Set<String> = []
    for (task, cell) in zip(tasks.cells, cells) where written.insert(task.scenario).inserted {
      let file = url.appending(path: task.scenario)
      if !AtomicFile.exists(file) { try AtomicFile.write(cell.scenario.resolvedYAML(), to: file) }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    try AtomicFile.write(encoder.encode(tasks), to: Self.description(url))
  }

  /// Refuses a directory that holds something else, or the results of another plan.
  private func requireOwn() throws {
    let file = Self.description(url)
    guard AtomicFile.exists(file) else {
      if try FileManager.default.contentsOfDirectory(atPath: url.path).isEmpty { return }
      throw LoopError.taken(
        "\(url.path) holds something else than a sweep (it has no sweep.json); choose another --out"
      )
    }
    // A damaged one is written anew.
    guard let earlier = try? JSONDecoder().decode(SweepTasks.self, from: AtomicFile.read(file))
    else { return }
    let names = Set(tasks.cells.map(\.name))
    let lost = earlier.cells.filter { !names.contains($0.name) }
    guard let first = lost.first else { return }
    let axes = earlier.axes.isEmpty ? "no axes" : earlier.axes.joined(separator: ", ")
    throw LoopError.taken(
      "\(url.path) holds the sweep \"\(earlier.plan)\" (\(axes); \(earlier.cells.count) cells), and "
        + "\(lost.count) of its cells, such as \(first.name), are not in \"\(tasks.plan)\": their "
        + "results would be lost; choose another --out, or add to that plan and take nothing away")
  }

  /// A sweep that is there.
  ///
  /// - Throws: `LoopError` for a directory without sweep.json, or with a damaged one.
  package init(opening url: URL) throws {
    self.url = url.standardizedFileURL
    let file = Self.description(url)
    guard AtomicFile.exists(file) else {
      throw LoopError.input(
        "\(url.path) is no sweep (it has no sweep.json); name the --out of a sweep")
    }
    guard let tasks = try? JSONDecoder().decode(SweepTasks.self, from: AtomicFile.read(file)) else {
      throw LoopError.input("\(file.path) is damaged; begin the sweep again with its plan")
    }
    let places = tasks.all.flatMap { [$0.name, $0.scenario, $0.base ?? ""] }
    if let outside = places.first(where: {
      $0.hasPrefix("/") || $0.split(separator: "/").contains("..")
    }) {
      throw LoopError.input(
        "\(file.path) names \(outside), which is not inside the sweep; begin it again with its plan"
      )
    }
    self.tasks = tasks
  }

  package func task(_ name: String) throws -> SweepTask {
    guard let task = tasks.all.first(where: { $0.name == name }) else {
      throw LoopError.input("\(url.path) has no task \(name)")
    }
    return task
  }

  package func place(_ name: String) -> URL { url.appending(path: name) }
  package func log(_ name: String) -> URL {
    logs.appending(path: SweepClaim.fileName(name) + ".txt")
  }

  /// What a task has recorded of itself; nil before it began.
  package func information(_ name: String) throws -> RunInformation? {
    let place = place(name)
    guard AtomicFile.exists(place.appending(path: "run.json")) else { return nil }
    return try RunInformation.read(from: RunDirectory.open(place))
  }

  /// The run directory of a task: as it was left, or a copy of its base.
  ///
  /// - Parameter information: of a run that begins.
  /// - Returns: the directory, and what it records from now on.
  package func prepare(
    _ task: SweepTask, _ information: RunInformation
  ) throws -> (directory: RunDirectory, information: RunInformation) {
    if let earlier = try self.information(task.name) {
      var resumed = earlier
      resumed.status = .running
      resumed.process = information.process
      resumed.resumed.append(Date())
      (resumed.ended, resumed.error) = (nil, nil)
      return (try RunDirectory.open(place(task.name), writing: true), resumed)
    }
    removeLeftovers(of: place(task.name))
    var fresh = information
    if let base = task.base, let shared = try self.information(base) {
      fresh.stageSeconds = shared.stageSeconds
      fresh.files = shared.files
      fresh.notes =
        (shared.notes ?? []) + [.init(text: "made once for several runs of the sweep: \(base)")]
    }
    try writeDirectoryAtomically(place(task.name), replacingExisting: true) { place in
      let run = try RunDirectory.create(at: place, force: false)
      if let base = task.base.map(self.place) {
        let files = FileManager.default
        for name in try files.contentsOfDirectory(atPath: base.path).sorted()
        where !Self.own.contains(name) && !name.hasPrefix(".") {
          try files.copyItem(at: base.appending(path: name), to: place.appending(path: name))
        }
      }
      try fresh.write(to: run)
    }
    return (try RunDirectory.open(place(task.name), writing: true), fresh)
  }

  /// The same; nil where another process still holds the directory.
  package func prepareUnlessLocked(
    _ task: SweepTask, _ information: RunInformation
  ) throws -> (directory: RunDirectory, information: RunInformation)? {
    do { return try prepare(task, information) } catch RunRecordsError.stillRunning { return nil }
  }

  /// Files of a run that are not for those that go on from it.
  private static let own = ["run.json", "scenario.yaml", "state", "report.html", "evaluation.json"]

  /// Marks a task as failed whose process could not do so.
  func fail(_ task: SweepTask, _ reason: String) throws {
    guard var information = try information(task.name) else {
      throw LoopError.input("\(task.name): \(reason); see \(log(task.name).path)")
    }
    information.status = .failed
    information.error = reason
    information.ended = Date()
    try information.write(to: RunDirectory.open(place(task.name)))
  }

  /// Takes failed tasks away, so that they are run again.
  package func forgetFailures() throws {
    for task in tasks.all {
      if try information(task.name)?.status == .failed {
        let aside = claims.appending(path: "failed-\(UUID().uuidString)")
        try FileManager.default.moveItem(at: place(task.name), to: aside)
        try FileManager.default.removeItem(at: aside)
      }
    }
  }
}
