import Foundation
package import Numerics
import Statistics

// The losses of reward models, as equations over the rewards r of one prompt's responses. Below them,
// how a batch's rewards are grouped into terms.

/// P(Δ) = ε + (1 − 2ε) σ(Δ): how probable it is that a response whose reward is higher by Δ is chosen.
///
/// Bradley–Terry where labels are flipped at a known rate ε. Christiano et al. 2017 (arXiv 1706.03741,
/// section 2.2.3) assume 10 % of judgements at random, which is ε = 0.05. Without ε, one flip on an easy
/// pair costs so much that all rewards shrink, and the probabilities are too cautious. It is not label
/// smoothing, which shrinks rewards further.
package struct ChoiceProbability: Sendable, Equatable {
  /// ε, below ½.
  let labelNoise: Double

  package init(labelNoise: Double = 0) { self.labelNoise = labelNoise }

  /// P(Δ).
  package func callAsFunction(_ difference: Double) -> Double {
    labelNoise + (1 - 2 * labelNoise) * sigmoid(difference)
  }

  /// −log P(Δ), as softplus where there is no ε, so that nothing overflows.
  package func negativeLogLikelihood(_ difference: Dual) -> Dual {
    labelNoise == 0
      ? .softplus(-difference) : -.log((1 - 2 * labelNoise) * .sigmoid(difference) + labelNoise)
  }
}

/// −p log P(Δ − m) − (1 − p) log P(m − Δ) + η (r_chosen + r_rejected)², Δ = r_chosen − r_rejected: the
/// loss of one pair (Bradley and Terry 1952; InstructGPT 2022, eq. 1).
///
/// - Parameters:
///   - margin: m, in units of the reward (Llama 2, eq. 2).
///   - probability: p that the choice is right: 1 for a label as it is, 1 − ε with label smoothing.
///   - choices: P, σ without label noise.
///   - centering: η, which pins the constant that ranking leaves free (Eisenstein et al. 2023).
func pairLoss(
  _ chosen: Dual, _ rejected: Dual, margin: Double = 0, probability: Double = 1,
  choices: ChoiceProbability = ChoiceProbability(), centering: Double
) -> Dual {
  let difference = chosen - rejected - margin
  let sum = chosen + rejected
  return probability * choices.negativeLogLikelihood(difference)
    + (1 - probability) * choices.negativeLogLikelihood(-difference) + centering * (sum * sum)
}

/// −Σ_{i ≤ choices} log softmax(r_i, …, r_K)_i + η (2 r̄)²: the ranking as a row of choices, each the best
/// of those that are left.
///
/// K − 1 choices are Plackett–Luce (Plackett 1975; Zhu et al. 2023), one is best-of-K (Ziegler et al.
/// 2019). With two responses both are Bradley–Terry.
func choicesLoss(_ rewards: [Dual], choices: Int, centering: Double) -> Dual {
  let mean = 2 * rewards.reduce(Dual(0), +) / Double(rewards.count)
  let likelihood = (0..<choices).reduce(Dual(0)) { sum, choice in
    sum + .negativeLogSoftmax(ofFirst: rewards[choice...])
  }
  return likelihood + centering * (mean * mean)
}

/// (r − rating)²: rewards as predictions of ratings, which say where 0 is, so that nothing is centered.
func regressionLoss(_ reward: Dual, rating: Double) -> Dual {
  let error = reward - rating
  return error * error
}

/// −y log P(r) − (1 − y) log P(−r): the reward as the logit of a label y, 1 for a desirable response or
/// a right step and 0 for another (of solutions: Cobbe et al. 2021; of steps: Lightman et al. 2023).
///
/// - Parameter choices: P, σ without label noise.
func binaryLoss(
  _ reward: Dual, label: Double, choices: ChoiceProbability = ChoiceProbability()
) -> Dual {
  label * choices.negativeLogLikelihood(reward)
    + (1 - label) * choices.negativeLogLikelihood(-reward)
}

// MARK: - Batches

/// Where the two responses of a pair are compared token by token.
package struct TokenPair: Sendable, Equatable {
  /// Tokens of the chosen and of the rejected response.
  package var chosen: Int
  package var rejected: Int
  /// The first position at which they differ.
  var firstDifference: Int

  package init(chosen: Int, rejected: Int, firstDifference: Int) {
    self.chosen = chosen
    self.rejected = rejected
    self.firstDifference = firstDifference
  }

  /// Measures two responses that are not the same.
  package init(chosen: [Int32], rejected: [Int32]) {
    let shared = zip(chosen, rejected).prefix { $0 == $1 }.count
    self.init(chosen: chosen.count, rejected: rejected.count, firstDifference: shared)
  }

  /// From the first difference to the end of the longer response.
  var positions: Range<Int> { firstDifference..<max(chosen, rejected) }
}

