import Formats
package import Foundation

/// The directory with everything that one run made; the one place where the names of its
/// parts are spelled.
package struct RunDirectory: Sendable, Equatable {
  /// Where the directory is.
  package let url: URL

  private init(url: URL) {
    self.url = url.standardizedFileURL
  }

  /// Makes a new run directory.
  ///
  /// An existing directory that holds anything is refused. With `force` an earlier *run* is
  /// replaced: it is renamed aside first and deleted only once the new directory exists. Nothing
  /// but a run is ever replaced: a directory without run.json, or with files that no run writes,
  /// is refused with `force` too.
  ///
  /// - Throws: `alreadyExists`, `notReplaceable`, `stillRunning`, `notADirectory` or `unwritable`.
  package static func create(at url: URL, force: Bool) throws(RunRecordsError) -> RunDirectory {
    // What a link points to is the run, and the link stays.
    let run = RunDirectory(url: url.resolvingSymlinksInPath())
    let files = FileManager.default
    var isDirectory: ObjCBool = false
    guard files.fileExists(atPath: run.url.path, isDirectory: &isDirectory) else {
      try run.makeDirectory()
      try run.claim()
      return run
    }
    guard isDirectory.boolValue else { throw .notADirectory(path: url.path) }
    let entries: [String]
    do {
      entries = try files.contentsOfDirectory(atPath: run.url.path).sorted()
    } catch {
      throw .unreadable(path: url.path, reason: FileWritingError.reason(of: error))
    }
    if entries.isEmpty {
      try run.claim()
      return run
    }
    guard force else { throw .alreadyExists(path: url.path) }
    guard entries.contains(Name.information) else {
      throw .notReplaceable(path: url.path, reason: "it is not a run (it has no run.json)")
    }
    if let foreign = entries.first(where: { !Name.all.contains($0) }) {
      throw .notReplaceable(path: url.path, reason: "it also holds \(foreign)")
    }
    if let process = try? RunInformation.read(from: run).livingProcess {
      throw .stillRunning(path: url.path, process: process)
    }
    try run.replace()
    try run.claim()
    return run
  }

  /// An existing run.
  ///
  /// - Throws: `RunRecordsError.notARun` when there is no run.json.
  package static func open(_ url: URL) throws(RunRecordsError) -> RunDirectory {
    let run = RunDirectory(url: url)
    guard AtomicFile.exists(run.information) else {
      throw .notARun(path: url.path)
    }
    return run
  }

  /// run.json: what ran, where and when.
  package var information: URL { file(Name.information) }
  /// scenario.yaml: every setting, with the defaults written out.
  package var scenario: URL { file(Name.scenario) }
  /// evaluation.json: the final figures.
  package var evaluation: URL { file(Name.evaluation) }
  /// report.html.
  package var report: URL { file(Name.report) }
  /// The rollouts for the report and for `trace`.
  package var samples: URL { file(Name.samples) }
  /// The same prompts answered before and after optimization, one a line, the first of them token
  /// by token.
  package var sampleComparisons: URL { file(Name.samples + "/before_after.jsonl") }
  /// What resuming needs.
  package var state: URL { file(Name.state) }
  /// Which stage `state` is of, and how far it had come.
  package var stageState: URL { file(Name.state + "/stage.json") }
  /// Responses of the policy while it was optimized, with all that the update used, one a line.
  package var rollouts: URL { file(Name.samples + "/rollouts.jsonl") }
  /// The same eight prompts answered by the policy from iteration to iteration, a response a line.
  package var fixedPrompts: URL { file(Name.samples + "/fixed_prompts.jsonl") }
  /// The prompts that were given to the run, one a line; a run on its world's prompts has none.
  package var givenPrompts: URL { file(Name.samples + "/prompts.jsonl") }

  /// The metrics of a stage that has some, one flat object a step.
  package func metrics(_ stage: RunStage) -> URL {
    file(Name.metrics + "/\(stage.records ?? stage.rawValue).jsonl")
  }

  /// The directory of a stage's TensorBoard event files.
  package func events(_ stage: RunStage) -> URL {
    file(Name.events + "/\(stage.records ?? stage.rawValue)")
  }

  /// A stage's event file; TensorBoard finds it by `tfevents` and orders by the time in its name.
  func eventFile(_ stage: RunStage, started: Date) -> URL {
    let seconds = Int(started.timeIntervalSince1970)
    return events(stage).appendingPathComponent("events.out.tfevents.\(seconds).rlhf-sim")
  }

  /// The directory of a checkpoint in Hugging Face layout.
  package func checkpoint(_ checkpoint: RunCheckpoint) -> URL {
    file(checkpoint.rawValue)
  }

  /// Whether a checkpoint is there. It appears whole or not at all, so its stage is then over.
  package func has(_ checkpoint: RunCheckpoint) -> Bool {
    AtomicFile.exists(self.checkpoint(checkpoint))
  }

  /// Whether a set of preference rows is there.
  package func has(_ set: RunPreferences) -> Bool {
    AtomicFile.exists(preferences(set))
  }

  /// A set of preference rows.
  package func preferences(_ set: RunPreferences) -> URL {
    file(Name.preferences + "/\(set.rawValue).jsonl")
  }

  /// The directory of one of the rounds before the last, from 1, laid out like a run.
  package func round(_ number: Int) -> RunDirectory {
    RunDirectory(url: file(Name.rounds + "/\(number)"))
  }

  private enum Name {
    static let information = "run.json"
    static let scenario = "scenario.yaml"
    static let evaluation = "evaluation.json"
    static let report = "report.html"
    static let samples = "samples"
    static let state = "state"
    static let metrics = "metrics"
    static let events = "events"
    static let preferences = "preferences"
    static let rounds = "rounds"

    /// Everything that may stand at the top of a run directory.
    static let all =
      [
        information, scenario, evaluation, report, samples, state, metrics, events, preferences,
        rounds,
      ]
      + RunCheckpoint.allCases.map { String($0.rawValue.prefix { $0 != "/" }) }
  }

  private func file(_ path: String) -> URL {
    url.appendingPathComponent(path)
  }

  private func makeDirectory() throws(RunRecordsError) {
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw .unwritable(path: url.path, reason: FileWritingError.reason(of: error))
    }
  }

  /// Makes an empty run.json that must not be there: of two programs that begin at the same time, one
  /// gets the directory.
  private func claim() throws(RunRecordsError) {
    let descriptor = Foundation.open(information.path, O_CREAT | O_EXCL | O_WRONLY, 0o644)
    guard descriptor >= 0 else {
      if errno == EEXIST { throw .alreadyExists(path: url.path) }
      throw .unwritable(path: information.path, reason: String(cString: strerror(errno)))
    }
    close(descriptor)
  }

  private func replace() throws(RunRecordsError) {
    let files = FileManager.default
    let aside = url.deletingLastPathComponent().appendingPathComponent(
      ".\(url.lastPathComponent).replaced-\(UUID().uuidString)")
    do {
      try files.moveItem(at: url, to: aside)
    } catch {
      throw .unwritable(path: url.path, reason: FileWritingError.reason(of: error))
    }
    do {
      try makeDirectory()
    } catch {
      // The old run goes back; should that fail too, it still exists beside.
      try? files.moveItem(at: aside, to: url)
      throw error
    }
    do {
      try files.removeItem(at: aside)
    } catch {
      throw .unwritable(path: aside.path, reason: FileWritingError.reason(of: error))
    }
  }
}
