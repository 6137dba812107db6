package import Numerics
package import Settings

/// How a stage moves its model's weights.
package struct OptimizerConfiguration: Configurable, Equatable {
  package var learningRate = 1e-3
  package var schedule = LearningRateSchedule.linear
  package var warmupSteps = 0
  package var weightDecay = 0.0
  package var clipNorm = 1.0
  package var epsilon = 1e-8
  package var epsilonPlacement = AdamW.EpsilonPlacement.corrected

  package init() {}

  package init(learningRate: Double, epsilon: Double = 1e-8) {
    self.learningRate = learningRate
    self.epsilon = epsilon
  }

  package static let fields = [
    Field(
      "learning_rate", \Self.learningRate, "peak AdamW step size; 0 leaves the weights as they are",
      in: 0...1),
    Field("schedule", \Self.schedule, "how the rate moves: constant, linear to 0, cosine to 0"),
    Field("warmup_steps", \Self.warmupSteps, "first steps, over which the rate rises", in: 0...),
    Field("weight_decay", \Self.weightDecay, "decoupled weight decay", in: 0...1),
    Field(
      "clip_norm", \Self.clipNorm, "largest global gradient norm; larger ones are scaled down",
      in: Above(0.0)),
    Field(
      "epsilon", \Self.epsilon, "AdamW's ε, which bounds the step where gradients are tiny",
      in: Above(0.0)),
    Field(
      "epsilon_placement", \Self.epsilonPlacement,
      "what ε is added to: the corrected root of the second moment, as in PyTorch, or the "
        + "uncorrected one, as in TensorFlow"),
  ]

  var adamW: AdamW.Options {
    var options = AdamW.Options()
    options.weightDecay = weightDecay
    options.clipNorm = clipNorm
    options.epsilon = epsilon
    options.epsilonPlacement = epsilonPlacement
    return options
  }
}

extension LearningRateSchedule: SettingValue {}
extension AdamW.EpsilonPlacement: SettingValue {}