extension Tape {
  /// w Σ_pairs of ``pairLoss(_:_:margin:probability:choices:centering:)``.
  ///
  /// - Parameters:
  ///   - rewards: `[2 B]`, chosen and rejected of pair 0, of pair 1, …
  ///   - margins: m, `[B]`.
  ///   - probabilities: p, `[B]`; nil where every choice is taken as right.
  ///   - weight: w, 1 over the pairs of the whole batch.
  func pairwiseLoss(
    _ rewards: Variable, margins: [Double], probabilities: [Double]? = nil,
    choices: ChoiceProbability = ChoiceProbability(), centering: Double, weight: Double
  ) -> Variable {
    loss(of: rewards, groups: margins.indices.map { ([2 * $0, 2 * $0 + 1], weight) }) {
      pairLoss(
        $1[0], $1[1], margin: margins[$0], probability: probabilities?[$0] ?? 1, choices: choices,
        centering: centering)
    }.loss
  }

  /// w Σ_pairs mean_t of the pair loss of r_w,t and r_l,t over the positions t from the first token in
  /// which the two responses differ to the end of the longer one.
  ///
  /// The rule of trlX's `GPTRewardModel` and of DeepSpeed-Chat. Where they go on into the padding after
  /// the shorter response, there is none here: its last reward, that of its end-of-sequence token,
  /// stands for the rest. So the score is still what is read at the end of a response.
  ///
  /// - Parameters:
  ///   - rewards: `[M]`, one per token of the chosen and of the rejected response of pair 0, of pair 1, …
  ///   - weight: w, 1 over the pairs of the whole batch.
  func pairwiseTokensLoss(
    _ rewards: Variable, pairs: [TokenPair], margins: [Double], probabilities: [Double]? = nil,
    choices: ChoiceProbability = ChoiceProbability(), centering: Double, weight: Double
  ) -> Variable {
    var groups: [(elements: [Int], weight: Double)] = []
    var pairOf: [Int] = []
    var start = 0
    for (index, pair) in pairs.enumerated() {
      for position in pair.positions {
        let chosen = start + min(position, pair.chosen - 1)
        let rejected = start + pair.chosen + min(position, pair.rejected - 1)
        groups.append(([chosen, rejected], weight / Double(pair.positions.count)))
        pairOf.append(index)
      }
      start += pair.chosen + pair.rejected
    }
    return loss(of: rewards, groups: groups) {
      pairLoss(
        $1[0], $1[1], margin: margins[pairOf[$0]], probability: probabilities?[pairOf[$0]] ?? 1,
        choices: choices, centering: centering)
    }.loss
  }

  /// w Σ_prompts 1/C(K, 2) Σ_{i < j} of the pair loss of r_i and r_j.
  ///
  /// All pairs of a prompt's ranking as one element of the batch, so that a response is computed once
  /// and a prompt with many responses weighs no more than another (InstructGPT 2022, section 3.5).
  ///
  /// - Parameters:
  ///   - rewards: `[Σ K]`, those of prompt 0 from best to worst, of prompt 1, …
  ///   - sizes: K of every prompt.
  ///   - margins: m of every prompt's pairs.
  ///   - weight: w, 1 over the prompts of the whole batch: C(K, 2) is divided out here and nowhere else.
  func groupedPairsLoss(
    _ rewards: Variable, sizes: [Int], margins: [Double], probability: Double = 1,
    choices: ChoiceProbability = ChoiceProbability(), centering: Double, weight: Double
  ) -> Variable {
    loss(of: rewards, groups: rankings(sizes, weight: weight)) { prompt, rewards in
      let pairs = rewards.indices.flatMap { better in
        rewards[(better + 1)...].map { (rewards[better], $0) }
      }
      return pairs.reduce(Dual(0)) {
        $0
          + pairLoss(
            $1.0, $1.1, margin: margins[prompt], probability: probability, choices: choices,
            centering: centering)
      } / Double(pairs.count)
    }.loss
  }

  /// w Σ_prompts of ``choicesLoss(_:choices:centering:)`` with all K − 1 choices.
  ///
  /// - Parameter rewards: `[Σ K]`, those of prompt 0 from best to worst, of prompt 1, …
  func plackettLuceLoss(
    _ rewards: Variable, sizes: [Int], centering: Double, weight: Double
  ) -> Variable {
    loss(of: rewards, groups: rankings(sizes, weight: weight)) {
      choicesLoss($1, choices: $1.count - 1, centering: centering)
    }.loss
  }

