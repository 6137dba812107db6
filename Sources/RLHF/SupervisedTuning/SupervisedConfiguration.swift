package import Settings

/// One phase of supervised training.
package struct SupervisedConfiguration: Configurable, Equatable {
  package var steps = 300
  package var batchSize = 64
  package var optimizer = OptimizerConfiguration(learningRate: 2e-3)

  package init() {}

  package static let fields = [
    Field("steps", \Self.steps, "optimizer steps; 0 leaves the phase out", in: 0...),
    Field("batch_size", \Self.batchSize, "sequences in a step", in: 1...),
    Field("optimizer", \Self.optimizer, "how the weights move"),
  ]

  package static let idleKeys: [IdleKeys<Self>] = [
    IdleKeys(
      ["optimizer"], under: ["steps"], when: { $0.steps == 0 }, because: "the phase is left out",
      remedy: "raise `steps`")
  ]
}
