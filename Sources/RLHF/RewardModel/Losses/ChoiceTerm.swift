import Foundation
import Numerics

/// −log of the probability that softmax gives to the first of some rewards, and its slopes.
///
/// Of two rewards it is −log σ(r_0 − r_1), computed by the same operations as ``PairTerm``.
struct ChoiceTerm {
  let loss: Double
  let slopes: [Double]

  init(first rewards: ArraySlice<Double>) {
    let largest = rewards.indices.max { rewards[$0] < rewards[$1] } ?? rewards.startIndex
    let top = rewards[largest]
    let others = rewards.indices.reduce(0) { $1 == largest ? $0 : $0 + exp(rewards[$1] - top) }
    loss = (top - rewards[rewards.startIndex]) + log1p(others)
    var slopes = rewards.map { exp($0 - top) / (1 + others) }
    // −Σ of the others: 1 − p would lose all digits where p is nearly 1.
    slopes[0] = -slopes.dropFirst().reduce(0, +)
    self.slopes = slopes
  }
}

/// η (2 r̄)² of a prompt's K rewards with mean r̄, and its slope by each: for two rewards it is the
/// η (r_chosen + r_rejected)² of pairs.
struct ListCentering {
  let loss: Double
  let slope: Double

  init(_ rewards: ArraySlice<Double>, centering: Double) {
    let count = Double(rewards.count)
    let sum = 2 * rewards.reduce(0, +) / count
    loss = centering * sum * sum
    slope = 4 * centering * sum / count
  }
}

extension LinearizedLoss {
  /// The sum over prompts of the first `choices(K)` choices of each ranking, every choice among the
  /// responses that are left, and of their centering.
  init(
    _ rewards: Variable, sizes: [Int], choices: (Int) -> Int, centering: Double, weight: Double
  ) {
    precondition(
      rewards.value.shape == [sizes.reduce(0, +)] && sizes.allSatisfy { $0 >= 2 },
      "loss of rankings: rewards of \(rewards.value.shape) for rankings of \(sizes)")
    let values = rewards.value.values.map(Double.init)
    self.init(rewards: values.count)
    var start = 0
    for size in sizes {
      let end = start + size
      for choice in start..<start + choices(size) {
        let term = ChoiceTerm(first: values[choice..<end])
        add(weight * term.loss)
        for (index, slope) in zip(choice..<end, term.slopes) { add(weight * slope, at: index) }
      }
      let center = ListCentering(values[start..<end], centering: centering)
      add(weight * center.loss)
      for index in start..<end { add(weight * center.slope, at: index) }
      start = end
    }
  }
}
