extension Metric {
  /// Of `metrics/sft.jsonl`: pretraining and fine-tuning, whose steps are counted on.
  package static let supervisedTuning = [tuningLoss, tuningGradientNorm, learningRate]

  package static let tuningLoss = Metric(
    "sft/loss", "loss", unit: "nats per token",
    "Cross-entropy of the next token on the corpus; in fine-tuning over responses only",
    badSign: "it stops falling early; it cannot fall below the entropy of the grammar",
    chart: Chart(
      "Loss", "Cross-entropy of the next token. It should fall fast, then flatten."),
    isWatched: true)
  package static let tuningGradientNorm = Metric(
    "sft/gradient_norm", "gradient norm", unit: "norm",
    "Norm of the gradient over all parameters, before clipping",
    badSign: "it spikes or is not finite")
  package static let learningRate = Metric(
    "sft/learning_rate", "learning rate", unit: "step size",
    "Learning rate of the step: up during warmup, then constant or down to 0 by its schedule",
    badSign: "the loss jumps where it is highest")

  /// Of `metrics/reward.jsonl`; those under `eval` only at evaluations, over all held-out pairs.
  package static let rewardModel = [
    rewardLoss, heldOutLoss, rewardAccuracy, heldOutAccuracy, calibrationError, heldOutMargin,
    lengthCorrelation, labelLoss, labelAccuracy, areaUnderCurve, stepF1, bestLoss, bestStep,
    rewardGradientNorm, ensembleMember,
  ]

  package static let rewardLoss = Metric(
    "reward/loss", "loss", unit: "nats per pair",
    "Mean loss of the batch before the step, with centering; of pairs −log σ(r_chosen − "
      + "r_rejected)",
    badSign: "it stays at ln 2 ≈ 0.693: nothing is learned", chart: rewardLossChart,
    isWatched: true)
  package static let rewardAccuracy = Metric(
    "reward/accuracy", "accuracy", unit: "fraction of pairs",
    "Pairs of the batch that are ranked as the annotators did; with `binary`, labels whose reward is on "
      + "their side of 0; absent where there are neither",
    badSign: "far above held-out accuracy: noise is memorized", chart: rewardAccuracyChart,
    isWatched: true)
  package static let heldOutLoss = Metric(
    "eval/loss", "held-out loss", unit: "nats per pair",
    "Mean −log P(chosen is preferred) on held-out pairs, without centering or margins",
    badSign: "it rises while the training loss falls", chart: rewardLossChart, isWatched: true)
  package static let heldOutAccuracy = Metric(
    "eval/accuracy", "held-out accuracy", unit: "fraction of pairs",
    "Held-out pairs that are ranked as the annotators did, ties half",
    badSign: "near 0.5 nothing is learned; above the ceiling it is suspect",
    chart: rewardAccuracyChart, isWatched: true)
  package static let calibrationError = Metric(
    "eval/ece", "calibration error", unit: "probability",
    "Expected calibration error: mean distance between predicted and observed preference over ten "
      + "bins, weighted by their size; small bins alone make about 0.02 of 2 000 pairs",
    badSign: "predicted preferences are over- or underconfident", bound: .above(0.05, .atEnd),
    chart: Chart(
      "Calibration error", includes: [0],
      "How far predicted preference probabilities are from observed frequencies; 0 is perfect."))
  package static let heldOutMargin = Metric(
    "eval/margin_mean", "held-out margin", unit: "reward",
    "Mean of r_chosen − r_rejected on held-out pairs",
    badSign: "it grows while accuracy does not: overconfidence")
  package static let lengthCorrelation = Metric(
    "eval/length_correlation", "length correlation", unit: "correlation",
    "Pearson’s correlation of reward and tokens over all held-out responses",
    badSign: "far from that of the gold reward: the model rewards length")
  package static let labelLoss = Metric(
    "eval/label_loss", "held-out loss of labels", unit: "nats per label",
    "Mean −log P(±r) on held-out labels, of responses or of steps; with `binary` only. Where no row has "
      + "a label, the chosen responses of pairs count as desirable",
    badSign: "it rises while the training loss falls")
  package static let labelAccuracy = Metric(
    "eval/label_accuracy", "held-out accuracy of labels", unit: "fraction of labels",
    "Held-out labels whose reward is on their side of 0; with `binary` only",
    badSign: "no higher than the share of the more frequent label", chart: rewardAccuracyChart)
  package static let areaUnderCurve = Metric(
    "eval/auc", "area under the curve", unit: "probability",
    "How often a response, or step, labelled true has a higher reward than one labelled false; with "
      + "`binary` only",
    badSign: "near 0.5 nothing is learned", chart: rewardAccuracyChart)
  package static let stepF1 = Metric(
    "eval/step_f1", "F1 of first wrong steps", unit: "fraction",
    "Harmonic mean of how often the first wrong step is found, and how often none is where none is "
      + "wrong; where steps are read",
    badSign: "near 0: all steps, or none, are called wrong", chart: rewardAccuracyChart)
  package static let bestLoss = Metric(
    "eval/best_loss", "lowest held-out loss", unit: "nats per pair",
    "Lowest held-out loss so far, whose model is saved; only with early stopping",
    badSign: "it no longer falls while training goes on")
  package static let bestStep = Metric(
    "eval/best_step", "step of the lowest loss", unit: "step",
    "Step of the lowest held-out loss; only with early stopping",
    badSign: "long before the end: too many epochs")
  package static let rewardGradientNorm = Metric(
    "reward/gradient_norm", "gradient norm", unit: "norm",
    "Norm of the reward model’s gradient before clipping", badSign: "it spikes or is not finite")
  package static let ensembleMember = Metric(
    "reward/member", "member", unit: "index from 0",
    "Model of the ensemble that the step trained; absent without an ensemble",
    badSign: "one has far fewer steps than the others: it stopped early")

