/// A sign that an optimization goes wrong: what happened, why that usually is, and what to do.
package struct TrainingWarning: Sendable, Equatable, CustomStringConvertible {
  package enum Kind: String, Sendable, CaseIterable {
    case collapsingEntropy = "collapsing-entropy"
    case risingKL = "rising-kl"
    case explodingValueLoss = "exploding-value-loss"
    case equalAdvantages = "equal-advantages"
    case missingEnds = "missing-ends"
    case extremeRatios = "extreme-ratios"
    case frequentClipping = "frequent-clipping"
  }

  package let kind: Kind
  /// From 1.
  package let iteration: Int
  /// What was measured.
  package let observation: String
  /// What to try, with keys that have a part in the run.
  package let remedy: String

  package var description: String {
    "iteration \(iteration): \(observation): \(kind.cause); \(remedy)"
  }
}

extension TrainingWarning.Kind {
  /// What is usually behind it.
  fileprivate var cause: String {
    switch self {
    case .collapsingEntropy:
      "the policy settles on a few answers, most often because reward outweighs the KL penalty"
    case .risingKL:
      "the policy goes where the reward model has seen nothing, so that its score says little"
    case .explodingValueLoss:
      "the value model chases returns that it does not predict, most often with too long steps"
    case .equalAdvantages:
      "nothing tells good responses from bad ones, most often because all earn the same"
    case .missingEnds:
      "responses are cut off before they end, by their longest length or for want of a penalty"
    case .extremeRatios:
      "one iteration's steps move the policy far from the one that drew the responses"
    case .frequentClipping:
      "many tokens no longer count in the later steps of an iteration: steps are too long or too many"
    }
  }

  /// What to try in a run of that configuration.
  func remedy(_ configuration: PPOConfiguration) -> String {
    switch self {
    case .collapsingEntropy:
      "raise `ppo.kl.coefficient`, lower `ppo.policy.learning_rate`, or set `ppo.entropy_bonus`"
    case .risingKL:
      "raise `ppo.kl.coefficient`, lower `ppo.policy.learning_rate`, or end the run earlier"
    case .explodingValueLoss:
      (configuration.sharesTrunk
        ? "lower `ppo.value_weight` or `ppo.policy.learning_rate`"
        : "lower `ppo.value.learning_rate`")
        + ", or bound scores with `ppo.score_clip`"
    case .equalAdvantages:
      "look at the scores and at what gives them (`ppo.reward.source`)"
        + (configuration.reward.source == .verifier
          ? ", and choose another `ppo.reward.threshold`" : "")
        + (configuration.algorithm.usesValueModel ? "" : ", or raise `ppo.samples_per_prompt`")
    case .missingEnds:
      "raise `ppo.maximum_tokens`, or "
        + (configuration.missingEnd == .replace
          ? "`ppo.missing_end_penalty`" : "set `ppo.missing_end` to replace")
    case .extremeRatios:
      "lower `ppo.policy.learning_rate`"
        + (configuration.stepsOfIteration > 2 ? ", or set `ppo.stop_kl` to 0.05" : "")
    case .frequentClipping:
      "lower `ppo.policy.learning_rate` or `ppo.epochs`"
    }
  }
}
