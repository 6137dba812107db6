/// Advantages without a value model: responses to one prompt are held against each other.
extension Advantages {
  /// Fills `advantages` and `returns` of episodes that stand in groups of `size`, one after another.
  /// Every token of a response has the same advantage: the response is one action.
  static func compareGroups(
    _ experience: inout Experience, size: Int, by algorithm: PolicyAlgorithm
  ) {
    for start in stride(from: 0, to: experience.episodes.count, by: size) {
      let group = start..<start + size
      let returns = group.map { experience.episodes[$0].rewards.reduce(0, +) }
      for (index, advantage) in zip(group, advantages(of: returns, by: algorithm)) {
        let length = experience.episodes[index].length
        experience.episodes[index].advantages = Array(repeating: advantage, count: length)
        experience.episodes[index].returns = Array(
          repeating: returns[index - start], count: length)
      }
    }
  }

  /// One advantage for each return of a group.
  package static func advantages(
    of returns: [Double], by algorithm: PolicyAlgorithm
  ) -> [Double] {
    let count = Double(returns.count)
    let mean = returns.reduce(0, +) / count
    switch algorithm {
    case .rloo:
      // R_i − mean_{j≠i} R_j: the baseline does not know the action, so the gradient is unbiased.
      return returns.map { ($0 - mean) * count / (count - 1) }
    case .grpo:
      let variance = returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
      return returns.map { ($0 - mean) / (variance.squareRoot() + 1e-4) }
    case .rejectionSampling:
      // The first of equals: a tie must not count twice.
      let best = returns.indices.max {
        returns[$0] < returns[$1] || (returns[$0] == returns[$1] && $0 > $1)
      }
      return returns.indices.map { $0 == best ? 1 : 0 }
    case .ppo, .reinforce:
      preconditionFailure("\(algorithm.rawValue) compares responses with a value model")
    }
  }
}
