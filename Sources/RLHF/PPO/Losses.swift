import CKernels
import Foundation
package import Numerics

// The losses of PPO and of the algorithms beside it, as equations. π is the policy that learns, π_old
// the one that sampled, π_ref the frozen reference, A an advantage, r = π/π_old the ratio.

/// max(−A r, −A clip(r, 1 − ε_low, 1 + ε_high)) (Schulman et al. 2017, eq. 7); with a dual clip c, at most −c A where
/// A < 0 (Ye et al. 2020).
///
/// - Parameters:
///   - logRatio: log r of a token.
///   - clip: 1 − ε_low … 1 + ε_high.
func clippedSurrogate(
  logRatio: Dual, advantage: Double, clip: ClosedRange<Double>, dualClip: Double? = nil
) -> Dual {
  let ratio: Dual = .exp(logRatio)
  let clipped: Dual = .clamp(ratio, clip.lowerBound, clip.upperBound)
  let surrogate: Dual = .max(-advantage * ratio, -advantage * clipped)
  guard let dualClip, advantage < 0 else { return surrogate }
  return .min(surrogate, Dual(-advantage * dualClip))
}

/// −A log π (Williams 1992).
func policyGradient(logProbability: Dual, advantage: Double) -> Dual { -advantage * logProbability }

/// ½ max((V − R)², (clip(V, V_old ± ε) − R)²) (OpenAI Baselines, PPO2).
///
/// - Parameters:
///   - value: V of a state now; `old` V_old, before the update.
///   - target: R, the return.
func clippedValueLoss(value: Dual, old: Double, target: Double, clipRange: Double) -> Dual {
  let clipped: Dual = .clamp(value, old - clipRange, old + clipRange)
  let (free, limited) = (value - target, clipped - target)
  return .max(free * free, limited * limited) / 2
}

extension KLEstimator {
  /// What stands for KL(π ‖ π_ref) at one token drawn from π, in nats (Schulman 2020, "Approximating KL
  /// divergence").
  ///
  /// In the loss its gradient is that of the KL only in part: on-policy, k2 has in expectation the
  /// gradient that k1 has in the reward; k3 has that of KL(π_ref ‖ π), the other direction; k1 has none
  /// (arXiv:2510.01555, § 3).
  func estimate(logProbability: Dual, reference: Double) -> Dual {
    let logRatio = reference - logProbability
    switch self {
    case .k1: return -logRatio
    case .k2: return logRatio * logRatio / 2
    // e^x − 1 − x would lose all its digits near 0.
    case .k3: return .expm1(logRatio) - logRatio
    case .exact: preconditionFailure("the exact KL is a sum over the vocabulary, not of one token")
    }
  }
}

// MARK: - Batches

/// How the policy loss of a minibatch is divided. KL penalty and entropy bonus are means over tokens
/// under every algorithm.
struct LossScale {
  /// 1 over the tokens of the minibatch: the weight of a token where all weigh the same.
  let perToken: Double
  /// 1 over the responses of the minibatch.
  let perResponse: Double
  private let normalization: PolicyAlgorithm.Normalization
  /// Tokens / (responses · longest length allowed) of the minibatch: 1 if all responses were full.
  private let filled: Double

  init(of episodes: [Episode], _ configuration: PPOConfiguration) {
    perToken = 1 / Double(episodes.reduce(0) { $0 + $1.length })
    perResponse = 1 / Double(episodes.count)
    normalization = configuration.algorithm.normalization
    filled = 1 / perToken / Double(episodes.count * configuration.maximumTokens)
  }

  /// The weight of each token of a response in the policy loss, as a multiple of `perToken`.
  func share(of episode: Episode) -> Double {
    switch normalization {
    case .tokens: 1
    case .longestLength: filled
    }
  }
}

/// How far a minibatch's policy has moved from the one that sampled.
struct RatioStatistics: Sendable, Equatable {
  /// Tokens whose gradient the clip cut off.
  var clipped = 0
  var largest = 0.0
  /// Σ (r − 1 − log r), the k3 estimate of KL(π_old ‖ π) per token.
  var approximateKL = 0.0

  init() {}

