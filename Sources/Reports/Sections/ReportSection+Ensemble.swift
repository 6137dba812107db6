import RunRecords
import Statistics

extension ReportSection {
  /// An ensemble member by member while it learned, and how its disagreement grew in PPO: over the
  /// distance from the reference, and over the gap between score and gold.
  static func ensembleFigures(_ records: ReportRecords) -> [Markup] {
    let learning = records.rewardModel.map { table in
      [Metric.heldOutAccuracy, .heldOutLoss].compactMap { memberChart($0, in: table) }
    }
    return ((learning ?? []) + disagreement(records)).compactMap { $0.figure() }
  }

  /// A faint line a member, their mean, and a band from the lowest to the highest.
  static func memberChart(_ metric: Metric, in table: MetricsTable) -> LineChart? {
    guard let members = table[Metric.ensembleMember.name], let values = table[metric.name] else {
      return nil
    }
    var lines: [[LineChart.Point]] = []
    var (begun, member) = (0, -1.0)
    for (row, step) in table.steps.enumerated() {
      guard let current = members[row] else { continue }
      if current != member {
        (begun, member) = (step - 1, current)
        lines.append([])
      }
      if let value = values[row] {
        lines[lines.count - 1].append(.init(x: Double(step - begun), y: value))
      }
    }
    lines.removeAll(where: \.isEmpty)
    let shared = lines.map(\.count).min() ?? 0
    guard lines.count > 1, shared > 0 else { return nil }
    var mean: [LineChart.Point] = []
    var band = LineChart.Band(series: 0, points: [])
    for index in 0..<shared {
      let (x, all) = (lines[0][index].x, lines.compactMap { $0[index].y })
      mean.append(.init(x: x, y: Summary(all).mean))
      band.points.append((x, all.min() ?? 0, all.max() ?? 0))
    }
    let ends = lines.compactMap { $0.last?.y }
    return LineChart(
      title: metric.title.sentenceCased,
      takeaway: "The \(lines.count) members end between \(NumberText.short(ends.min() ?? 0)) and "
        + NumberText.short(ends.max() ?? 0),
      unit: metric.unit,
      series: [.init(name: "mean", points: mean)]
        + lines.enumerated().map {
          .init(name: "member \($0 + 1)", points: $1, isScattered: true)
        },
      bands: [band], note: "The band is their spread.")
  }

  private static func disagreement(_ records: ReportRecords) -> [LineChart] {
    guard let table = records.policyOptimization, let spread = table[Metric.disagreement.name]
    else {
      return []
    }
    let frames = OutcomeFrames(records)
    func chart(
      _ axis: String, _ title: String, note: String = "", _ x: (Int) -> Double?
    ) -> LineChart? {
      var points: [(x: Double, y: Double)] = []
      for (row, value) in spread.enumerated() {
        if let value, let x = x(row) { points.append((x, value)) }
      }
      guard points.count > 2 else { return nil }
      let correlation = correlation(points.map(\.x), points.map(\.y))
      return LineChart(
        title: "Disagreement of the ensemble",
        takeaway: correlation > 0.3
          ? "The members disagree more \(title): correlation \(NumberText.fixed(correlation, 2))"
          : "Disagreement says little \(title): correlation \(NumberText.fixed(correlation, 2))",
        unit: "sd of the SFT policy", horizontalTitle: axis, isHorizontalWhole: false,
        horizontalIncludes: [0],
        series: [
          .init(
            name: "iteration", points: points.map { .init(x: $0.x, y: $0.y) }, isScattered: true)
        ], includes: [0], note: "Each mark is one iteration.\(note)")
    }
    let kl = table[Metric.exactKL.name]
    return [
      chart(
        "√(exact KL), √nats", "farther from the SFT policy", note: preferences(records) ?? ""
      ) { row in
        kl.flatMap { $0[row] }.map(FrontierChart.root)
      },
      chart("score − gold, sd of the SFT policy", "where the score overstates gold") { row in
        frames.score[row].flatMap { score in frames.gold[row].map { score - $0 } }
      },
    ].compactMap(\.self)
  }

  /// How often members prefer the same, before and after, for the end of a note.
  private static func preferences(_ records: ReportRecords) -> String? {
    guard let before = records.evaluation?.sft?.memberAgreement,
      let after = records.evaluation?.ppo?.memberAgreement
    else { return nil }
    return " Of two responses to a prompt, two members prefer the same in "
      + "\(NumberText.percent(before)) of cases if both are the SFT policy’s, and in "
      + "\(NumberText.percent(after)) if both are the optimized policy’s."
  }
}
