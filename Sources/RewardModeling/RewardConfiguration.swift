package import Settings
package import Training

/// The reward-model stage.
package struct RewardConfiguration: Configurable, Equatable {
  package var epochs = 1
  package var batchSize = 64
  package var optimizer = OptimizerConfiguration(learningRate: 5e-4)
  package var centering = 0.01
  package var freeze = 0.0
  package var shuffle = true
  package var evaluations = 5

  package init() {}

  package static let fields = [
    Field("epochs", \Self.epochs, "passes over the training pairs", in: 1...),
    Field("batch_size", \Self.batchSize, "pairs in a step", in: 1...),
    Field("optimizer", \Self.optimizer, "how the weights move"),
    Field(
      "centering", \Self.centering,
      "η of η (r_chosen + r_rejected)², which keeps rewards around 0; 0 for none", in: 0...),
    Field(
      "freeze", \Self.freeze, "fraction of the layers, with the embeddings, that stay as they were",
      in: 0...1),
    Field("shuffle", \Self.shuffle, "whether each epoch sees the pairs in an order of its own"),
    Field(
      "evaluations", \Self.evaluations, "times that held-out pairs are judged during training",
      in: 1...),
  ]
}
