import RunRecords
import Statistics

extension ReportSection {
  /// The reward model learns what annotators prefer, and how well.
  @Sendable static func rewardModel(_ records: ReportRecords) -> ReportSection? {
    let evaluation = records.evaluation?.reward
    let judgement = evaluation.map(rewardJudgement) ?? []
    let ensemble = ensembleFigures(records)
    let training =
      records.rewardModel.map { rewardTraining($0, ceiling: evaluation?.ceiling) } ?? []
    let parts = [
      evaluation.flatMap(probeTable),
      judgement.isEmpty ? nil : element("div", ["class": "charts"]) { judgement },
      ensemble.isEmpty
        ? nil
        : element("div") {
          element("h3", ["class": "part"]) { "The ensemble, member by member" }
          element("div", ["class": "charts"]) { ensemble }
        },
      training.isEmpty
        ? nil
        : element("details") {
          element("summary") { "How it learned" }
          element("div", ["class": "charts"]) { training }
        },
      evaluation.flatMap(rewardFacts).map { facts in
        element("details") {
          element("summary") { "In numbers" }
          facts
        }
      },
    ].compactMap(\.self)
    guard !parts.isEmpty || evaluation?.alerts?.isEmpty == false else { return nil }
    return ReportSection(id: "reward", title: "The reward model, examined") {
      ReportWarning.markup(["reward model"], [], records)
      evaluation.map(alerts) ?? []
      parts
    }
  }

  /// What was found before anyone trusted it, what today's rules find besides, and what nobody can know.
  private static func alerts(_ reward: EvaluationSummary.RewardModel) -> [Markup] {
    let later = reward.laterAlerts
    let boxes = (reward.alerts ?? []).map { box($0) } + later.map { box($0, isLater: true) }
    var words = ""
    if reward.alerts == nil {
      words = "Nobody looked for alerts when this run was made. "
      if later.isEmpty { words += "Its figures give no reason for one. " }
    } else if boxes.isEmpty {
      words = "No figure that was examined crosses the bound of an alert. "
    }
    let unknown = reward.unexamined.map(\.rule.title).joined(separator: "; ").lowercased()
    if !unknown.isEmpty { words += "Not examined, because the figures are not there: \(unknown)." }
    guard !words.isEmpty else { return boxes }
    let isClear = boxes.isEmpty && reward.alerts != nil
    return boxes + [
      element("p", ["class": isClear ? "clear" : "note"]) {
        if isClear { element("b") { "No alert. " } }
        words
      }
    ]
  }

  private static func box(_ alert: RewardAlert, isLater: Bool = false) -> Markup {
    element("div", ["class": "alert", "role": "note"]) {
      element("h3") { alert.rule.title }
      element("p") {
        if isLater { "Not examined when this run was made; its figures show it now: " }
        ReportWarning.passages((isLater ? alert.text : alert.text.sentenceCased) + ". ")
        ReportWarning.passages(alert.rule.meaning.sentenceCased + ".")
      }
      element("p", ["class": "note"]) {
        element("b") { "What to try: " }
        ReportWarning.passages(alert.rule.advice + ".")
      }
    }
  }

