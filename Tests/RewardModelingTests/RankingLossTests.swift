import Foundation
import Numerics
import TestSupport
import Testing

@testable import RLHF

/// A loss of leaves and its derivatives.
private func evaluate(
  _ rewards: [Float], _ loss: (Tape, Variable) -> Variable
) -> (loss: Double, derivatives: [Double]) {
  let tape = Tape(recording: true)
  let leaf = tape.leaf(Tensor(rewards))
  let output = loss(tape, leaf)
  let value = Double(output.value[0])
  return (value, tape.gradients(of: output, leaves: [leaf])[0].values.map(Double.init))
}

private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

private func close(_ a: Double, _ b: Double) -> Bool { abs(a - b) < .float32Sums * (1 + abs(b)) }

@Suite("The losses of rankings")
struct RankingLossTests {
  /// Two prompts' rewards, four responses and three, best first.
  let rewards: [Float] = [0.5, 1.25, -0.75, 0.125, -2, 3, 0.25]
  let sizes = [4, 3]
  var groups: [[Double]] {
    [Array(rewards[0..<4]), Array(rewards[4...])].map { $0.map(Double.init) }
  }

  static let pairs: [[Float]] = [
    [0, 0], [1.5, -0.25], [-3, 2], [40, -40], [-40, 40], [300, 0],
  ]

  @Test("of two responses are Bradley–Terry, every bit of it", arguments: pairs)
  func two(rewards: [Float]) {
    for centering in [0, 0.25] {
      let pairwise = evaluate(rewards) {
        $0.pairwiseLoss($1, margins: [0], centering: centering, weight: 0.5)
      }
      let others = [
        evaluate(rewards) {
          $0.groupedPairsLoss($1, sizes: [2], margins: [0], centering: centering, weight: 0.5)
        },
        evaluate(rewards) {
          $0.plackettLuceLoss($1, sizes: [2], centering: centering, weight: 0.5)
        },
        evaluate(rewards) { $0.bestOfKLoss($1, sizes: [2], centering: centering, weight: 0.5) },
        evaluate(rewards) {
          $0.pairwiseTokensLoss(
            $1, pairs: [TokenPair(chosen: 1, rejected: 1, firstDifference: 0)], margins: [0],
            centering: centering, weight: 0.5)
        },
      ]
      for other in others {
        #expect(other.loss == pairwise.loss)
        for (a, b) in zip(other.derivatives, pairwise.derivatives) {
          #expect(abs(a - b) <= .float32Rounding * abs(b))
        }
      }
    }
  }

  @Test("grouped pairs are all pairs of a prompt, divided by their number once, and by the prompts")
  func grouped() {
    let expected = groups.reduce(0.0) { sum, group in
      var total = 0.0
      var count = 0.0
      for i in group.indices {
        for j in group.indices where j > i {
          total +=
            softplus(group[j] - group[i]) + 0.1 * (group[i] + group[j]) * (group[i] + group[j])
          count += 1
        }
      }
      return sum + total / count / 2
    }
    let found = evaluate(rewards) {
      $0.groupedPairsLoss($1, sizes: sizes, margins: [0, 0], centering: 0.1, weight: 0.5)
    }
    #expect(close(found.loss, expected))

    // The gradient of a prompt among four is a fourth of its own.
    let alone = evaluate(Array(rewards[0..<4])) {
      $0.groupedPairsLoss($1, sizes: [4], margins: [0], centering: 0, weight: 1)
    }
    let repeated = evaluate((0..<4).flatMap { _ in rewards[0..<4] }) {
      $0.groupedPairsLoss(
        $1, sizes: [4, 4, 4, 4], margins: [0, 0, 0, 0], centering: 0, weight: 0.25)
    }
    #expect(close(repeated.loss, alone.loss))
    for (index, derivative) in repeated.derivatives.enumerated() {
      #expect(close(derivative, alone.derivatives[index % 4] / 4))
    }
  }

  @Test("grouped pairs have the loss of the same pairs one by one")
  func shuffledPairs() {
    let order = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    let separate = evaluate(order.flatMap { [rewards[$0.0], rewards[$0.1]] }) {
      $0.pairwiseLoss(
        $1, margins: Array(repeating: 0, count: 6), centering: 0.1, weight: 1.0 / 6)
    }
    let together = evaluate(Array(rewards[0..<4])) {
      $0.groupedPairsLoss($1, sizes: [4], margins: [0], centering: 0.1, weight: 1)
    }
    #expect(close(separate.loss, together.loss))
  }

  @Test("Plackett–Luce is a row of choices among those that are left")
  func plackettLuce() {
    let expected = groups.reduce(0.0) { sum, group in
      var rest = group[...]
      var total = 0.0
      while let best = rest.popFirst() {
        total -= log(exp(best) / (exp(best) + rest.reduce(0) { $0 + exp($1) }))
      }
      let center = 2 * group.reduce(0, +) / Double(group.count)
      return sum + (total + 0.1 * center * center) / 2
    }
    let found = evaluate(rewards) {
      $0.plackettLuceLoss($1, sizes: sizes, centering: 0.1, weight: 0.5)
    }
    #expect(close(found.loss, expected))
  }

  @Test("Plackett–Luce probabilities of all orders of four responses sum to 1")
  func orders() {
    let values = rewards[0..<4]
    var total = 0.0
    for a in 0..<4 {
      for b in 0..<4 where b != a {
        for c in 0..<4 where c != a && c != b {
          let order = [a, b, c, 6 - a - b - c].map { values[$0] }
          total += exp(
            -evaluate(order) { $0.plackettLuceLoss($1, sizes: [4], centering: 0, weight: 1) }.loss)
        }
      }
    }
    #expect(abs(total - 1) < .float32Rounding)
  }

