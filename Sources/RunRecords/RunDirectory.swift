import Formats
package import Foundation

/// The directory with everything that one run made; the one place where the names of its
/// parts are spelled.
package struct RunDirectory: Sendable, Equatable {
  /// Where the directory is.
  package let url: URL
  /// Held as long as any copy of the value lives; nil for one who only reads.
  private var lock: RunLock?

  private init(url: URL) {
    self.url = url.standardizedFileURL
  }

  package static func == (left: RunDirectory, right: RunDirectory) -> Bool { left.url == right.url }

  /// Makes a new run directory, locked for this process; see ``RunLock``.
  ///
  /// An existing directory that holds anything is refused. With `force` an earlier *run* is
  /// replaced, and deleted only once the new directory exists. Nothing but a run is ever replaced: a
  /// directory without run.json, or with files that no run writes, is refused with `force` too.
  ///
  /// - Throws: `alreadyExists`, `notReplaceable`, `stillRunning`, `notADirectory` or `unwritable`.
  package static func create(at url: URL, force: Bool) throws(RunRecordsError) -> RunDirectory {
    // What a link points to is the run, and the link stays.
    var run = RunDirectory(url: url.resolvingSymlinksInPath())
    let files = FileManager.default
    var isDirectory: ObjCBool = false
    guard files.fileExists(atPath: run.url.path, isDirectory: &isDirectory) else {
      try run.makeDirectory()
      try run.begin()
      return run
    }
    guard isDirectory.boolValue else { throw .notADirectory(path: url.path) }
    let entries: [String]
    do {
      // What a killed program leaves behind is nobody's.
      entries = try files.contentsOfDirectory(atPath: run.url.path).sorted()
        .filter { nameOfLeftover($0) == nil }
    } catch {
      throw .unreadable(path: url.path, reason: FileWritingError.reason(of: error))
    }
    if entries.isEmpty {
      try run.begin()
      return run
    }
    guard force else { throw .alreadyExists(path: url.path) }
    guard entries.contains(Name.information) else {
      throw .notReplaceable(path: url.path, reason: "it is not a run (it has no run.json)")
    }
    if let foreign = entries.first(where: { !Name.all.contains($0) }) {
      throw .notReplaceable(path: url.path, reason: "it also holds \(foreign)")
    }
    let old = try RunLock(run)
    do {
      try writeDirectoryAtomically(run.url, replacingExisting: true) { _ in }
    } catch {
      throw .unwritable(path: url.path, reason: FileWritingError.reason(of: error))
    }
    withExtendedLifetime(old) {}
    try run.begin()
    return run
  }

  /// An existing run.
  ///
  /// - Parameter writing: whether it goes on: it is then locked for this process, and what a killed one
  ///   has left is removed.
  /// - Throws: `RunRecordsError.notARun` when there is no run.json; `stillRunning`.
  package static func open(
    _ url: URL, writing: Bool = false
  ) throws(RunRecordsError) -> RunDirectory {
    var run = RunDirectory(url: url)
    guard AtomicFile.exists(run.information) else {
      throw .notARun(path: url.path)
    }
    if writing {
      run.lock = try RunLock(run)
      run.restoreState()
      removeLeftovers(below: run.url)
    }
    return run
  }

  /// - Throws: `vanished` when the directory is no longer where the lock was taken.
  package func requireInPlace() throws(RunRecordsError) {
    if let lock, !lock.isOf(url) { throw .vanished(path: url.path) }
  }

  /// Waits until metrics, events and samples are on the disk.
  ///
  /// - Throws: `unwritable`.
  package func flushRecords() throws(RunRecordsError) {
    for name in [Name.metrics, Name.events, Name.samples] {
      do { try flushToDisk(file(name)) } catch { throw RunRecordsError(error) }
    }
  }

  /// Where directories cannot be exchanged in one step, a killed process may have moved the old state
  /// away and not yet put the new one in its place: the newer whole one of them takes it.
  private func restoreState() {
    guard !AtomicFile.exists(state) else { return }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    let states = names.filter { nameOfLeftover($0) == Name.state }.compactMap { name in
      (try? StageState.read(from: file(name))).flatMap { state in
        state.map { (step: $0.step, place: file(name)) }
      }
    }
    guard let newest = states.max(by: { $0.step < $1.step }) else { return }
    try? FileManager.default.moveItem(at: newest.place, to: state)
  }

  /// Whether run.json and then scenario.yaml are written, which is the first that a run does.
  package var hasBegun: Bool { AtomicFile.exists(scenario) }

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

  /// Locks the directory and makes an empty run.json, which must not be there: of two programs that
  /// begin at the same time, one gets the directory.
  private mutating func begin() throws(RunRecordsError) {
    lock = try RunLock(self)
    removeLeftovers(of: url)
    removeLeftovers(below: url)
    let descriptor = Foundation.open(information.path, O_CREAT | O_EXCL | O_WRONLY, 0o644)
    guard descriptor >= 0 else {
      if errno == EEXIST { throw .alreadyExists(path: url.path) }
      throw .unwritable(path: information.path, reason: String(cString: strerror(errno)))
    }
    close(descriptor)
    do { try flushParent(of: url) } catch { throw RunRecordsError(error) }
  }
}
