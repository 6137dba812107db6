import Formats
package import Foundation
import Numerics
package import RLHF
package import RunRecords
package import Statistics

/// Writes a run's records and shows its progress: what the loop tells goes to files and terminal.
package final class RunRecorder: StageObserver {
  let directory: RunDirectory?
  private let terminal: Terminal
  private var information: RunInformation?
  private var bar: ProgressBar?
  private var writers: [String: (writer: MetricsWriter, start: ContinuousClock.Instant)] = [:]
  private var stageStart: (stage: RunStage, time: ContinuousClock.Instant)?
  private var details = StepDetails()  // of the step that is reported next
  private var stepsBefore = 0  // of the phases of the same stage that are over
  private let isResumed: Bool
  private let clock = ContinuousClock()

  /// - Parameters:
  ///   - directory: where records go; nil writes none.
  ///   - information: written at once, and again when the run ends.
  ///   - isResumed: whether the run goes on after an interruption, with the records that it left.
  package init(
    directory: RunDirectory?, information: RunInformation? = nil, terminal: Terminal,
    isResumed: Bool = false
  ) throws {
    self.directory = directory
    self.terminal = terminal
    self.information = information
    self.isResumed = isResumed
    try writeInformation()
  }

  package func begin(_ stage: RunStage, _ extent: StageExtent) throws {
    stageStart = (stage, clock.now)
    bar = ProgressBar(
      stage: stage.rawValue, total: extent.total, unit: extent.unit, terminal: terminal,
      done: extent.done)
    stepsBefore = extent.before
    if let records = stage.records, writers[records] == nil, let directory {
      let writer = try MetricsWriter(
        stage: stage, in: directory,
        upTo: isResumed ? extent.before + extent.done : nil)
      let missing = extent.before + extent.done - writer.stepsBefore
      if missing > 0 {
        note(
          "the metrics of \(missing) steps that were done before are no longer in "
            + directory.metrics(stage).path)
      }
      writers[records] = (writer, clock.now - .seconds(writer.secondsBefore))
    }
  }

  package func advance(_ stage: RunStage, to done: Int, metrics: StepMetrics?) throws {
    try directory?.requireInPlace()
    if let (metric, _) = metrics?.values.first(where: { !$0.value.isFinite }) {
      throw NonFiniteError(stage: stage.rawValue, step: done, tensor: "`\(metric.name)`")
    }
    bar?.update(done, figures: metrics.map { stage.figures($0) } ?? [])
    guard let metrics, let records = stage.records, let (writer, start) = writers[records] else {
      // A stage with metrics saves its state before it stops; here there is none to save.
      if metrics == nil, Interruption.isRequested { throw Interrupted() }
      return
    }
    try writer.write(
      step: stepsBefore + metrics.step, seconds: (clock.now - start) / .seconds(1),
      Dictionary(metrics.values.map { ($0.metric.name, $0.value) }) { $1 }, details: details)
    details = StepDetails()
  }

  package func describe(_ stage: RunStage, _ details: StepDetails) { self.details = details }

  package func made(_ place: URL) throws {
    guard let directory else { return }
    try information?.add(place, of: directory)
    try writeInformation()
  }

  package func hold(_ models: [RunInformation.ModelSize]) { information?.models = models }

  package func end(_ stage: RunStage) throws {
    bar?.finish()
    bar = nil
    countTime()
    try writeInformation()
  }

  /// Counts the time since the stage began, also when it was cut short.
  private func countTime() {
    guard let (stage, start) = stageStart else { return }
    information?.add(seconds: (clock.now - start) / .seconds(1), for: stage.rawValue)
    stageStart = nil
  }

  package func note(_ text: String) {
    let notes = information?.notes ?? []
    information?.notes = notes + [.init(stage: stageStart?.stage.rawValue, text: text)]
    say("note: \(text)")
  }

  package func alert(_ alert: RewardAlert) {
    // Where the reward model is all that is made, its figures come next and end with the alerts.
    guard information?.command != .trainReward else { return }
    say(String(TextTable.wrapped("alert: \(alert.rule.title): \(alert.text)").dropLast()))
  }

  package func warn(_ warning: TrainingWarning) throws {
    information?.add(warning)
    try writeInformation()
    say("warning: \(warning.text)")
  }

  private func say(_ line: String) {
    guard !terminal.isQuiet else { return }
    bar?.interrupt()
    StandardStreams.writeError("\(line.withVisibleControls)\n")
  }

  /// Marks the run as over; `error` says why when it failed.
  package func close(error: (any Error)? = nil) throws {
    bar?.abandon()
    bar = nil
    countTime()
    information?.ended = Date()
    information?.status =
      error == nil ? .finished : error is Interrupted ? .interrupted : .failed
    information?.error = error.map { "\($0)" }
    try writeInformation()
  }

  /// Seconds of the loop's stages so far.
  package var stageSeconds: Double {
    information?.stageSeconds.reduce(0) { $0 + $1.seconds } ?? 0
  }

  private func writeInformation() throws {
    guard let directory else { return }
    try directory.requireInPlace()
    try information?.write(to: directory)
  }
}

extension RunStage {
  /// The few figures worth watching while the stage runs.
  fileprivate func figures(_ values: StepMetrics) -> [ProgressBar.Figure] {
    metrics.filter(\.isWatched).compactMap { metric in
      values[metric].map { (metric.title, $0) }
    }
  }
}
