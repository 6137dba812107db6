import LanguageModels
import Numerics
import RLHF
import RunRecords
import Statistics
import Worlds

extension AlignmentLoop {
  /// Trains the SFT policy from nothing: first on whole noisy texts, then on clean responses.
  func trainPolicy() throws -> LanguageModel {
    var initializer = generator.stream("policy weights")
    var model = try LanguageModel(
      scenario.model.decoder(vocabularySize: tokenizer.vocabularySize), using: &initializer)
    try train(&model, .pretraining, scenario.pretraining) { generator in
      let text = encode(world.sampleBaseText(using: &generator))
      return Exchange(
        prompt: Array(text.prefix(1)), response: specialTokens.ended(Array(text.dropFirst())))
    }
    try train(
      &model, .sft, scenario.fineTuning, before: scenario.pretraining.steps, sample: cleanExchange)
    return model
  }

  /// The trunk of a reward model with a size of its own: trained from nothing on the responses that the
  /// SFT policy learned from, for as many steps; nil where the model starts from the policy.
  func trainRewardTrunk() throws -> LanguageModel? {
    guard let shape = scenario.rewardTrunk else { return nil }
    var initializer = generator.stream("reward trunk weights")
    var model = try LanguageModel(
      shape.decoder(vocabularySize: tokenizer.vocabularySize), using: &initializer)
    try train(&model, .rewardTrunk, scenario.fineTuning, sample: cleanExchange)
    return model
  }

  /// A prompt of the world and a response of the corpus, with its end.
  private func cleanExchange(using generator: inout SeededGenerator) -> Exchange {
    let (prompt, response) = world.samplePair(using: &generator)
    return Exchange(prompt: encode(prompt), response: specialTokens.ended(encode(response)))
  }

  private func train(
    _ model: inout LanguageModel, _ stage: RunStage, _ configuration: SupervisedConfiguration,
    before: Int = 0, sample: (inout SeededGenerator) -> Exchange
  ) throws {
    guard configuration.steps > 0 else { return }
    try requireMemory(for: stage, learning: [model.parameters])
    let stream = generator.stream(stage.rawValue)
    try run(stage, total: configuration.steps, before: before) { continuation in
      let trainer = SupervisedTrainer(configuration, stage: stage.rawValue, workers: workers)
      try trainer.train(&model, continuing: continuation) { step, size in
        (0..<size).map { index in
          var generator = stream.stream("text", step, index)
          return sample(&generator)
        }
      } report: { metrics in
        try observer.advance(stage, to: metrics.step, metrics: metrics)
      }
    }
  }
}
