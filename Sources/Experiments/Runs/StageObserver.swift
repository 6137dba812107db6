package import RLHF
package import RunRecords
package import Statistics

/// What the loop tells while it runs.
package protocol StageObserver: AnyObject {
  /// A stage begins, or goes on.
  func begin(_ stage: RunStage, _ extent: StageExtent) throws
  /// A part of the stage is done; `metrics` are its figures, if it has any.
  func advance(_ stage: RunStage, to done: Int, metrics: StepMetrics?) throws
  /// What lies behind the metrics that `advance` will report next.
  func describe(_ stage: RunStage, _ details: StepDetails)
  /// The models that the stage holds, before it begins.
  func hold(_ models: [RunInformation.ModelSize])
  /// The stage is over.
  func end(_ stage: RunStage) throws
  /// Something that the person should know, such as rows left out.
  func note(_ text: String)
  /// A sign that an optimization goes wrong.
  func warn(_ warning: TrainingWarning) throws
}

extension StageObserver {
  /// Most observers have no use for it.
  package func describe(_ stage: RunStage, _ details: StepDetails) {}
  /// Most observers have no use for it.
  package func hold(_ models: [RunInformation.ModelSize]) {}
}

/// How much of a stage there is to do.
package struct StageExtent: Sendable, Equatable {
  /// How many times it will have reported at its end.
  package var total: Int
  /// What it counts.
  package var unit = "steps"
  /// Steps that are done already, where it goes on from a kept state.
  package var done = 0
  /// Steps of earlier stages that write to the same records.
  package var before = 0
}
