import Statistics

/// The figures of one PPO iteration.
enum PPOMetrics {
  /// All under the names of the run records: per response unless said otherwise, KL in nats.
  static func values(
    _ experience: Experience, _ update: PPOUpdate.Statistics, _ configuration: PPOConfiguration
  ) -> [(name: String, value: Double)] {
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
    var values: [(name: String, value: Double)] = [
      ("objective/score", mean(\.score)),
      ("objective/kl", kl),
      ("objective/kl_exact", mean { $0.exactKL.reduce(0, +) }),
      (
        "objective/penalized_reward",
        mean { $0.score - experience.coefficient * $0.kl.reduce(0, +) }
      ),
      ("objective/entropy", entropy),
      ("policy/advantage_deviation", experience.advantageDeviation),
      ("policy/approximate_kl", update.ratios.approximateKL / tokens),
      ("policy/clip_fraction", Double(update.ratios.clipped) / tokens),
      ("policy/ratio_max", update.ratios.largest),
      ("policy/loss", update.policyLoss / steps),
      ("policy/gradient_norm", update.policyGradientNorm / steps),
      ("policy/updates", steps),
      ("kl/coefficient", experience.coefficient),
      ("response/length", mean { Double($0.length) }),
      ("response/eos_fraction", mean { $0.ended ? 1 : 0 }),
    ]
    if configuration.algorithm.usesValueModel {
      values += [
        ("value/loss", update.valueLoss / steps),
        ("value/clip_fraction", Double(update.valueClipped) / tokens),
        ("value/explained_variance", explainedVariance(episodes)),
      ]
    }
    if configuration.pretrainingWeight > 0 {
      values.append(("policy/pretraining_loss", update.pretrainingLoss / steps))
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
