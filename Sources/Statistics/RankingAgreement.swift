/// How the order of responses by reward agrees with orders that somebody gave.
package struct RankingAgreement: Sendable, Equatable {
  private var rightPairs = 0.0
  private var pairCount = 0
  private var rightTops = 0.0
  /// Rows that say of two responses or more which is better.
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
    var ratings = [Double](repeating: 0, count: ranking.count)
    for (place, index) in ranking.enumerated() { ratings[index] = -Double(place) }
    add(rewards: rewards, ratings: ratings)
  }

  /// The same of ratings, more for better; equal ones say nothing of each other.
  package mutating func add(rewards: [Double], ratings: [Double]) {
    precondition(rewards.count == ratings.count, "ratings are of every response")
    guard let best = ratings.max(), let highest = rewards.max(), Set(ratings).count > 1 else {
      return
    }
    for first in ratings.indices {
      for second in ratings.indices where ratings[first] > ratings[second] {
        let margin = rewards[first] - rewards[second]
        rightPairs += margin > 0 ? 1 : margin == 0 ? 0.5 : 0
        pairCount += 1
      }
    }
    let leaders = ratings.indices.filter { rewards[$0] == highest }
    rightTops += Double(leaders.count { ratings[$0] == best }) / Double(leaders.count)
    count += 1
  }

  /// Share of the pairs of responses that the rewards order as given. Pairs of one row hang
  /// together, so with many responses to a row the interval is too narrow.
  package var pairs: Proportion { Proportion(successes: rightPairs, of: pairCount) }

  /// Share of the rows whose best response by reward is the one that was given as the best.
  package var top: Proportion { Proportion(successes: rightTops, of: count) }
}