  init(logProbabilities: [Float], old: [Double]) {
    for (new, old) in zip(logProbabilities, old) {
      let logRatio = Double(new) - old
      largest = max(largest, exp(logRatio))
      approximateKL += expm1(logRatio) - logRatio
    }
  }

  mutating func add(_ other: RatioStatistics) {
    clipped += other.clipped
    largest = max(largest, other.largest)
    approximateKL += other.approximateKL
  }
}

extension Tape {
  /// The policy loss of an algorithm on some episodes of a minibatch, and what the ratios were.
  ///
  /// - Parameter logProbabilities: log π of their tokens, `[M]`.
  func policyLoss(
    _ logProbabilities: Variable, on episodes: ArraySlice<Episode>,
    _ configuration: PPOConfiguration, scale: LossScale
  ) -> (loss: Variable, ratios: RatioStatistics) {
    let old = episodes.flatMap(\.logProbabilities)
    let advantages = episodes.flatMap(\.advantages)
    let shares = episodes.flatMap { Array(repeating: scale.share(of: $0), count: $0.length) }
    switch configuration.algorithm.ratio {
    case .token:
      return clippedPolicyLoss(
        logProbabilities, old: old, advantages: advantages, clip: configuration.clip,
        dualClip: configuration.dualClip, weight: scale.perToken, shares: shares)
    case .sequence:
      let lengths = episodes.map(\.length)
      let logRatios = sums(
        of: logProbabilities, lengths: lengths,
        less: episodes.map { $0.logProbabilities.reduce(0, +) })
      let responses = Array(episodes)
      let (loss, derivatives) = loss(of: logRatios, weight: scale.perResponse) {
        clippedSurrogate(
          logRatio: $1 / Double(lengths[$0]), advantage: responses[$0].advantages[0],
          clip: configuration.clip, dualClip: configuration.dualClip)
      }
      var ratios = RatioStatistics(logProbabilities: logProbabilities.value.values, old: old)
      ratios.largest =
        zip(logRatios.value.values, lengths).map { exp(Double($0) / Double($1)) }.max() ?? 0
      ratios.clipped = lengths.indices.reduce(0) {
        let isClipped = derivatives[$1] == 0 && responses[$1].advantages[0] != 0
        return $0 + (isClipped ? lengths[$1] : 0)
      }
      return (loss, ratios)
    case .none:
      let loss = loss(of: logProbabilities, weight: scale.perToken) {
        shares[$0] * policyGradient(logProbability: $1, advantage: advantages[$0])
      }.loss
      return (loss, RatioStatistics(logProbabilities: logProbabilities.value.values, old: old))
    }
  }

  /// The value loss of some episodes of a minibatch, and how many tokens the clip cut off.
  ///
  /// - Parameter values: V of the states before their tokens, `[M]`.
  func valueLoss(
    _ values: Variable, on episodes: ArraySlice<Episode>, _ configuration: PPOConfiguration,
    weight: Double
  ) -> (loss: Variable, clipped: Int) {
    clippedValueLoss(
      values, old: episodes.flatMap(\.values), returns: episodes.flatMap(\.returns),
      clipRange: configuration.valueClipRange, weight: weight)
  }

  /// Σ_t w u_t of ``clippedSurrogate(logRatio:advantage:clip:dualClip:)``, and what the ratios were.
  ///
  /// - Parameters:
  ///   - logProbabilities: log π, `[M]`; `old` log π_old.
  ///   - clip: 1 − ε_low … 1 + ε_high.
  ///   - weight: w, 1 over the tokens of the minibatch.
  ///   - shares: u, `[M]`; nil for 1.
  func clippedPolicyLoss(
    _ logProbabilities: Variable, old: [Double], advantages: [Double], clip: ClosedRange<Double>,
    dualClip: Double? = nil, weight: Double, shares: [Double]? = nil
  ) -> (loss: Variable, ratios: RatioStatistics) {
    let (loss, derivatives) = loss(of: logProbabilities, weight: weight) { token, logProbability in
      (shares?[token] ?? 1)
        * clippedSurrogate(
          logRatio: logProbability - old[token], advantage: advantages[token], clip: clip,
          dualClip: dualClip)
    }
    var ratios = RatioStatistics(logProbabilities: logProbabilities.value.values, old: old)
    ratios.clipped = zip(derivatives.values, advantages).count { $0 == 0 && $1 != 0 }
    return (loss, ratios)
  }

