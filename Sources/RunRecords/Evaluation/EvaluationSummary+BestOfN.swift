package import Statistics

extension EvaluationSummary {
  /// What the best of n responses of the policy before optimization earns, the best by the reward
  /// model: the simplest way to spend the same distance from the reference.
  package struct BestOfN: Codable, Sendable, Equatable {
    package var n: Int
    /// log n − (n − 1)/n in nats: the KL of choosing, where no two responses score alike, and an
    /// upper bound where some do (Stiennon et al. 2020, appendix G.3).
    package var kl: Double
    /// Of `n` prompts each: the reward model's normalized score of the chosen response.
    package var score: Summary
    /// Its true reward; absent where there is no world.
    package var gold: Summary?

    package init(n: Int, kl: Double, score: Summary, gold: Summary?) {
      self.n = n
      self.kl = kl
      self.score = score
      self.gold = gold
    }
  }

  /// Score and gold of best-of-n at a distance from the reference, between the two nearest n; nil
  /// beyond the largest n.
  package func bestOfN(atKL kl: Double) -> (n: Double, score: Double, gold: Double?)? {
    guard let points = bestOfN, let upper = points.firstIndex(where: { $0.kl >= kl }) else {
      return nil
    }
    let (right, left) = (points[upper], points[max(0, upper - 1)])
    let share = right.kl > left.kl ? (kl - left.kl) / (right.kl - left.kl) : 1
    func between(_ a: Double, _ b: Double) -> Double { a + share * (b - a) }
    let gold = left.gold.flatMap { a in right.gold.map { between(a.mean, $0.mean) } }
    return (
      between(Double(left.n), Double(right.n)), between(left.score.mean, right.score.mean), gold
    )
  }
}
