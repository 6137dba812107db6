import Foundation

/// The highest reward that any policy can have at a KL from its reference: the curve of the optima π*_β
/// as β goes from large to small.
///
/// Over several prompts KL and reward are means over them, with one β for all.
package struct RewardFrontier: Sendable {
  /// A prompt with its share of the whole.
  package struct Part: Sendable {
    /// log π_ref(y), one per sequence.
    let logProbabilities: [Double]
    let rewards: [Double]
    let weight: Double

    package init(reference: TabularPolicy, rewards: [Double], weight: Double) {
      precondition(rewards.count == reference.space.sequences.count, "one reward per sequence")
      logProbabilities = reference.sequenceLogProbabilities
      self.rewards = rewards
      self.weight = weight
    }
  }

  /// A point of the curve.
  package struct Point: Sendable, Equatable {
    package let coefficient: Double
    /// KL(π*_β ‖ π_ref) in nats.
    package let divergence: Double
    /// E[r] under π*_β.
    package let reward: Double
    /// J* = β log Z.
    let optimalValue: Double
  }

  private let parts: [Part]

  /// - Parameter parts: one per prompt, their weights summing to 1.
  package init(_ parts: [Part]) { self.parts = parts }

  package init(reference: TabularPolicy, rewards: [Double]) {
    self.init([Part(reference: reference, rewards: rewards, weight: 1)])
  }

  /// The point of π*_β.
  package func point(coefficient beta: Double) -> Point {
    var (divergence, reward, optimalValue) = (0.0, 0.0, 0.0)
    for part in parts {
      let terms = zip(part.logProbabilities, part.rewards).map { $0 + $1 / beta }
      let logZ = logSumExp(terms)
      let mean = zip(terms, part.rewards).reduce(0) { $0 + exp($1.0 - logZ) * $1.1 }
      reward += part.weight * mean
      optimalValue += part.weight * beta * logZ
      // Σ π* log(π*/π_ref), π*/π_ref = e^{r/β}/Z
      divergence += part.weight * max(0, mean / beta - logZ)
    }
    return Point(
      coefficient: beta, divergence: divergence, reward: reward, optimalValue: optimalValue)
  }

  /// An upper bound on E_π[r] of every π with KL(π ‖ π_ref) = κ, sharp on the curve: the least over β of
  /// βκ + J*(β), which holds because J(π) ≤ J* for each of them.
  package func highestReward(atDivergence divergence: Double) -> Double {
    var (low, high) = (log(1e-3), log(1e4))
    for _ in 0..<60 {
      let middle = (low + high) / 2
      // KL(π*_β ‖ π_ref) falls with β.
      if point(coefficient: exp(middle)).divergence > divergence {
        low = middle
      } else {
        high = middle
      }
    }
    let best = point(coefficient: exp((low + high) / 2))
    return best.coefficient * divergence + best.optimalValue
  }
}

extension TabularPolicy {
  /// KL(π(·|s) ‖ π_ref(·|s)) of every state, in nats.
  func stateDivergences(from reference: TabularPolicy) -> [Double] {
    zip(logProbabilities, reference.logProbabilities).map { own, other in
      zip(own, other).reduce(0) { sum, pair in
        pair.0 > -.infinity ? sum + exp(pair.0) * (pair.0 - pair.1) : sum
      }
    }
  }

  /// KL(π ‖ π_ref) = Σ_y π(y) log(π(y) / π_ref(y)) over whole responses, in nats.
  package func divergence(from reference: TabularPolicy) -> Double {
    SequenceDistribution(sequenceProbabilities).divergence(
      from: SequenceDistribution(reference.sequenceProbabilities))
  }

  /// The same by the chain rule: Σ_s P(s) KL(π(·|s) ‖ π_ref(·|s)), which keeps its digits where whole
  /// responses have vanishing probabilities.
  package func divergenceByStates(from reference: TabularPolicy) -> Double {
    zip(visits, stateDivergences(from: reference)).reduce(0) { $0 + $1.0 * $1.1 }
  }
}

/// Probabilities of whole responses, whether or not any policy wrote them token by token.
package struct SequenceDistribution: Sendable, Equatable {
  /// One per sequence, summing to 1.
  package let probabilities: [Double]

  package init(_ probabilities: [Double]) { self.probabilities = probabilities }

  /// Σ_y p(y) log(p(y) / q(y)); infinite where q is 0 and p is not.
  package func divergence(from other: SequenceDistribution) -> Double {
    zip(probabilities, other.probabilities).reduce(0) { sum, pair in
      pair.0 > 0 ? sum + pair.0 * log(pair.0 / pair.1) : sum
    }
  }

  /// E_p[f(y)]
  package func expectation(of values: [Double]) -> Double {
    zip(probabilities, values).reduce(0) { $0 + $1.0 * $1.1 }
  }
}

/// The best of n independent responses of a policy by some reward, ties broken at random.
package enum BestOfN {
  /// p_n(y), exactly: the n rewards all lie at or below r(y) but not all below it, and among equals
  /// each is as likely as under the policy.
  ///
  /// p_n(y) = π(y) / P(r = r(y)) · (P(r ≤ r(y))ⁿ − P(r < r(y))ⁿ)
  package static func distribution(
    of policy: TabularPolicy, rewards: [Double], n: Int
  ) -> SequenceDistribution {
    precondition(n >= 1 && rewards.count == policy.space.sequences.count, "one reward a sequence")
    let probabilities = policy.sequenceProbabilities
    let total = probabilities.reduce(0, +)  // 1 but for rounding
    let order = rewards.indices.sorted { rewards[$0] < rewards[$1] }
    var result = Array(repeating: 0.0, count: rewards.count)
    var below = 0.0
    var start = 0
    while start < order.count {
      var end = start
      var mass = 0.0
      while end < order.count, rewards[order[end]] == rewards[order[start]] {
        mass += probabilities[order[end]] / total
        end += 1
      }
      let upTo = end == order.count ? 1 : min(1, below + mass)
      if mass > 0 {
        let level = pow(upTo, Double(n)) - pow(below, Double(n))
        for index in order[start..<end] {
          result[index] = level * probabilities[index] / total / mass
        }
      }
      (below, start) = (upTo, end)
    }
    return SequenceDistribution(result)
  }

  /// log n − (n − 1)/n: at least KL(p_n ‖ π), and nearly it where no two responses tie and none is
  /// likely (Beirami et al. 2024).
  static func divergenceBound(n: Int) -> Double {
    log(Double(n)) - Double(n - 1) / Double(n)
  }
}
