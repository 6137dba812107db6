package import Training

/// What the loop tells while it runs.
package protocol StageObserver: AnyObject {
  /// A stage begins that will report `total` times; `unit` is what it counts.
  func begin(_ stage: LoopStage, total: Int, unit: String) throws
  /// A part of the stage is done; `metrics` are its figures, if it has any.
  func advance(_ stage: LoopStage, to done: Int, metrics: StepMetrics?) throws
  /// The stage is over.
  func end(_ stage: LoopStage) throws
  /// Something that the person should know, such as rows left out.
  func note(_ text: String)
}

/// The stages of the loop in their order.
package enum LoopStage: String, Sendable, CaseIterable {
  case pretraining = "pretraining"
  case fineTuning = "fine-tuning"
  case annotation = "annotation"
  case rewardModel = "reward model"
  case ppo = "PPO"
  case evaluation = "evaluation"
  case exactOptimum = "exact optimum"
}