  private static let rewardLossChart = Chart(
    "Loss", levels: [("chance, ln 2", 0.6931)],
    "−log σ(r_chosen − r_rejected). Above ln 2 the model is worse than chance.")
  private static let rewardAccuracyChart = Chart(
    "Accuracy", levels: [("chance", 0.5)],
    "Annotators err, so no model can be right more often than the ceiling; training accuracy "
      + "above it is memorized noise.")

  /// Of `metrics/dpo.jsonl`, all before the step, on the pairs that it learns from.
  package static let directPreference = [
    directLoss, directAccuracy, directMargin, directKL, directGradientNorm,
  ]

  package static let directLoss = Metric(
    "dpo/loss", "loss", unit: "per pair",
    "Mean loss by `dpo.loss`; `sigmoid`, in nats: −log σ of the difference of implicit rewards",
    badSign: "it stays where it began, with `sigmoid` at ln 2 ≈ 0.693: nothing is learned",
    chart: Chart(
      "Loss", levels: [("ln 2, chance with sigmoid", 0.6931)],
      "Of the difference of implicit rewards, β·log(π/π_ref); with sigmoid its −log σ."),
    isWatched: true)
  package static let directAccuracy = Metric(
    "dpo/accuracy", "accuracy", unit: "fraction of pairs",
    "Pairs whose chosen response has the larger implicit reward; with `kto`, responses on their side "
      + "of β z",
    badSign: "near 0.5",
    chart: Chart(
      "Accuracy", levels: [("chance", 0.5)],
      "How often the chosen response has the larger implicit reward."), isWatched: true)
  package static let directMargin = Metric(
    "dpo/margin", "margin", unit: "implicit reward",
    "Mean difference of implicit rewards, β·log(π/π_ref), of the chosen and the rejected response",
    badSign: "it grows while the gold reward falls: overconfidence on too few pairs",
    chart: Chart(
      "Margin", includes: [0],
      "It may grow because the rejected response becomes unlikely, not the chosen likely."))
  package static let directKL = Metric(
    "dpo/kl", "KL from the reference", unit: "nats",
    "z of `kto`: mean log(π/π_ref) of responses to other prompts of the batch, at least 0; absent with "
      + "other losses",
    badSign: "it stays at 0 while the margin grows: what is learned is of the prompt alone, or all "
      + "responses become unlikely")
  package static let directGradientNorm = Metric(
    "dpo/gradient_norm", "gradient norm", unit: "norm",
    "Norm of the policy’s gradient before clipping", badSign: "it spikes or is not finite")
}
