import Foundation
import Settings

/// How the policy learns from the experience of an iteration. All algorithms share rollouts, reward
/// and KL penalty; a value of this type says where they differ: the advantage, the ratio that the loss
/// clips and how wide, how the loss is normalised, and four switches.
package struct PolicyAlgorithm: Sendable, Hashable {
  /// The name in `ppo.algorithm`.
  package let rawValue: String
  /// The name in reports.
  package let name: String
  package let advantage: Advantage
  package var ratio = Ratio.token
  package var normalization = Normalization.tokens
  /// Whether `ppo.whiten_advantages` applies.
  var whitens = true
  /// Whether there is a KL penalty.
  var penalizesKL = true
  /// Whether a response loses up to 1 over the last fifth of the longest length allowed, in place of
  /// the missing-EOS penalty.
  var penalizesLength = false
  /// Whether groups whose scores are all equal are sampled again.
  var resamplesEqualGroups = false
  /// ε below 1, where `ppo.clip_range` is not set.
  package var clipRange = 0.2
  /// ε above 1; nil for the one below.
  package var clipRangeHigh: Double?

  /// A of a token.
  package enum Advantage: Sendable {
    /// The generalised advantage estimate, with a value model (Schulman et al. 2016).
    case generalized
    /// The return from the token on − the value.
    case returnMinusValue
    /// The return of the response − the mean of its group's others.
    case leaveOneOut
    /// (Return − mean of the group) / sd of the group.
    case groupNormalized
    /// Return − mean of the group, not divided by its sd.
    case groupCentered
    /// 1 for the best of the group, 0 for the others.
    case bestOfGroup
  }

  /// r = π/π_old, where the loss clips one.
  package enum Ratio: Sendable {
    /// None: the loss is −A log π.
    case none
    /// Of each token.
    case token
    /// Of the whole response, (π(y)/π_old(y))^{1/|y|}; the loss is then a mean over responses.
    case sequence
  }

  /// What the sum over the tokens of a minibatch is divided by.
  package enum Normalization: Sendable {
    /// The number of tokens: every token weighs the same.
    case tokens
    /// The number of responses times the longest length allowed: a constant, so that a response does
    /// not weigh less per token for being long.
    case longestLength
  }

  /// Schulman et al. 2017.
  package static let ppo = PolicyAlgorithm(
    rawValue: "ppo", name: "PPO", advantage: .generalized)
  /// Williams 1992.
  static let reinforce = PolicyAlgorithm(
    rawValue: "reinforce", name: "REINFORCE", advantage: .returnMinusValue, ratio: .none)
  /// Ahmadian et al. 2024.
  static let rloo = PolicyAlgorithm(
    rawValue: "rloo", name: "RLOO", advantage: .leaveOneOut)
  /// Shao et al. 2024, with every token of the batch weighing the same.
  static let grpo = PolicyAlgorithm(
    rawValue: "grpo", name: "GRPO", advantage: .groupNormalized)
  /// Liu et al. 2025 (arXiv:2503.20783).
  static let drGRPO = PolicyAlgorithm(
    rawValue: "dr-grpo", name: "Dr. GRPO", advantage: .groupCentered,
    normalization: .longestLength, whitens: false)
  /// Yu et al. 2025 (arXiv:2503.14476).
  static let dapo = PolicyAlgorithm(
    rawValue: "dapo", name: "DAPO", advantage: .groupNormalized, whitens: false,
    penalizesKL: false, penalizesLength: true, resamplesEqualGroups: true, clipRangeHigh: 0.28)
  /// Zheng et al. 2025 (arXiv:2507.18071).
  static let gspo = PolicyAlgorithm(
    rawValue: "gspo", name: "GSPO", advantage: .groupNormalized, ratio: .sequence, whitens: false,
    clipRange: 3e-4, clipRangeHigh: 4e-4)
  /// Dong et al. 2023 (RAFT).
  static let rejectionSampling = PolicyAlgorithm(
    rawValue: "rejection-sampling", name: "rejection sampling", advantage: .bestOfGroup,
    ratio: .none, whitens: false)

  /// Whether a value model learns beside the policy.
  package var usesValueModel: Bool {
    advantage == .generalized || advantage == .returnMinusValue
  }

  /// Whether responses to the same prompt, `ppo.samples_per_prompt` of them, are compared with each
  /// other.
  var usesGroups: Bool { !usesValueModel }

  /// The ratio that each token of a response has in the loss, given its tokens' log(π/π_old).
  package func ratios(_ logRatios: [Double]) -> [Double] {
    guard ratio == .sequence else { return logRatios.map { exp($0) } }
    let mean = logRatios.reduce(0, +) / Double(logRatios.count)
    return logRatios.map { _ in exp(mean) }
  }

  /// Whether the loss is over clipped ratios; otherwise it is −A log π.
  var clipsRatios: Bool { ratio != .none }
}

extension PolicyAlgorithm: RawRepresentable, CaseIterable, SettingValue {
  package static let allCases: [PolicyAlgorithm] = [
    .ppo, .reinforce, .rloo, .grpo, .drGRPO, .dapo, .gspo, .rejectionSampling,
  ]

  package init?(rawValue: String) {
    guard let algorithm = Self.allCases.first(where: { $0.rawValue == rawValue }) else {
      return nil
    }
    self = algorithm
  }

  package static func == (a: Self, b: Self) -> Bool { a.rawValue == b.rawValue }
  package func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}
