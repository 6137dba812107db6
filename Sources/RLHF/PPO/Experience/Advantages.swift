import Statistics

/// From scores and values to what the update pushes on.
package enum Advantages {
  /// Fills `kl`, `rewards`, `advantages` and `returns` of every episode, and how far the advantages
  /// are spread.
  ///
  /// r_t = −β KL_t where the penalty is in the reward, plus the score at the last token; generalised advantage estimation (Schulman et
  /// al. 2016) δ_t = r_t + γ V_{t+1} − V_t, A_t = δ_t + γλ A_{t+1}, with V = 0 after the last token;
  /// R_t = A_t + V_t. Whitening comes after the returns are formed, or the value model would chase a
  /// moving scale.
  package static func fill(_ experience: inout Experience, _ configuration: PPOConfiguration) {
    for index in experience.episodes.indices {
      charge(&experience.episodes[index], beta: experience.coefficient, configuration)
    }
    if configuration.whitenRewards {
      whiten(&experience, \.rewards, keepingMean: true)
    }
    if configuration.algorithm.usesGroups {
      compareGroups(
        &experience, size: configuration.samplesPerPrompt, by: configuration.algorithm)
    } else {
      for index in experience.episodes.indices {
        estimate(&experience.episodes[index], configuration)
      }
    }
    experience.advantageDeviation =
      Summary(experience.episodes.flatMap(\.advantages)).standardDeviation
    // The best of a group must not be pushed away because most others are best of none.
    if configuration.whitenAdvantages, configuration.algorithm != .rejectionSampling {
      whiten(&experience, \.advantages, keepingMean: false)
    }
  }

  private static func charge(
    _ episode: inout Episode, beta: Double, _ configuration: PPOConfiguration
  ) {
    let last = episode.length - 1
    episode.kl = (0...last).map {
      configuration.kl.estimator(
        logProbability: episode.logProbabilities[$0],
        reference: episode.referenceLogProbabilities[$0], exact: episode.exactKL[$0])
    }
    let charged = configuration.kl.placement == .reward ? beta : 0
    episode.rewards = episode.kl.map { -charged * $0 }
    episode.rewards[last] += episode.score
  }

  private static func estimate(_ episode: inout Episode, _ configuration: PPOConfiguration) {
    episode.advantages = estimate(
      rewards: episode.rewards, values: episode.values, discount: configuration.discount,
      // REINFORCE knows no bootstrapping: the return itself, less the value.
      lambda: configuration.algorithm == .reinforce ? 1 : configuration.lambda)
    episode.returns = zip(episode.advantages, episode.values).map { $0 + $1 }
  }

  /// Generalised advantage estimates of one episode.
  package static func estimate(
    rewards: [Double], values: [Double], discount: Double, lambda: Double
  ) -> [Double] {
    var advantages = Array(repeating: 0.0, count: rewards.count)
    var (next, nextValue) = (0.0, 0.0)
    for index in rewards.indices.reversed() {
      let delta = rewards[index] + discount * nextValue - values[index]
      next = delta + discount * lambda * next
      nextValue = values[index]
      advantages[index] = next
    }
    return advantages
  }

  /// Brings a quantity of all tokens to standard deviation 1, and to mean 0 unless that is kept.
  package static func whiten(
    _ experience: inout Experience, _ quantity: WritableKeyPath<Episode, [Double]>,
    keepingMean: Bool
  ) {
    let all = experience.episodes.flatMap { $0[keyPath: quantity] }
    let mean = all.reduce(0, +) / Double(all.count)
    let variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, all.count - 1))
    let inverse = 1 / (variance.squareRoot() + 1e-8)
    let center = keepingMean ? mean : 0
    for index in experience.episodes.indices {
      experience.episodes[index][keyPath: quantity] = experience.episodes[index][
        keyPath: quantity
      ].map { ($0 - mean) * inverse + center }
    }
  }
}
