import Statistics

/// The metrics of one PPO iteration.
enum PPOMetrics {
  static func values(
    _ experience: Experience, _ update: PPOUpdate.Statistics, _ configuration: PPOConfiguration
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
        mean { $0.score - experience.coefficient * $0.kl.reduce(0, +) }
      ),
      (.entropy, entropy),
      (.advantageDeviation, experience.advantageDeviation),
      (.approximateKL, update.ratios.approximateKL / tokens),
      (.clipFraction, Double(update.ratios.clipped) / tokens),
      (.ratioMax, update.ratios.largest),
      (.policyLoss, update.policyLoss / steps),
      (.policyGradientNorm, update.policyGradientNorm / steps),
      (.updates, steps),
      (.klCoefficient, experience.coefficient),
      (.responseLength, mean { Double($0.length) }),
      (.endedFraction, mean { $0.ended ? 1 : 0 }),
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
      let deviation = Summary(values).standardDeviation
      return deviation * deviation
    }
    let total = variance(episodes.flatMap(\.returns))
    let left = variance(episodes.flatMap { zip($0.returns, $0.values).map { $0 - $1 } })
    return total > 0 ? 1 - left / total : 0
  }
}
