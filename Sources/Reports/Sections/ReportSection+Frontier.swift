import RunRecords
import Statistics

extension ReportSection {
  /// Reward bought against distance travelled.
  @Sendable static func frontier(_ records: ReportRecords) -> ReportSection? {
    guard
      let frontier = FrontierChart(records),
      let figure = charts([frontier.chart(judge: records.judge)])
    else { return nil }
    return ReportSection(id: "frontier", title: "The frontier") {
      element("p") {
        """
        How much did each step away from the SFT policy buy, by the score and by gold? Where the two \
        part, the policy is optimizing the mistakes of its judge.
        """
      }
      figure
      if !frontier.bestOfN.isEmpty { bestOfNTable(frontier.bestOfN, records.units) }
    }
  }

  private static func bestOfNTable(
    _ rows: [EvaluationSummary.BestOfN], _ units: StandardUnits
  ) -> Markup {
    element("details") {
      element("summary") { "Best of n in numbers" }
      scrolled(
        table(["n", "KL, nats", "score", "gold"].map(Column.number)) {
          for row in rows.sorted(by: { $0.n < $1.n }) {
            element("tr") {
              number("\(row.n)")
              number(row.kl)
              reward(.score, row.score.mean, units)
              reward(.gold, row.gold?.mean, units)
            }
          }
        })
    }
  }
}

/// Reward against √KL: what each step away from the reference bought, in the reward model's eyes and
/// by gold, by optimization and by taking the best of n samples.
///
/// √KL because reward grows about linearly in it at first (Gao, Schulman and Hilton, 2022).
struct FrontierChart {
  /// One iteration; a value is `nil` where it was not recorded.
  struct Iteration {
    var kl: Double
    var score: Double?
    var gold: Double?
  }

  var iterations: [Iteration]
  /// Whether the iterations' KL is summed over the vocabulary or estimated from samples.
  var isExact: Bool
  var bestOfN: [EvaluationSummary.BestOfN]
  /// The unit of score and gold in the chart.
  let units: StandardUnits
  /// By the final evaluation, which counts more responses than an iteration.
  let end: Iteration?

  init?(_ records: ReportRecords) {
    self.init(
      records.policyOptimization, evaluation: records.evaluation,
      isScored: records.rewardWithoutJudge == nil)
  }

  /// - Parameters:
  ///   - table: the metrics of an optimization; `nil` where they have no KL, as those of DPO.
  ///   - evaluation: the final figures, which stand for the policy where there are no iterations.
  ///   - isScored: whether the score of the iterations is that of the evaluation.
  /// - Returns: `nil` when there is nothing at any distance from the reference.
  init?(_ table: MetricsTable?, evaluation: EvaluationSummary?, isScored: Bool = true) {
    bestOfN = evaluation?.bestOfN ?? []
    units = StandardUnits(evaluation)
    end = evaluation?.ppo.flatMap { policy in
      policy.klExact.map { kl in
        Iteration(
          kl: kl.mean, score: isScored ? policy.score?.mean : nil, gold: policy.gold?.mean)
      }
    }
    let exact = table?[Metric.exactKL.name]
    if let table, let divergences = exact ?? table[Metric.kl.name] {
      let scores = isScored ? table[Metric.score.name] : nil
      let golds = table[Metric.gold.name]
      iterations = divergences.enumerated().compactMap { index, divergence in
        guard let divergence, divergence.isFinite else { return nil }
        return Iteration(kl: divergence, score: scores?[index], gold: golds?[index])
      }
      isExact = exact != nil
    } else {
      isExact = true
      iterations = [end].compactMap(\.self)
    }
    if iterations.isEmpty, bestOfN.isEmpty { return nil }
  }

  /// The iterations, and where the evaluation found the policy after the last of them.
  var marks: [Iteration] {
    iterations.count > 1 ? iterations + [end].compactMap(\.self) : iterations
  }

  func chart(judge: String = "score") -> LineChart {
    func policy(
      _ role: LineChart.Series.Role, _ name: String, _ value: (Iteration) -> Double?
    ) -> LineChart.Series {
      .reward(
        role, named: "policy: \(name)",
        marks.map { .init(x: Self.root($0.kl), y: value($0)) }, in: units, isScattered: true)
    }
    func best(
      _ role: LineChart.Series.Role, _ name: String,
      _ value: (EvaluationSummary.BestOfN) -> Double?
    ) -> LineChart.Series {
      .reward(
        role, named: "best of n: \(name)",
        bestOfN.sorted { $0.kl < $1.kl }.map { .init(x: Self.root($0.kl), y: value($0)) },
        in: units, isScattered: true, isOpen: true)
    }
    let series = [
      policy(.score, judge, \.score), policy(.gold, "gold", \.gold),
      best(.score, judge, \.score.mean), best(.gold, "gold", \.gold?.mean),
    ].filter(\.isDrawn)
    return LineChart(
      title: "Reward against √KL", takeaway: takeaway, unit: units.unit,
      horizontalTitle: isExact ? "√(exact KL), √nats" : "√(estimated KL), √nats",
      isHorizontalWhole: false, horizontalIncludes: [0], series: series,
      note:
        policyNote + "Early on both rewards rise about linearly in √KL; "
        + "past the reward model’s knowledge the score can go on rising while gold peaks and falls."
        + (bestOfN.isEmpty
          ? ""
          : " Best of n (hollow) trains nothing: of n responses of the reference it takes the one "
            + "with the best score, at a KL of log n − (n − 1)/n; it is what a policy has to beat.")
    )
  }

  /// How far gold went, and at which distance it was best.
  private var takeaway: String {
    func mark(_ iteration: Iteration) -> (d: Double, gold: Double)? {
      units.gold(iteration.gold).map { (Self.root(iteration.kl), $0) }
    }
    let golds = iterations.compactMap(mark)
    guard golds.count > 1, let best = golds.max(by: { $0.gold < $1.gold }),
      let last = end.flatMap(mark) ?? golds.last
    else { return "" }
    func text(_ value: Double) -> String { NumberText.signed(value, 1) + " sd" }
    return best.gold - last.gold > Verdict.leastChange
      ? "Gold is best at √KL \(NumberText.fixed(best.d, 1)) (\(text(best.gold))) and ends at "
        + "\(text(last.gold)), √KL \(NumberText.fixed(last.d, 1))"
      : "Gold ends near its best: \(text(last.gold)) at √KL \(NumberText.fixed(last.d, 1))"
  }

  private var policyNote: String {
    switch iterations.count {
    case 0: ""
    case 1: "The mark of the policy is where it ended. "
    default:
      "Each mark of the policy is one iteration"
        + (end == nil ? ". " : ", the last one the final evaluation. ")
    }
  }

  /// An estimate may dip below zero, which no divergence can.
  static func root(_ divergence: Double) -> Double { max(divergence, 0).squareRoot() }
}
