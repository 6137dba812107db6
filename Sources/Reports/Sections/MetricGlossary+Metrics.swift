extension MetricGlossary {
  /// The columns of the metrics files, in the order of the loop.
  static let metrics = [
    Entry(
      "sft/loss", meaning: "Cross-entropy of the next token on the corpus, in nats",
      badSign: "it stops falling early"),
    Entry(
      "sft/gradient_norm", meaning: "Norm of the gradient before clipping",
      badSign: "it spikes or is not finite"),
    Entry(
      "sft/learning_rate",
      meaning:
        "How far one step of the optimizer goes, as its schedule has it: up while it warms up, "
        + "if it does, then constant or down to 0",
      badSign: "the loss jumps where it is highest"),
    Entry(
      "reward/loss", meaning: "−log σ(r_chosen − r_rejected) on training pairs, in nats",
      badSign: "it stays at ln 2 ≈ 0.693"),
    Entry(
      "reward/accuracy", meaning: "Fraction of training pairs ranked as the annotators did",
      badSign: "far above held-out accuracy"),
    Entry(
      "eval/loss", meaning: "The loss on held-out data",
      badSign: "it rises while training loss falls"),
    Entry(
      "eval/accuracy", meaning: "Fraction of held-out pairs ranked as the annotators did",
      badSign: "near 0.5, and suspect above the ceiling"),
    Entry(
      "eval/ece",
      meaning: "Expected calibration error: mean gap between stated and observed preference",
      badSign: "above 0.05"),
    Entry(
      "eval/margin_mean", meaning: "Mean of r_chosen − r_rejected on held-out pairs",
      badSign: "it grows while accuracy does not"),
    Entry(
      "eval/length_correlation", meaning: "Correlation of reward with response length",
      badSign: "far from gold’s own"),
    Entry(
      "eval/best_loss", meaning: "The lowest held-out loss so far, whose model is the one kept",
      badSign: "it no longer falls while training goes on"),
    Entry(
      "eval/best_step", meaning: "The step of the lowest held-out loss",
      badSign: "long before the end"),
    Entry(
      "reward/gradient_norm", meaning: "Norm of the reward model’s gradient before clipping",
      badSign: "it spikes or is not finite"),
    Entry(
      "reward/member", meaning: "Which model of the ensemble the step trained, from 0",
      badSign: "one has far fewer steps than the others: it was stopped early"),
    Entry(
      "dpo/loss", meaning: "−log σ of the difference of implicit rewards, in nats",
      badSign: "it stays at ln 2 ≈ 0.693"),
    Entry(
      "dpo/accuracy",
      meaning: "Fraction of pairs whose chosen response has the larger implicit reward",
      badSign: "near 0.5"),
    Entry(
      "dpo/margin", meaning: "Mean difference of implicit rewards, β·log(π/ρ)",
      badSign: "it grows while gold falls"),
    Entry(
      "dpo/gradient_norm", meaning: "Norm of the policy’s gradient before clipping",
      badSign: "it spikes or is not finite"),
    Entry(
      "objective/score",
      meaning: "The reward model’s normalized score of a response, mean over the iteration",
      badSign: "it rises alone"),
    Entry(
      "objective/gold", meaning: "The world’s true reward, which no model sees",
      badSign: "it falls while the score rises"),
    Entry(
      "objective/penalized_reward", meaning: "Score minus β·KL, what PPO maximizes",
      badSign: "it falls for many iterations"),
    Entry(
      "objective/kl",
      meaning: "Estimated KL of a response from the reference, Σ log π − log ρ, in nats",
      badSign: "it stays below 0, or races away"),
    Entry(
      "objective/kl_exact",
      meaning: "The same KL summed exactly over the vocabulary at each token, in nats",
      badSign: "above about 10"),
    Entry(
      "objective/entropy", meaning: "Entropy of the policy’s next token, in nats",
      badSign: "it collapses to 0"),
    Entry(
      "policy/approximate_kl",
      meaning: "KL between the policy before and after an update, per token",
      badSign: "above about 0.05"),
    Entry(
      "policy/advantage_deviation",
      meaning: "Deviation of the advantages over tokens before whitening",
      badSign: "0, where nothing is learned"),
    Entry(
      "policy/clip_fraction",
      meaning: "Fraction of tokens whose probability ratio left the clip range",
      badSign: "above 0.3, or always 0"),
    Entry(
      "policy/ratio_max", meaning: "The largest ratio of new to old token probability",
      badSign: "it jumps above 10"),
    Entry(
      "policy/loss", meaning: "PPO’s clipped surrogate loss, whose sign and trend mean little",
      badSign: "it is not finite, or far larger than in the other iterations"),
    Entry(
      "policy/gradient_norm", meaning: "Norm of the policy’s gradient before clipping",
      badSign: "it spikes or is not finite"),
    Entry(
      "policy/updates", meaning: "Gradient steps of the iteration",
      badSign: "it falls: updates were stopped early because the policy moved too far"),
    Entry(
      "policy/pretraining_loss", meaning: "Cross-entropy on the corpus beside PPO, in nats",
      badSign: "it rises: language is being lost"),
    Entry(
      "value/loss", meaning: "Half the clipped squared error of the value model",
      badSign: "it keeps rising"),
    Entry(
      "value/clip_fraction", meaning: "Fraction of value predictions held back by the value clip",
      badSign: "always near 1"),
    Entry(
      "value/explained_variance",
      meaning: "Share of the returns’ variance that the value model predicts",
      badSign: "below 0"),
    Entry(
      "value/gradient_norm", meaning: "Norm of the value model’s gradient before clipping",
      badSign: "it spikes or is not finite"),
    Entry(
      "kl/coefficient", meaning: "β, the price of a nat of KL in reward",
      badSign: "the controller drives it to 0 or far up"),
    Entry(
      "response/length", meaning: "Mean tokens in a response",
      badSign: "it runs to the limit or to nothing"),
    Entry(
      "response/eos_fraction", meaning: "Fraction of responses that ended by themselves",
      badSign: "it falls"),
    Entry(
      "time/rollout", meaning: "Seconds spent sampling responses in an iteration",
      badSign: "it grows from iteration to iteration while responses do not"),
    Entry(
      "time/score", meaning: "Seconds spent on reward, reference and value passes in an iteration",
      badSign: "it grows from iteration to iteration while responses do not"),
    Entry(
      "time/update", meaning: "Seconds spent on gradient steps in an iteration",
      badSign: "it grows from iteration to iteration while responses do not"),
    Entry(
      "memory/policy",
      meaning:
        "Bytes that the allocator gave to the policy’s parameters, but for those shared with "
        + "the reference",
      badSign: "it changes during a run"),
    Entry(
      "memory/reference", meaning: "Bytes that the allocator gave to the reference’s parameters",
      badSign: "it changes during a run, in which the reference is frozen"),
    Entry(
      "memory/reward", meaning: "Bytes that the allocator gave to the reward model’s parameters",
      badSign: "it changes during a run, in which the reward model is frozen"),
    Entry(
      "memory/value",
      meaning: "The same for a value model of its own; 0 for a head on the policy’s decoder",
      badSign: "it changes during a run"),
    Entry(
      "memory/optimizer", meaning: "Bytes that the allocator gave to the moments of the optimizers",
      badSign: "far from twice the parameters that learn, or growing"),
    Entry(
      "memory/activations", meaning: "Bytes that the allocator gave for the backward pass",
      badSign: "it grows from step to step"),
  ]
}
