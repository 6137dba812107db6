/// What every metric of a run means, and what is a bad sign, in one sentence each.
enum MetricGlossary {
  static let entries: [(name: String, meaning: String)] = [
    (
      "sft/loss",
      "Cross-entropy of the next token on the corpus, in nats; bad when it stops falling early."
    ),
    (
      "sft/gradient_norm",
      "Norm of the gradient before clipping; bad when it spikes or is not finite."
    ),
    ("sft/learning_rate", "How far one step of the optimizer goes; it rises, then falls to 0."),
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
    ("eval/best_loss", "The lowest held-out loss so far; the model of that step is the one kept."),
    ("eval/best_step", "The step of the lowest held-out loss; bad when long before the end."),
    (
      "reward/gradient_norm",
      "Norm of the reward model’s gradient before clipping; bad when it spikes or is not finite."
    ),
    ("reward/member", "Which model of the ensemble the step trained, from 0."),
    (
      "dpo/loss",
      "−log σ of the difference of implicit rewards, in nats; bad when it stays at ln 2 ≈ 0.693."
    ),
    (
      "dpo/accuracy",
      "Fraction of pairs whose chosen response has the larger implicit reward; bad near 0.5."
    ),
    (
      "dpo/margin",
      "Mean difference of implicit rewards, β·log(π/ρ); bad when it grows while gold falls."
    ),
    (
      "dpo/gradient_norm",
      "Norm of the policy’s gradient before clipping; bad when it spikes or is not finite."
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
    ("policy/updates", "Gradient steps of the iteration; fewer when an update was stopped early."),
    (
      "policy/pretraining_loss",
      "Cross-entropy on the corpus beside PPO, in nats; bad when it rises: language is being lost."
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
    (
      "memory/policy",
      "Bytes that the allocator gave to the policy’s parameters, but for those shared with the "
        + "reference."
    ),
    ("memory/reference", "Bytes that the allocator gave to the reference’s parameters."),
    ("memory/reward", "Bytes that the allocator gave to the reward model’s parameters."),
    (
      "memory/value", "The same for a value model of its own; 0 for a head on the policy’s decoder."
    ),
    ("memory/optimizer", "Bytes that the allocator gave to the moments of the optimizers."),
    (
      "memory/activations",
      "Bytes that the allocator gave for the backward pass; bad when it grows from step to step."
    ),
  ]

  /// What stands in the cards, tables and charts of the end.
  static let figures: [(name: String, meaning: String)] = [
    (
      "gold reward",
      "The world’s true reward of a response, the sum of its features; bad when lower after tuning."
    ),
    (
      "score",
      "The reward model’s opinion, in standard deviations of the SFT policy’s; bad when it rises and gold does not."
    ),
    (
      "±",
      "One standard deviation over responses unless it says interval: the spread, not the error."
    ),
    (
      "95 % interval",
      "Where the true value lies in 95 of 100 such runs of the evaluation; bad when it holds the value of no effect."
    ),
    (
      "win rate",
      "How often gold prefers the answer after tuning, ties half; bad when its interval holds 50 %."
    ),
    (
      "KL",
      "Kullback–Leibler divergence, Σ π log(π/ρ), in nats: how unlike the reference the policy writes; bad above about 10."
    ),
    ("√KL", "Its root, in which reward rises about linearly at first."),
    (
      "best of n",
      "Of n answers of the reference the one with the best score; a policy below its curve paid too much KL."
    ),
    (
      "accuracy",
      "Held-out pairs that the reward model ranks as the annotator did; bad near 50 %, suspect above the ceiling."
    ),
    (
      "ceiling",
      "Accuracy of someone who knows gold and the annotators’ habits: noise allows no more."
    ),
    ("calibration error", "Mean gap between stated and observed preference; bad above 0.05."),
    (
      "margin",
      "Reward of the chosen minus reward of the other response; σ of it is the stated probability; bad when mostly near 0."
    ),
    (
      "expected",
      "The probability with which the judgement was to be expected; far below 50 % it was a slip or a whim."
    ),
    (
      "gap",
      "Training accuracy minus held-out accuracy; bad above 10 points: noise learned by heart."
    ),
    (
      "rank correlation with gold",
      "Spearman’s: 1 when the reward model orders responses as gold does; bad below about 0.5."
    ),
    ("grammatical", "Responses that the world’s grammar allows; bad when it falls after tuning."),
  ]

  /// What each number of a token means; see `TokenTint`.
  static let tokens: [(name: String, meaning: String)] = [
    ("log π", "Log-probability of the token under the policy that drew it, in nats."),
    ("log ρ", "The same under the reference; far below log π where the policy went its own way."),
    ("log-ratio", "log π − log ρ; its sum over a response estimates the KL."),
    (
      "reward",
      "−β times the KL charged, and the score at the last token; bad when the charge outweighs the score."
    ),
    ("value", "The reward still to come, as the value model expects it before the token."),
    (
      "advantage",
      "How much better than expected it went, whitened; PPO makes the token likelier above 0."
    ),
    ("return", "Advantage before whitening plus value: what the value model learns."),
    (
      "new/old",
      "The token’s probability after the update over that before; clipped ones push no further."
    ),
  ]
}
