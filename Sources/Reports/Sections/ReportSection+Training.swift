import RunRecords

extension ReportSection {
  /// The language model learns from examples.
  @Sendable static func supervisedTuning(_ records: ReportRecords) -> ReportSection? {
    guard let table = records.supervisedTuning else { return nil }
    let heldOut =
      table["eval/loss"] == nil ? "." : "; held-out loss that rises again is memorizing."
    let content = charts(
      LineChart(
        title: "Loss", unit: "nats per token",
        series: table.series(["sft/loss": "training", "eval/loss": "held out"]),
        note: "Cross-entropy of the next token. It should fall fast, then flatten"
          + heldOut + phases(records.information)))
    guard let content else { return nil }
    return ReportSection(id: "sft", title: "Supervised tuning") {
      ReportWarning.markup(["pretraining", "fine-tuning"], [], records)
      content
    }
  }

  /// Why there is a step in the curve.
  private static func phases(_ run: RunInformation) -> String {
    let stages = run.stageSeconds.map(\.stage)
    guard stages.contains("pretraining"), stages.contains("fine-tuning") else { return "" }
    return " The step in it is where pretraining ends and fine-tuning, on answers alone, begins."
  }

  /// The policy is tuned against the reward model.
  @Sendable static func policyOptimization(_ records: ReportRecords) -> ReportSection? {
    guard let table = records.policyOptimization else { return nil }
    let (coefficient, coefficientNote) = coefficientChart(table)
    let content = charts(
      LineChart(
        title: "Score and gold", unit: "reward per response",
        horizontalTitle: "iteration",
        series: table.series(
          ["objective/score": "score (reward model)", "objective/gold": "gold (never seen)"]),
        note: "The models see only the score. When it rises and gold does not, the policy has "
          + "found a weakness of the reward model."),
      LineChart(
        title: "KL from the reference", unit: "nats per response",
        horizontalTitle: "iteration",
        series: table.series(["objective/kl_exact": "exact", "objective/kl": "estimated"]),
        note: "The price paid for reward; an estimate may dip below 0. \(coefficientNote)"),
      coefficient,
      LineChart(
        title: "Entropy", unit: "nats per token", horizontalTitle: "iteration",
        series: table.series(["objective/entropy": "policy"]), includes: [0],
        note: "How undecided the policy is. A fall to 0 is collapse: one answer for every prompt."
      ),
      LineChart(
        title: "Clipping and step size", unit: "clipped fraction; nats per token",
        horizontalTitle: "iteration",
        series: table.series(
          [
            "policy/clip_fraction": "clip fraction",
            "policy/approximate_kl": "KL of the update",
          ]), includes: [0],
        note: "A clip fraction above 0.3, or an update KL above 0.05, says the steps are too long."
      ),
      LineChart(
        title: "Largest probability ratio", unit: "new / old", horizontalTitle: "iteration",
        series: table.series(["policy/ratio_max": "largest ratio"]), includes: [1],
        note: "Over all tokens of an iteration. Jumps to 10 and more are unstable updates."),
      LineChart(
        title: "Value loss", unit: "squared reward", horizontalTitle: "iteration",
        series: table.series(["value/loss": "value loss"]), includes: [0],
        note: "It may rise for a while as the policy moves."),
      LineChart(
        title: "Explained variance", unit: "of the returns", horizontalTitle: "iteration",
        series: table.series(["value/explained_variance": "explained variance"]),
        references: [.init(name: "perfect", value: 1)], includes: [0],
        note: "1 is a perfect critic, 0 one that knows only the mean; below 0 it misleads."),
      LineChart(
        title: "Response length", unit: "tokens", horizontalTitle: "iteration",
        series: table.series(["response/length": "mean length"]), includes: [0],
        note: "Reward models often like length for its own sake."),
      LineChart(
        title: "Responses that end", unit: "fraction with EOS", horizontalTitle: "iteration",
        series: table.series(["response/eos_fraction": "ended"]), includes: [0, 1],
        note: "Those that run into the length limit are penalized."))
    guard let content else { return nil }
    return ReportSection(id: "ppo", title: "Policy optimization") {
      ReportWarning.markup(["PPO"], ReportWarning.policyOptimization(table, records), records)
      content
    }
  }

  /// The policy is tuned on comparisons, without a reward model.
  @Sendable static func directPreference(_ records: ReportRecords) -> ReportSection? {
    guard let table = records.directPreference else { return nil }
    let content = charts(
      LineChart(
        title: "Loss", unit: "nats per pair", series: table.series(["dpo/loss": "training"]),
        references: [.init(name: "chance, ln 2", value: 0.6931)],
        note: "−log σ of the difference of implicit rewards, β·log(π/ρ)."),
      LineChart(
        title: "Accuracy", unit: "fraction of pairs",
        series: table.series(["dpo/accuracy": "training"]),
        references: [.init(name: "chance", value: 0.5)],
        note: "How often the chosen response has the larger implicit reward."),
      LineChart(
        title: "Margin", unit: "implicit reward", series: table.series(["dpo/margin": "training"]),
        includes: [0],
        note: "It may grow because the rejected response becomes unlikely, not the chosen likely."))
    guard let content else { return nil }
    return ReportSection(id: "dpo", title: "Direct preference optimization") {
      ReportWarning.markup(["DPO"], [], records)
      content
    }
  }

  /// β over the run as a chart when it moved, as a sentence when it did not.
  private static func coefficientChart(_ table: MetricsTable) -> (LineChart, note: String) {
    let chart = LineChart(
      title: "KL coefficient β", unit: "reward per nat", horizontalTitle: "iteration",
      series: table.series(["kl/coefficient": "β"]), includes: [0],
      note: "Raised when KL is above its target, lowered when below.")
    let values = chart.series.flatMap { $0.points.compactMap(\.y) }
    guard let first = values.first, values.allSatisfy({ $0 == first }) else { return (chart, "") }
    let empty = LineChart(title: "", unit: "", series: [])
    return (empty, "β was \(NumberText.short(first)) throughout.")
  }
}
