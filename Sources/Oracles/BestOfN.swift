import Foundation

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
  package static func divergenceBound(n: Int) -> Double {
    log(Double(n)) - Double(n - 1) / Double(n)
  }
}
