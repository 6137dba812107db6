import RunRecords
import Statistics

extension ReportSection {
  /// The reward model learns what annotators prefer, and how well.
  @Sendable static func rewardModel(_ records: ReportRecords) -> ReportSection? {
    let evaluation = records.evaluation?.reward
    let figures =
      (records.rewardModel.map { rewardTraining($0, ceiling: evaluation?.ceiling) } ?? [])
      + (evaluation.map(rewardJudgement) ?? [])
    let parts = [
      evaluation.flatMap(rewardFacts),
      figures.isEmpty ? nil : element("div", ["class": "charts"]) { figures },
      evaluation.flatMap(probeTable),
    ].compactMap(\.self)
    guard !parts.isEmpty else { return nil }
    return ReportSection(id: "reward", title: "The reward model") {
      ReportWarning.markup(
        ["reward model"], ReportWarning.rewardModel(records.rewardModel, evaluation), records)
      parts
    }
  }

  private static func rewardTraining(_ table: MetricsTable, ceiling: Double?) -> [Markup] {
    var lines = table.charts(of: Metric.rewardModel)
    lines.change(chartOf: .rewardAccuracy) { chart in
      if let ceiling { chart.references.append(.init(name: "Bayes ceiling", value: ceiling)) }
    }
    return lines.compactMap { $0.figure() }
  }

  /// The figures that have no chart.
  private static func rewardFacts(_ reward: EvaluationSummary.RewardModel) -> Markup? {
    var facts: [(name: String, value: String)] = []
    func add(_ name: String, _ proportion: Proportion?) {
      guard let proportion else { return }
      facts.append((name, "\(NumberText.percent(proportion.value)) \(bounds(proportion))"))
    }
    add("Held-out accuracy", reward.trainingAccuracy == nil ? nil : reward.accuracy)
    add("Training accuracy", reward.trainingAccuracy)
    if let gap = reward.trainingGap {
      facts.append(("Gap", "\(NumberText.signed(gap * 100, 1)) points"))
    }
    add("Agreement with gold", reward.goldAgreement)
    if let correlation = reward.goldRankCorrelation {
      facts.append(("Rank correlation with gold", NumberText.fixed(correlation, 2)))
    }
    if let length = reward.length {
      add("Accuracy on length-balanced pairs", length.balancedAccuracy)
      add("Judgements for the longer", length.longerChosen)
      add("Rewards for the longer", length.longerPreferred)
    }
    add("Accuracy on held-out labels", reward.labels?.accuracy)
    if let area = reward.labels?.areaUnderCurve {
      facts.append(("Area under the curve", NumberText.fixed(area, 3)))
    }
    add("First wrong step found", reward.steps?.firstErrors)
    add("None found where none is wrong", reward.steps?.withoutErrors)
    guard !facts.isEmpty else { return nil }
    return Reports.facts(facts)
  }

  private static func rewardJudgement(_ reward: EvaluationSummary.RewardModel) -> [Markup] {
    [
      reward.reliability.flatMap { reliabilityChart($0, error: reward.ece)?.figure() },
      reward.marginHistogram.flatMap { marginChart($0, mean: reward.marginMean).figure() },
      reward.difficulty.flatMap { difficultyChart($0).figure() },
      reward.length.flatMap { lengthChart($0).figure() }.map { chart in
        element("div", ["class": "sample"]) { chart }
      },
    ].compactMap(\.self)
  }

  private static func reliabilityChart(
    _ bins: [ReliabilityCurve.Bin], error: Double?
  ) -> LineChart? {
    guard !bins.isEmpty else { return nil }
    let error = error.map { " The mean gap, \(NumberText.fixed($0, 3)), is the calibration error." }
    return LineChart(
      title: "Reliability", unit: "how often it came true",
      horizontalTitle: "stated probability that one response is preferred",
      isHorizontalWhole: false, horizontalIncludes: [0, 1],
      series: [
        .init(
          name: "reward model", points: bins.map { .init(x: $0.predicted, y: $0.observed.value) },
          isScattered: true),
        .init(name: "perfect", points: [.init(x: 0, y: 0), .init(x: 1, y: 1)]),
      ],
      bands: [
        .init(
          series: 0,
          points: bins.map { ($0.predicted, low: $0.observed.low, high: $0.observed.high) })
      ],
      includes: [0, 1],
      note: "Flatter than the diagonal is overconfident. The band is the 95 % interval."
        + (error ?? ""))
  }

