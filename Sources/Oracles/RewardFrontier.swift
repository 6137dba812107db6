import Foundation

/// The most reward that any policy can earn at a distance from its reference: the curve that the
/// optima π*_β draw as β goes from large to small.
///
/// Over several prompts distance and reward are means over them, and one β serves all.
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

  /// A place on the curve.
  package struct Point: Sendable, Equatable {
    package let coefficient: Double
    /// KL(π*_β ‖ π_ref) in nats.
    package let divergence: Double
    /// E[r] under π*_β.
    package let reward: Double
    /// J* = β log Z.
    package let optimalValue: Double
  }

  private let parts: [Part]

  /// - Parameter parts: one per prompt, their weights summing to 1.
  package init(_ parts: [Part]) { self.parts = parts }

  package init(reference: TabularPolicy, rewards: [Double]) {
    self.init([Part(reference: reference, rewards: rewards, weight: 1)])
  }

  /// π*_β's place.
  package func point(coefficient beta: Double) -> Point {
    var (divergence, reward, optimalValue) = (0.0, 0.0, 0.0)
    for part in parts {
      let terms = zip(part.logProbabilities, part.rewards).map { $0 + $1 / beta }
      let logZ = LogSum.of(terms)
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
