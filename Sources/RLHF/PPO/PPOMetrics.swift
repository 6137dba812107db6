import Statistics

/// The metrics of one PPO iteration.
enum PPOMetrics {
  static func values(
    _ experience: Experience, _ update: PPOUpdate.UpdateSums, _ configuration: PPOConfiguration
  ) -> [StepMetrics.Value] {
    let episodes = experience.episodes
    let count = Double(episodes.count)
    func mean(_ value: (Episode) -> Double) -> Double {
      episodes.reduce(0) { $0 + value($1) } / count
    }
    let kl = mean { episode in
      zip(episode.logProbabilities, episode.referenceLogProbabilities).reduce(0) {
        $0 + $1.0 - $1.1
      }
    }
    let entropy = episodes.reduce(0) { $0 + $1.entropies.reduce(0, +) } / Double(experience.tokens)
    let steps = Double(update.steps)
    let tokens = Double(update.tokens)
    var values: [StepMetrics.Value] = [
      (.score, mean(\.score)),
      (.kl, kl),
      (.exactKL, mean { $0.exactKL.reduce(0, +) }),
      (
        .penalizedReward,
        mean {
          $0.score - configuration.lengthPenalty($0.length)
            - experience.coefficient * $0.kl.reduce(0, +)
        }
      ),
      (.entropy, entropy),
      (.advantageSD, experience.advantageSD),
      (.approximateKL, update.ratios.approximateKL / tokens),
      (.clipFraction, Double(update.ratios.clipped) / tokens),
      (.ratioMax, update.ratios.largest),
      (.policyLoss, update.policyLoss / steps),
      (.policyGradientNorm, update.policyGradientNorm / steps),
      (.updates, steps),
      (.klCoefficient, experience.coefficient),
      (.responseLength, mean { Double($0.length) }),
      (.eosFraction, mean { $0.ended ? 1 : 0 }),
    ]
    if configuration.algorithm.usesValueModel {
      values += [
        (.valueLoss, update.valueLoss / steps),
        (.valueClipFraction, Double(update.valueClipped) / tokens),
        (.explainedVariance, explainedVariance(episodes)),
      ]
    }
    if configuration.algorithm.resamplesEqualGroups {
      values.append((.resampledGroups, Double(experience.resampledGroups)))
    }
    if configuration.pretrainingWeight > 0 {
      values.append((.pretrainingLoss, update.pretrainingLoss / steps))
    }
    return values
  }

  /// 1 − Var(R − V) / Var(R) over tokens: 1 is a perfect prediction, 0 no better than the mean.
  private static func explainedVariance(_ episodes: [Episode]) -> Double {
    func variance(_ values: [Double]) -> Double {
      let sd = Summary(values).standardDeviation
      return sd * sd
    }
    let total = variance(episodes.flatMap(\.returns))
    let left = variance(episodes.flatMap { zip($0.returns, $0.values).map { $0 - $1 } })
    return total > 0 ? 1 - left / total : 0
  }
}

extension Metric.Warning {
  /// What to try in a run of that configuration, with keys that are used in it.
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
      "look at the scores and at what gives them (`ppo.reward`)"
        + (configuration.reward.has(.verifier)
          ? ", and choose another `threshold` of its verifier" : "")
        + (configuration.algorithm.usesValueModel ? "" : ", or raise `ppo.samples_per_prompt`")
    case .missingEOS:
      "raise `ppo.maximum_tokens`, or "
        + (configuration.missingEOS == .replace
          ? "`ppo.missing_end_penalty`" : "set `ppo.missing_end` to replace")
    case .extremeRatios:
      "lower `ppo.policy.learning_rate`"
        + (configuration.stepsOfIteration > 2 ? ", or set `ppo.stop_kl` to 0.05" : "")
    case .frequentClipping:
      "lower `ppo.policy.learning_rate` or `ppo.epochs`"
    }
  }
}

/// Watches the metrics of the iterations and warns of each kind of trouble once, where it begins.
/// The bounds are those that the metrics are declared with.
struct TrainingWarnings: Sendable {
  private var raised: Set<Metric.Warning> = []
  /// The first values of the metrics whose bound is relative to them.
  private var first: [String: Double] = [:]
  private let configuration: PPOConfiguration

  init(_ configuration: PPOConfiguration) { self.configuration = configuration }

  /// Takes in the metrics of an iteration; returns the warnings that are new.
  mutating func observe(_ metrics: StepMetrics) -> [TrainingWarning] {
    var new: [TrainingWarning] = []
    for metric in Self.watched {
      guard let kind = metric.warning, let value = metrics[metric] else { continue }
      if metric.bound?.scale == .first, first[metric.name] == nil { first[metric.name] = value }
      guard let observation = observation(metric, value, metrics), raised.insert(kind).inserted
      else { continue }
      new.append(
        TrainingWarning(
          kind, iteration: metrics.step,
          text: "iteration \(metrics.step): \(observation): \(metric.concern); "
            + kind.remedy(configuration)))
    }
    return new
  }

  /// `clip fraction is 0.31, above 0.3`; nil within the bound.
  private func observation(_ metric: Metric, _ value: Double, _ metrics: StepMetrics) -> String? {
    let observed = "\(metric.title) is \(NumberText.plainShort(value)) \(metric.unit)"
    // An adaptive controller keeps KL near its target, so that twice the target is far.
    if metric == .exactKL, configuration.kl.controller == .adaptive {
      let target = configuration.kl.target
      return value > 2 * target ? "\(observed), above twice its target of \(target)" : nil
    }
    let first = first[metric.name]
    guard let bound = metric.bound, metric.isCrossed(first: first, in: { metrics[$0] }) else {
      return nil
    }
    return "\(observed), \(bound)" + (first.map { " (\(NumberText.plainShort($0)))" } ?? "")
  }

  private static let watched = Metric.policyOptimization.filter { $0.warning != nil }
}

extension TrainingWarnings {
  /// Adds what the next iteration needs to know, so that a resumed run repeats no warning.
  func save(in state: inout TrainingState) {
    for (name, value) in first { state.set("warnings.first.\(name)", value) }
    for kind in raised { state.set("warnings.\(kind.rawValue)", 1) }
  }

  /// Continues from what ``save(in:)`` saved.
  mutating func restore(from state: TrainingState) {
    for metric in Self.watched {
      first[metric.name] = state.numbers["warnings.first.\(metric.name)"]
    }
    raised = Set(
      Metric.Warning.allCases.filter { state.numbers["warnings.\($0.rawValue)"] != nil })
  }
}
