/// How the order of responses by reward agrees with orders that somebody gave.
package struct RankingAgreement: Sendable, Equatable {
  private var rightPairs = 0.0
  private var pairCount = 0
  private var rightTops = 0.0
  /// Rows with a given order of two responses or more.
  package private(set) var count = 0

  package init() {}

  /// Indices of the responses, that of the highest reward first; equal rewards stay in their order.
  package static func order(of rewards: [Double]) -> [Int] {
    rewards.indices.sorted { (rewards[$1], $0) < (rewards[$0], $1) }
  }

  /// Takes note of one row; equal rewards count as if they were ordered by lot.
  ///
  /// - Parameter ranking: indices of the responses as somebody ordered them, the best first.
  package mutating func add(rewards: [Double], ranking: [Int]) {
    precondition(rewards.count == ranking.count, "an order names every response once")
    guard ranking.count >= 2 else { return }
    for (place, better) in ranking.enumerated() {
      for worse in ranking[(place + 1)...] {
        let margin = rewards[better] - rewards[worse]
        rightPairs += margin > 0 ? 1 : margin == 0 ? 0.5 : 0
        pairCount += 1
      }
    }
    let best = rewards[ranking[0]]
    if !rewards.contains(where: { $0 > best }) {
      rightTops += 1 / Double(rewards.count { $0 == best })
    }
    count += 1
  }

  /// Share of the pairs of responses that the rewards order as given. Pairs of one row hang
  /// together, so with many responses to a row the interval is too narrow.
  package var pairs: Proportion { Proportion(successes: rightPairs, of: pairCount) }

  /// Share of the rows whose best response by reward is the one that was given.
  package var top: Proportion { Proportion(successes: rightTops, of: count) }
}