  @Test("best of K is the cross-entropy of the first, whatever the order of the others")
  func bestOfK() {
    let expected = groups.reduce(0.0) { sum, group in
      sum - log(exp(group[0]) / group.reduce(0) { $0 + exp($1) }) / 2
    }
    let found = evaluate(rewards) { $0.bestOfKLoss($1, sizes: sizes, centering: 0, weight: 0.5) }
    #expect(close(found.loss, expected))
    let reordered = evaluate([0.5, 0.125, 1.25, -0.75, -2, 0.25, 3]) {
      $0.bestOfKLoss($1, sizes: sizes, centering: 0, weight: 0.5)
    }
    #expect(close(reordered.loss, found.loss))
  }

  @Test("stay finite where an exponential is not")
  func extremes() {
    let far: [Float] = [-2000, 2000, 0]
    for found in [
      evaluate(far) { $0.plackettLuceLoss($1, sizes: [3], centering: 0, weight: 1) },
      evaluate(far) { $0.bestOfKLoss($1, sizes: [3], centering: 0, weight: 1) },
      evaluate(far) {
        $0.groupedPairsLoss($1, sizes: [3], margins: [0], centering: 0, weight: 1)
      },
    ] {
      #expect(found.loss.isFinite && found.loss >= 2000)
      #expect(found.derivatives.allSatisfy { $0.isFinite } && found.derivatives[0] < -0.5)
    }
  }

  @Test("do not see a constant that is added to all rewards of a prompt")
  func shift() {
    let shifted = rewards.enumerated().map { $0.offset < 4 ? $0.element + 8 : $0.element - 4 }
    let losses: [(Tape, Variable) -> Variable] = [
      { $0.groupedPairsLoss($1, sizes: sizes, margins: [0, 0], centering: 0, weight: 1) },
      { $0.plackettLuceLoss($1, sizes: sizes, centering: 0, weight: 1) },
      { $0.bestOfKLoss($1, sizes: sizes, centering: 0, weight: 1) },
    ]
    for loss in losses {
      #expect(close(evaluate(shifted, loss).loss, evaluate(rewards, loss).loss))
    }
  }
}

@Suite("The loss at every token")
struct PairwiseTokensLossTests {
  @Test("is the mean from the first difference to the longer end, then the shorter's last")
  func definition() {
    // Chosen a b c d, rejected a e: compared at b–e, c–e and d–e.
    let pair = TokenPair(chosen: [3, 4, 5, 0], rejected: [3, 0])
    #expect(pair == TokenPair(chosen: 4, rejected: 2, firstDifference: 1))
    let rewards: [Float] = [9, 0.5, -1, 2, -9, 0.25]
    let differences = [0.5 - 0.25, -1 - 0.25, 2 - 0.25]
    let found = evaluate(rewards) {
      $0.pairwiseTokensLoss($1, pairs: [pair], margins: [0.5], centering: 0, weight: 1)
    }
    #expect(close(found.loss, differences.reduce(0) { $0 + softplus(0.5 - $1) } / 3))
    // Tokens that both have say nothing; the held reward takes the pull of all three positions.
    #expect(found.derivatives[0] == 0 && found.derivatives[4] == 0)
    #expect(abs(found.derivatives.reduce(0, +)) < .float32Rounding)
    #expect(found.derivatives[5] > 0 && found.derivatives[1...3].allSatisfy { $0 < 0 })
  }

  @Test("weighs a long pair no more than a short one")
  func weight() {
    let long = TokenPair(chosen: 5, rejected: 5, firstDifference: 0)
    let short = TokenPair(chosen: 1, rejected: 1, firstDifference: 0)
    let found = evaluate(Array(repeating: 1, count: 12)) {
      $0.pairwiseTokensLoss($1, pairs: [long, short], margins: [0, 0], centering: 0, weight: 0.5)
    }
    #expect(close(found.loss, log(2.0)))
    #expect(close(found.derivatives[0..<5].reduce(0, +), found.derivatives[10]))
  }
}

@Suite("Soft labels")
struct SoftLabelTests {
  private func loss(_ difference: Float, _ probability: Double) -> (
    loss: Double, derivatives: [Double]
  ) {
    evaluate([difference, 0]) {
      $0.pairwiseLoss($1, margins: [0], probabilities: [probability], centering: 0, weight: 1)
    }
  }

  @Test("are −p log σ(Δ) − (1 − p) log σ(−Δ)", arguments: [0, 0.2, 0.5, 0.9, 1])
  func definition(probability: Double) {
    for difference in [-12.0, -1, 0, 0.5, 12] {
      let found = loss(Float(difference), probability)
      #expect(
        close(
          found.loss,
          probability * softplus(-difference) + (1 - probability) * softplus(difference)))
      #expect(close(found.derivatives[0], 1 / (1 + exp(-difference)) - probability))
      #expect(found.derivatives[1] == -found.derivatives[0])
    }
  }

  @Test("rest where the reward difference is the logit of p")
  func minimum() {
    // The logit is rounded to float32: u of 1.4, times the curvature of 0.16.
    #expect(abs(loss(Float(log(0.8 / 0.2)), 0.8).derivatives[0]) < 1e-7)
  }
}

@Suite("The loss of ratings")
struct RegressionLossTests {
  @Test("is the weighted square of what is missing")
  func definition() {
    let found = evaluate([1, -0.5, 2]) {
      $0.regressionLoss($1, ratings: [0.5, 0.5, 2], weights: [0.25, 0.25, 0.5])
    }
    #expect(close(found.loss, 0.25 * 0.25 + 0.25 * 1))
    #expect(found.derivatives == [0.25, -0.5, 0])
  }
}
