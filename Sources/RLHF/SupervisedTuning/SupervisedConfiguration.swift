package import Settings

/// One phase of supervised training.
package struct SupervisedConfiguration: Configurable, Equatable {
  package var steps = 300
  package var batchSize = 64
  package var optimizer = OptimizerConfiguration(learningRate: 2e-3)

  package init() {}

  package static let fields = [
    Field(
      "steps", \Self.steps,
      "optimizer steps; 0 leaves the phase out, and its other keys without effect", in: 0...),
    Field("batch_size", \Self.batchSize, "sequences in a step", in: 1...),
    Field("optimizer", \Self.optimizer, "how the weights move"),
  ]
}