  /// w Σ_prompts of ``choicesLoss(_:choices:centering:)`` with the first choice alone.
  ///
  /// - Parameter rewards: `[Σ K]`, the best of prompt 0 first, then its others; those of prompt 1, …
  func bestOfKLoss(
    _ rewards: Variable, sizes: [Int], centering: Double, weight: Double
  ) -> Variable {
    loss(of: rewards, groups: rankings(sizes, weight: weight)) {
      choicesLoss($1, choices: 1, centering: centering)
    }.loss
  }

  /// Σ_i w_i of ``regressionLoss(_:rating:)``.
  ///
  /// - Parameter weights: w, `[M]`: 1 over the prompts of the whole batch and over the responses of the
  ///   prompt.
  func regressionLoss(
    _ rewards: Variable, ratings: [Double], weights: [Double]
  ) -> Variable {
    loss(of: rewards, groups: weights.indices.map { ([$0], weights[$0]) }) {
      RLHF.regressionLoss($1[0], rating: ratings[$0])
    }.loss
  }

  /// Σ_i w_i of ``binaryLoss(_:label:choices:)``.
  ///
  /// - Parameter weights: w, `[M]`: 1 over the elements of the whole batch and over the labels of the
  ///   element, so that a response of many steps weighs no more than one of few.
  package func binaryLoss(
    _ rewards: Variable, labels: [Double], choices: ChoiceProbability = ChoiceProbability(),
    weights: [Double]
  ) -> Variable {
    loss(of: rewards, groups: weights.indices.map { ([$0], weights[$0]) }) {
      RLHF.binaryLoss($1[0], label: labels[$0], choices: choices)
    }.loss
  }

  /// The elements of every ranking, one after the other.
  private func rankings(_ sizes: [Int], weight: Double) -> [(elements: [Int], weight: Double)] {
    var start = 0
    return sizes.map { size in
      defer { start += size }
      return (Array(start..<start + size), weight)
    }
  }
}

/// Finite-difference checks of every loss of a reward model.
package enum RewardModelLosses {
  package static let gradientChecks = [
    GradientCheck("pairwise loss", inputs: [[6]]) {
      $0.pairwiseLoss($1[0], margins: [0, 0.5, 2], centering: 0.1, weight: 0.5)
    },
    GradientCheck("pairwise loss with soft labels", inputs: [[6]]) {
      $0.pairwiseLoss(
        $1[0], margins: [0, 0.5, 2], probabilities: [0.9, 0.3, 0.5], centering: 0.1, weight: 0.5)
    },
    GradientCheck("pairwise loss with known label noise", inputs: [[6]]) {
      $0.pairwiseLoss(
        $1[0], margins: [0, 0.5, 2], probabilities: [1, 0.3, 0.5],
        choices: ChoiceProbability(labelNoise: 0.1), centering: 0.1, weight: 0.5)
    },
    GradientCheck("pairwise loss at every token", inputs: [[11]]) {
      $0.pairwiseTokensLoss(
        $1[0],
        pairs: [
          TokenPair(chosen: 4, rejected: 2, firstDifference: 1),
          TokenPair(chosen: 2, rejected: 3, firstDifference: 0),
        ], margins: [0, 0.5], probabilities: [1, 0.7], centering: 0.1, weight: 0.5)
    },
    GradientCheck("grouped pairs loss", inputs: [[9]]) {
      $0.groupedPairsLoss(
        $1[0], sizes: [4, 2, 3], margins: [0, 0.5, 0], probability: 0.9, centering: 0.1,
        weight: 1.0 / 3)
    },
    GradientCheck("Plackett–Luce loss", inputs: [[9]]) {
      $0.plackettLuceLoss($1[0], sizes: [4, 2, 3], centering: 0.1, weight: 1.0 / 3)
    },
    GradientCheck("best-of-K loss", inputs: [[9]]) {
      $0.bestOfKLoss($1[0], sizes: [4, 2, 3], centering: 0.1, weight: 1.0 / 3)
    },
    GradientCheck("regression loss", inputs: [[4]]) {
      $0.regressionLoss($1[0], ratings: [0, 0.5, -2, 1], weights: [0.5, 0.5, 1, 0.25])
    },
    GradientCheck("binary loss", inputs: [[4]]) {
      $0.binaryLoss($1[0], labels: [1, 0, 1, 0.25], weights: [0.5, 0.5, 1, 0.25])
    },
    GradientCheck("binary loss with known label noise", inputs: [[2]]) {
      $0.binaryLoss(
        $1[0], labels: [1, 0], choices: ChoiceProbability(labelNoise: 0.1), weights: [0.5, 1])
    },
  ]
}