  private static func marginChart(
    _ histogram: Histogram, mean: Double?
  ) -> HistogramChart {
    let mean = mean.map { " The mean is \(NumberText.fixed($0, 2))." }
    return HistogramChart(
      title: "Margins", unit: "held-out pairs",
      horizontalTitle: "reward of the chosen minus reward of the other",
      lower: histogram.lower, width: histogram.width, counts: histogram.counts,
      sides: ("ranked against the judgement", "as judged"),
      note: "σ of a margin is the stated probability. Noise in the judgements fills the left side "
        + "even for a perfect model.\(mean ?? "")")
  }

  private static func difficultyChart(
    _ bins: [DifficultyBin]
  ) -> LineChart {
    let ceilings = bins.compactMap { bin in
      bin.ceiling.map { LineChart.Point(x: bin.mean, y: $0) }
    }
    return LineChart(
      title: "Accuracy by difficulty", unit: "fraction of pairs",
      horizontalTitle: bins.first?.measure == .certainty
        ? "certainty of an ideal predictor (left: hard)" : "difference of gold (left: hard)",
      isHorizontalWhole: false,
      series: [
        .init(
          name: "reward model", points: bins.map { .init(x: $0.mean, y: $0.accuracy.value) },
          isScattered: true)
      ] + (ceilings.isEmpty ? [] : [.init(name: "Bayes ceiling", points: ceilings)]),
      references: [.init(name: "chance", value: 0.5)],
      bands: [
        .init(
          series: 0,
          points: bins.map { ($0.mean, low: $0.accuracy.low, high: $0.accuracy.high) })
      ],
      note: "Pairs that are nearly as good as each other cannot be told apart by anyone; what "
        + "the model lacks shows where the ceiling is high. The band is the 95 % interval.")
  }

  private static func lengthChart(_ length: LengthEvaluation) -> LineChart {
    let responses = zip(length.sampleLengths, length.sampleScores).map { (tokens: $0, score: $1) }
    let lengths = Set(length.sampleLengths).sorted()
    let means = lengths.map { tokens in
      let scores = responses.filter { $0.tokens == tokens }.map(\.score)
      return LineChart.Point(
        x: Double(tokens), y: scores.reduce(0, +) / Double(max(1, scores.count)))
    }
    return LineChart(
      title: "Reward and length", unit: "normalized reward", horizontalTitle: "tokens",
      series: [
        .init(
          name: "a held-out response",
          points: responses.map { .init(x: Double($0.tokens), y: $0.score) }, isScattered: true,
          isConnected: false),
        .init(name: "mean at that length", points: means),
      ],
      note: "Correlation \(NumberText.fixed(length.correlation, 2)) over all held-out responses. "
        + "A trend that gold does not have is a length bias.")
  }

  private static func bounds(_ proportion: Proportion) -> String {
    "(\(NumberText.fixed(proportion.low * 100, 1))–\(NumberText.fixed(proportion.high * 100, 1)))"
  }

  /// What changes to a response do to its reward, beside what they do to gold.
  static func probeTable(_ reward: EvaluationSummary.RewardModel) -> Markup? {
    guard let probes = reward.probes, !probes.isEmpty else { return nil }
    let hasGold = probes.contains { $0.goldChange != nil }
    return element("div", ["class": "probes"]) {
      element("h3") { "Probes: what a change to a held-out response does to its reward" }
      table(
        [.words("Change"), .number("reward (95 % interval)")]
          + (hasGold ? [.number("gold (95 % interval)")] : []) + [.number("responses")],
        style: "samples"
      ) {
        for probe in probes {
          element("tr") {
            element("td", ["class": "words", "data-label": ""]) { meaning(of: probe.name) }
            number(text(probe.change), "reward")
            if hasGold { number(probe.goldChange.map(text) ?? "–", "gold") }
            number("\(probe.count)", "responses")
          }
        }
      }
      element("p", ["class": "note"]) {
        "In standard deviations. A reward that moves otherwise than gold does is one that a policy "
          + "can exploit."
      }
    }
  }

  private static func meaning(of probe: String) -> String {
    switch probe {
    case "filler": "Common words are appended"
    case "repetition": "Its last words are said again"
    case "truncation": "Only its first half is left"
    case "swapped_prompt": "It follows another prompt"
    default: probe
    }
  }

  private static func text(_ change: MeanInterval) -> String {
    "\(NumberText.signed(change.mean, 2)) (\(NumberText.signed(change.low, 2)) to "
      + "\(NumberText.signed(change.high, 2)))"
  }
}