  private static func rewardTraining(_ table: MetricsTable, ceiling: Double?) -> [Markup] {
    guard table[Metric.ensembleMember.name] == nil else { return [] }
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
      title: "Reliability", takeaway: reliability(bins), unit: "how often it came true",
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

  /// Whether its stated probabilities come true.
  private static func reliability(_ bins: [ReliabilityCurve.Bin]) -> String {
    let far = bins.map { abs($0.predicted - 0.5) * Double($0.observed.count) }.reduce(0, +)
    // How much farther from ½ it says than it sees, as a share of what it says.
    let excess = bins.map { bin in
      (bin.predicted - bin.observed.value) * (bin.predicted < 0.5 ? -1 : 1)
        * Double(bin.observed.count)
    }.reduce(0, +)
    let share = far > 0 ? excess / far : 0
    if abs(share) < 0.1 { return "It is right about as often as it says" }
    return share > 0
      ? "Overconfident: of what it says beyond a coin, \(NumberText.percent(1 - share)) comes true"
      : "Underconfident: it is right more often than it says"
  }

  /// The share of a histogram above 0.
  private static func right(_ histogram: Histogram) -> Double {
    let total = histogram.counts.reduce(0, +)
    let right = histogram.counts.indices.filter {
      histogram.lower + (Double($0) + 0.5) * histogram.width > 0
    }.reduce(0) { $0 + histogram.counts[$1] }
    return Double(right) / Double(max(1, total))
  }

  private static func marginChart(
    _ histogram: Histogram, mean: Double?
  ) -> HistogramChart {
    let mean = mean.map { " The mean is \(NumberText.fixed($0, 2))." }
    return HistogramChart(
      title: "Margins",
      takeaway: "\(NumberText.percent(right(histogram))) of held-out pairs are ranked as judged",
      unit: "held-out pairs",
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
      title: "Accuracy by difficulty", takeaway: difficulty(bins), unit: "fraction of pairs",
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

  private static func difficulty(_ bins: [DifficultyBin]) -> String {
    guard let hard = bins.first, let easy = bins.last, bins.count > 1 else { return "" }
    return "Right on \(NumberText.percent(hard.accuracy.value)) of the hardest pairs and on "
      + "\(NumberText.percent(easy.accuracy.value)) of the easiest"
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
      title: "Reward and length",
      takeaway: (length.excess > RewardAlert.Kind.length.rule.threshold
        ? "It takes length for quality: " : "Length raises no alert: ") + correlations(length),
      unit: "normalized reward", horizontalTitle: "tokens",
      series: [
        .init(
          name: "a held-out response",
          points: responses.map { .init(x: Double($0.tokens), y: $0.score) }, isScattered: true,
          isConnected: false),
        .init(name: "mean at that length", points: means),
      ],
      note: "An alert is raised where the correlation is more than "
        + "\(NumberText.short(RewardAlert.Kind.length.rule.threshold)) above 0 and above that of gold."
    )
  }

  /// `correlation of reward with length +0.86, that of gold +0.02`
  static func correlations(_ length: LengthEvaluation) -> String {
    "correlation of reward with length \(NumberText.signed(length.correlation, 2))"
      + (length.goldCorrelation.map { ", that of gold \(NumberText.signed($0, 2))" } ?? "")
  }

  private static func bounds(_ proportion: Proportion) -> String {
    "(\(NumberText.fixed(proportion.low * 100, 1))–\(NumberText.fixed(proportion.high * 100, 1)))"
  }

  /// What changes to a response do to its reward, beside what they do to gold.
  static func probeTable(_ reward: EvaluationSummary.RewardModel) -> Markup? {
    guard let probes = reward.probes, !probes.isEmpty else { return nil }
    let hasGold = probes.contains { $0.goldChange != nil }
    let changes = probes.flatMap { [$0.change.mean, $0.goldChange?.mean ?? 0] }.map(abs)
    let limit = max(1, changes.filter(\.isFinite).max() ?? 1)
    return element("div", ["class": "probes"]) {
      element("h3", ["class": "takeaway"]) { probeTakeaway(probes) }
      table(
        [.words("Change to a held-out response"), .plain("both, in sd"), .number("reward")]
          + (hasGold ? [.number("gold")] : []) + [.number("responses")],
        style: "samples"
      ) {
        for probe in probes {
          element("tr") {
            element("td", ["class": "words", "data-label": ""]) { meaning(of: probe.name) }
            element("td", ["class": "place", "data-label": ""]) {
              strip(score: probe.change.mean, gold: probe.goldChange?.mean, limit: limit)
            }
            number(text(probe.change), "reward")
            if hasGold { number(probe.goldChange.map(text) ?? "–", "gold") }
            number("\(probe.count)", "responses")
          }
        }
      }
      element("p", ["class": "note"]) {
        "Square: the reward; disc: gold; in brackets the 95 % interval. A reward that moves otherwise "
          + "than gold does is one that a policy can exploit."
      }
    }
  }

  private static func probeTakeaway(_ probes: [ProbeResult]) -> String {
    let gaps = probes.compactMap { probe in
      probe.goldChange.map { (probe, gap: probe.change.mean - $0.mean) }
    }
    guard let (worst, gap) = gaps.max(by: { $0.gap < $1.gap }) else {
      return "What a change to a response does to its reward"
    }
    guard gap > 0.2 else { return "Probes: the reward falls about as much as gold does" }
    return "Widest gap of the probes: \(finding(worst))"
  }

  /// `when common words are appended, the reward moves by +0.8 sd and gold by −1.9 sd`
  static func finding(_ probe: ProbeResult) -> String {
    func sd(_ value: MeanInterval) -> String { "\(NumberText.signed(value.mean, 1)) sd" }
    return "when \(meaning(of: probe.name).lowercased()), the reward moves by \(sd(probe.change))"
      + (probe.goldChange.map { " and gold by \(sd($0))" } ?? "")
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
