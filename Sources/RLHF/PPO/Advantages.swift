import Statistics

/// From scores and values to rewards, returns and advantages.
package enum Advantages {
  /// Fills `kl`, `rewards`, `advantages` and `returns` of every episode, and `advantageSD`.
  ///
  /// The order matters: advantages are whitened after the returns are formed, or the value model would
  /// learn a moving scale.
  package static func fill(_ experience: inout Experience, _ configuration: PPOConfiguration) {
    for index in experience.episodes.indices {
      fillRewards(&experience.episodes[index], coefficient: experience.coefficient, configuration)
    }
    if configuration.whitenRewards {
      whiten(&experience, \.rewards, keepingMean: true)
    }
    if configuration.algorithm.usesGroups {
      compareGroups(
        &experience, size: configuration.samplesPerPrompt, by: configuration.algorithm.advantage)
    } else {
      for index in experience.episodes.indices {
        estimate(&experience.episodes[index], configuration)
      }
    }
    experience.advantageSD =
      Summary(experience.episodes.flatMap(\.advantages)).standardDeviation
    if configuration.whitenAdvantages, configuration.algorithm.whitens {
      whiten(&experience, \.advantages, keepingMean: false)
    }
  }

  /// r_t = −β KL_t where the penalty is in the reward; at the last token also the score, less DAPO's
  /// length penalty.
  private static func fillRewards(
    _ episode: inout Episode, coefficient: Double, _ configuration: PPOConfiguration
  ) {
    let last = episode.length - 1
    episode.kl = (0...last).map {
      configuration.kl.estimator.estimate(
        logProbability: episode.logProbabilities[$0],
        reference: episode.referenceLogProbabilities[$0], exact: episode.exactKL[$0])
    }
    let rewardCoefficient = configuration.kl.placement == .reward ? coefficient : 0
    episode.rewards = episode.kl.map { -rewardCoefficient * $0 }
    episode.rewards[last] += episode.score - configuration.lengthPenalty(episode.length)
  }

  /// A_t by generalised advantage estimation, R_t = A_t + V_t.
  private static func estimate(_ episode: inout Episode, _ configuration: PPOConfiguration) {
    episode.advantages = estimate(
      rewards: episode.rewards, values: episode.values, discount: configuration.discount,
      // REINFORCE does not bootstrap: with λ = 1, A_t is the return less the value.
      lambda: configuration.algorithm.advantage == .returnMinusValue ? 1 : configuration.lambda)
    episode.returns = zip(episode.advantages, episode.values).map { $0 + $1 }
  }

  /// Generalised advantage estimates of one episode (Schulman et al. 2016): δ_t = r_t + γ V_{t+1} − V_t,
  /// A_t = δ_t + γλ A_{t+1}, with V = 0 after the last token.
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

  /// Scales a quantity of all tokens to standard deviation 1, and to mean 0 unless `keepingMean`.
  static func whiten(
    _ experience: inout Experience, _ quantity: WritableKeyPath<Episode, [Double]>,
    keepingMean: Bool
  ) {
    let all = experience.episodes.flatMap { $0[keyPath: quantity] }
    let mean = all.reduce(0, +) / Double(all.count)
    let variance = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, all.count - 1))
    let inverse = 1 / (variance.squareRoot() + 1e-8)
    let center = keepingMean ? mean : 0
    for index in experience.episodes.indices {
      let whitened = experience.episodes[index][keyPath: quantity].map {
        ($0 - mean) * inverse + center
      }
      experience.episodes[index][keyPath: quantity] = whitened
    }
  }
}

// MARK: - Groups

// Advantages without a value model: responses to one prompt are compared with each other.

extension Advantages {
  /// Fills `advantages` and `returns` of episodes that stand in groups of `size`, one after another.
  /// Every token of a response has the same advantage: the response is one action.
  static func compareGroups(
    _ experience: inout Experience, size: Int, by advantage: PolicyAlgorithm.Advantage
  ) {
    for start in stride(from: 0, to: experience.episodes.count, by: size) {
      let group = start..<start + size
      let returns = group.map { experience.episodes[$0].rewards.reduce(0, +) }
      for (index, advantage) in zip(group, advantages(of: returns, by: advantage)) {
        let length = experience.episodes[index].length
        experience.episodes[index].advantages = Array(repeating: advantage, count: length)
        experience.episodes[index].returns = Array(
          repeating: returns[index - start], count: length)
      }
    }
  }

  /// One advantage for each return of a group.
  static func advantages(
    of returns: [Double], by advantage: PolicyAlgorithm.Advantage
  ) -> [Double] {
    let count = Double(returns.count)
    let mean = returns.reduce(0, +) / count
    switch advantage {
    case .leaveOneOut:
      // R_i − mean_{j≠i} R_j: the baseline does not know the action, so the gradient is unbiased.
      return returns.map { ($0 - mean) * count / (count - 1) }
    case .groupNormalized:
      let variance = returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
      return returns.map { ($0 - mean) / (variance.squareRoot() + 1e-4) }
    case .groupCentered:
      return returns.map { $0 - mean }
    case .bestOfGroup:
      // The first of equals: a tie must not count twice.
      let best = returns.indices.max {
        returns[$0] < returns[$1] || (returns[$0] == returns[$1] && $0 > $1)
      }
      return returns.indices.map { $0 == best ? 1 : 0 }
    case .generalized, .returnMinusValue:
      preconditionFailure("\(advantage) comes from a value model")
    }
  }
}

// MARK: - Score

extension PPOConfiguration {
  /// 0 up to L_max − L_cache tokens, 1 at L_max, linear between: DAPO's soft over-long penalty, with
  /// L_cache a fifth of L_max (arXiv:2503.14476, eq. 13); 0 for other algorithms.
  func lengthPenalty(_ length: Int) -> Double {
    guard algorithm.penalizesLength else { return 0 }
    let cache = max(1, maximumTokens / 5)
    return Double(max(0, length - (maximumTokens - cache))) / Double(cache)
  }

  /// The normalised score, clipped, with the missing-EOS penalty: the reward at the last token.
  package func finalScore(_ score: Double, ended: Bool) -> Double {
    var score = score
    if let limit = scoreClip { score = min(limit, max(-limit, score)) }
    if ended || algorithm.penalizesLength { return score }
    switch missingEOS {
    case .replace: return -missingEOSPenalty
    case .subtract: return score - missingEOSPenalty
    case .keep: return score
    }
  }
}
