import Settings

/// How the experience of an iteration becomes a push on the policy. All algorithms share rollouts,
/// reward and KL penalty, and differ in two lines: what an advantage is, and whether the loss bounds
/// the ratio.
///
/// | algorithm | advantage of a token | loss |
/// |---|---|---|
/// | `ppo` | generalised advantage estimate with a value model | clipped ratio |
/// | `reinforce` | return from the token on − value | −A log π |
/// | `rloo` | return of the response − mean of its siblings | clipped ratio |
/// | `grpo` | (return − mean of the group) / deviation of the group | clipped ratio |
/// | `rejection-sampling` | 1 for the best of the group, else 0 | −A log π |
///
/// A group are the `ppo.samples_per_prompt` responses to one prompt.
///
/// Sources: Schulman et al. 2017; Williams 1992; Ahmadian et al. 2024 (RLOO); Shao et al. 2024
/// (GRPO); Dong et al. 2023 (RAFT).
package enum PolicyAlgorithm: String, Sendable, CaseIterable, SettingValue {
  case ppo
  case reinforce
  case rloo
  case grpo
  case rejectionSampling = "rejection-sampling"

  /// Whether a value model learns beside the policy.
  package var usesValueModel: Bool { self == .ppo || self == .reinforce }

  /// Whether responses to the same prompt are compared with each other.
  package var usesGroups: Bool { !usesValueModel }

  /// Whether the loss is over clipped ratios; otherwise it is −A log π.
  package var clipsRatios: Bool { self != .reinforce && self != .rejectionSampling }
}