  /// w Σ_t of ``clippedValueLoss(value:old:target:clipRange:)``, and how many tokens the clip cut off.
  ///
  /// - Parameters:
  ///   - values: V, `[M]`; `old` V_old; `returns` R.
  ///   - weight: w, 1 over the tokens of the minibatch.
  func clippedValueLoss(
    _ values: Variable, old: [Double], returns: [Double], clipRange: Double, weight: Double
  ) -> (loss: Variable, clipped: Int) {
    let (loss, derivatives) = loss(of: values, weight: weight) { token, value in
      RLHF.clippedValueLoss(
        value: value, old: old[token], target: returns[token], clipRange: clipRange)
    }
    let clipped = derivatives.values.indices.count {
      derivatives[$0] == 0 && Double(values.value[$0]) != returns[$0]
    }
    return (loss, clipped)
  }

  /// w Σ_t k(log π_t, log π_ref,t): the KL penalty as a loss on tokens that π_old drew.
  func klPenaltyLoss(
    _ logProbabilities: Variable, reference: [Double], estimator: KLEstimator, weight: Double
  ) -> Variable {
    loss(of: logProbabilities, weight: weight) {
      estimator.estimate(logProbability: $1, reference: reference[$0])
    }.loss
  }

  /// w Σ_t KL(π(·|s_t) ‖ π_ref(·|s_t)): the KL penalty as a loss, exact over the vocabulary for every state
  /// that was visited. How π changes which states are visited is not in its gradient.
  ///
  /// - Parameters:
  ///   - logits: of the policy, `[M, V]`.
  ///   - reference: those of the reference, `[M, V]`, constants.
  ///   - temperature: T, which divides both.
  func exactKLLoss(
    _ logits: Variable, reference: Tensor, temperature: Double, weight: Double
  ) -> Variable {
    let x = logits.value
    precondition(x.shape == reference.shape, "one row of logits a token from both models")
    var divergences = Tensor(zeros: [x.rows])
    var derivatives = Tensor(uninitialized: x.shape) { dx in
      divergences.modify { out in
        withPointers(x, reference) {
          vm_kl_derivatives(dx, out, $0, $1, x.rows, x.columns, Float(1 / temperature))
        }
      }
    }
    derivatives.multiply(by: Float(weight))
    let total = divergences.values.reduce(0.0) { $0 + Double($1) }
    return scalar(weight * total, of: logits, derivatives: derivatives)
  }
}

/// Finite-difference checks of every loss of PPO.
package enum PPOLosses {
  // Inputs are far from the corners of the losses; every case occurs.
  package static let gradientChecks =
    [
      GradientCheck("the exact KL in the loss", inputs: [[3, 19]]) {
        let reference = Tensor((0..<57).map { Float($0 % 7) / 3 }, shape: [3, 19])
        return $0.exactKLLoss($1[0], reference: reference, temperature: 0.7, weight: 0.5)
      },
      GradientCheck("clipped policy loss", inputs: [[6]]) {
        $0.clippedPolicyLoss(
          $1[0], old: [5, 5, -5, -5, 5, -5], advantages: [1, -1, 0.5, -2, 1.5, -0.25],
          clip: 0.95...1.05, weight: 0.25
        ).loss
      },
      GradientCheck("policy gradient loss", inputs: [[3]]) {
        $0.loss(of: $1[0], weight: 0.5) { token, logProbability in
          policyGradient(logProbability: logProbability, advantage: Double(token) - 1)
        }.loss
      },
      GradientCheck("clipped value loss", inputs: [[5]]) {
        $0.clippedValueLoss(
          $1[0], old: [5, 5, -5, -5, 5], returns: [4.4, -5, 5, -4.4, 0], clipRange: 0.6,
          weight: 0.2
        ).loss
      },
    ]
    + [KLEstimator.k1, .k2, .k3].map { estimator in
      GradientCheck("KL penalty \(estimator.rawValue) in the loss", inputs: [[4]]) {
        $0.klPenaltyLoss(
          $1[0], reference: [-0.5, 0.25, 1, -1.5], estimator: estimator, weight: 0.5)
      }
    }
}
