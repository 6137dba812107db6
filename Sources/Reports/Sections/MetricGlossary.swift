/// What every metric of a run means, and what is a bad sign, in one sentence each.
enum MetricGlossary {
  static let entries: [(name: String, meaning: String)] = [
    (
      "sft/loss",
      "Cross-entropy of the next token on the corpus, in nats; bad when it stops falling early."
    ),
    (
      "reward/loss",
      "−log σ(r_chosen − r_rejected) on training pairs, in nats; bad when it stays at ln 2 ≈ 0.693."
    ),
    (
      "reward/accuracy",
      "Fraction of training pairs ranked as the annotators did; bad when far above held-out accuracy."
    ),
    (
      "eval/loss",
      "The loss on held-out data; bad when it rises while training loss falls."
    ),
    (
      "eval/accuracy",
      "Fraction of held-out pairs ranked as the annotators did; bad near 0.5, suspect above the ceiling."
    ),
    (
      "eval/ece",
      "Expected calibration error: mean gap between stated and observed preference; bad above 0.05."
    ),
    (
      "eval/margin_mean",
      "Mean of r_chosen − r_rejected on held-out pairs; bad when it grows while accuracy does not."
    ),
    (
      "eval/length_correlation",
      "Correlation of reward with response length; bad when far from gold’s own."
    ),
    (
      "objective/score",
      "The reward model’s normalized score of a response, mean over the iteration; bad when it rises alone."
    ),
    (
      "objective/gold",
      "The world’s true reward, which no model sees; bad when it falls while the score rises."
    ),
    (
      "objective/penalized_reward",
      "Score minus β·KL, what PPO maximizes; bad when it falls for many iterations."
    ),
    (
      "objective/kl",
      "Estimated KL of a response from the reference, Σ log π − log ρ, in nats; bad when negative or racing away."
    ),
    (
      "objective/kl_exact",
      "The same KL summed exactly over the vocabulary at each token, in nats; bad when above about 10."
    ),
    (
      "objective/entropy",
      "Entropy of the policy’s next token, in nats; bad when it collapses to 0."
    ),
    (
      "policy/approximate_kl",
      "KL between the policy before and after an update, per token; bad above about 0.05."
    ),
    (
      "policy/advantage_deviation",
      "Deviation of the advantages over tokens before whitening; bad at 0, where nothing is learned."
    ),
    (
      "policy/clip_fraction",
      "Fraction of tokens whose probability ratio left the clip range; bad above 0.3, or always 0."
    ),
    (
      "policy/ratio_max",
      "The largest ratio of new to old token probability; bad when it jumps above 10."
    ),
    ("policy/loss", "PPO’s clipped surrogate loss; its sign and trend carry little meaning."),
    (
      "policy/gradient_norm",
      "Norm of the policy’s gradient before clipping; bad when it spikes or is not finite."
    ),
    ("value/loss", "Half the clipped squared error of the value model; bad when it keeps rising."),
    (
      "value/clip_fraction",
      "Fraction of value predictions held back by the value clip; bad when always near 1."
    ),
    (
      "value/explained_variance",
      "Share of the returns’ variance that the value model predicts; bad when below 0."
    ),
    (
      "value/gradient_norm",
      "Norm of the value model’s gradient before clipping; bad when it spikes or is not finite."
    ),
    (
      "kl/coefficient",
      "β, the price of a nat of KL in reward; bad when the controller drives it to 0 or far up."
    ),
    (
      "response/length",
      "Mean tokens in a response; bad when it runs to the limit or to nothing."
    ),
    (
      "response/eos_fraction",
      "Fraction of responses that ended by themselves; bad when it falls."
    ),
    ("time/rollout", "Seconds spent sampling responses in an iteration."),
    ("time/score", "Seconds spent on reward, reference and value passes in an iteration."),
    ("time/update", "Seconds spent on gradient steps in an iteration."),
    ("memory/policy", "Bytes of the policy’s parameters, but for those shared with the reference."),
    ("memory/reference", "Bytes held by the reference’s parameters."),
    ("memory/reward", "Bytes held by the reward model’s parameters."),
    ("memory/value", "Bytes of a value model of its own; 0 for a head on the policy’s decoder."),
    ("memory/optimizer", "Bytes held by gradients and optimizer moments."),
    (
      "memory/activations",
      "Bytes held for the backward pass; bad when it grows from step to step."
    ),
  ]
}
