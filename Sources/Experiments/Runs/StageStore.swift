import Formats
import Foundation
import LanguageModels
import Numerics
import RLHF
package import RunRecords
import Synchronization

/// Saves the state of the running stage in `state/` of a run, so that an interrupted run goes on to
/// the same bytes: `stage.json` says which stage, how many of its steps are done, and its numbers;
/// `tensors.safetensors` holds its weights and moments. There is one state, the newest whole one: the
/// next takes its place in one step, once it is on the disk with the metrics that belong to it.
package final class StageStore {
  private let directory: RunDirectory
  private let clock = ContinuousClock()
  private let isEager: Bool
  private var nextTime: ContinuousClock.Instant

  /// - Parameter isEager: whether the state is written after every step. Otherwise at least 5 s lie
  ///   between two writings, and more where writing takes long, so that no more than 2 % of the time
  ///   goes there.
  package init(in directory: RunDirectory, isEager: Bool = false) {
    self.directory = directory
    self.isEager = isEager
    nextTime = clock.now + Self.shortestInterval
  }

  /// What was saved of a stage; nil when nothing was.
  ///
  /// - Throws: `RunRecordsError` or `CheckpointError` for files that are damaged or were changed.
  func read(_ stage: RunStage) throws -> TrainingState? {
    guard let saved = try StageState.read(from: directory.state), saved.stage == stage.rawValue
    else { return nil }
    var state = TrainingState(step: saved.step)
    for (name, number) in saved.numbers { state.set(name, number) }
    let archive = try Safetensors.read(StageState.tensors(in: directory.state))
    for name in archive.names {
      guard let tensor = archive[name] else { continue }
      guard tensor.isFinite else { throw TrainingStateError.notFinite(name: name) }
      state.set(name, tensor)
    }
    return state
  }

  /// Writes the state of a stage when it is time to, at its last step, and when the person wants the
  /// run to stop.
  ///
  /// - Throws: ``Interrupted`` when the person wants that.
  func save(_ stage: RunStage, isLast: Bool, _ state: () -> TrainingState) throws {
    let isInterrupted = Interruption.isRequested
    if isInterrupted || isLast || isEager || clock.now >= nextTime {
      let start = clock.now
      try write(state(), of: stage)
      nextTime = clock.now + max(Self.shortestInterval, (clock.now - start) * 50)
    }
    if isInterrupted { throw Interrupted() }
  }

  private func write(_ state: TrainingState, of stage: RunStage) throws {
    if let name = state.tensors.first(where: { !$0.tensor.isFinite })?.name {
      throw NonFiniteError(stage: stage.rawValue, step: state.step, tensor: "`\(name)`")
    }
    try directory.requireInPlace()
    try directory.flushRecords()
    let saved = StageState(stage: stage.rawValue, step: state.step, numbers: state.numbers)
    try writeDirectoryAtomically(directory.state, replacingExisting: true) { place in
      try Safetensors.write(
        state.tensors.map { NamedTensor(name: $0.name, tensor: $0.tensor) },
        to: StageState.tensors(in: place))
      try saved.write(to: place)
    }
  }

  private static let shortestInterval = Duration.seconds(5)
}

/// Whether the person wants the run to stop, by Ctrl-C or a signal to end: stages look after each
/// step, save their state and throw ``Interrupted``.
package enum Interruption {
  private static let requested = Atomic(false)

  static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// To be called once before a signal may come, because the first access allocates.
  package static func prepare() {
    _ = isRequested
    _ = groups
  }

  /// Safe inside a signal handler after ``prepare()``.
  package static func request() { requested.store(true, ordering: .relaxed) }
}

/// The person wanted the run to stop; all that was done is saved.
package struct Interrupted: Error, Sendable, CustomStringConvertible {
  package init() {}

  package var description: String { "interrupted; all that was done is saved" }
}
