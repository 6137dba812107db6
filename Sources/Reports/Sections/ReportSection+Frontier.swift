import RunRecords
import Statistics

extension ReportSection {
  /// Reward bought against distance travelled.
  @Sendable static func frontier(_ records: ReportRecords) -> ReportSection? {
    guard
      let frontier = FrontierChart(records.policyOptimization, evaluation: records.evaluation),
      let figure = frontier.chart.figure()
    else { return nil }
    return ReportSection(id: "frontier", title: "The frontier") {
      element("p") {
        """
        How much reward did each step away from the reference buy, by the score of the reward \
        model, and by gold? Where the two part, the policy is optimizing the model’s mistakes.
        """
      }
      element("div", ["class": "wide"]) { figure }
      if !frontier.bestOfN.isEmpty { bestOfNTable(frontier.bestOfN) }
    }
  }

  private static func bestOfNTable(_ rows: [EvaluationSummary.BestOfN]) -> Markup {
    element("details") {
      element("summary") { "Best of n in numbers" }
      scrolled(
        table(["n", "KL, nats", "score", "gold"].map(Column.number)) {
          for row in rows.sorted(by: { $0.n < $1.n }) {
            element("tr") {
              number("\(row.n)")
              for value in [row.kl, row.score.mean, row.gold?.mean] { number(value) }
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

  /// - Parameters:
  ///   - table: the metrics of an optimization; `nil` where they have no KL, as those of DPO.
  ///   - evaluation: the final figures, which stand for the policy where there are no iterations.
  /// - Returns: `nil` when there is nothing at any distance from the reference.
  init?(_ table: MetricsTable?, evaluation: EvaluationSummary?) {
    bestOfN = evaluation?.bestOfN ?? []
    let exact = table?[Metric.exactKL.name]
    if let table, let divergences = exact ?? table[Metric.kl.name] {
      let scores = table[Metric.score.name]
      let golds = table[Metric.gold.name]
      iterations = divergences.enumerated().compactMap { index, divergence in
        guard let divergence, divergence.isFinite else { return nil }
        return Iteration(kl: divergence, score: scores?[index], gold: golds?[index])
      }
      isExact = exact != nil
    } else {
      isExact = true
      iterations = [evaluation?.ppo].compactMap { policy in
        policy?.klExact.map { kl in
          Iteration(kl: kl.mean, score: policy?.score?.mean, gold: policy?.gold?.mean)
        }
      }
    }
    if iterations.isEmpty, bestOfN.isEmpty { return nil }
  }

  var chart: LineChart {
    func policy(_ name: String, _ value: (Iteration) -> Double?) -> LineChart.Series {
      .init(
        name: name, points: iterations.map { .init(x: Self.root($0.kl), y: value($0)) },
        isScattered: true)
    }
    func best(_ name: String, _ value: (EvaluationSummary.BestOfN) -> Double?) -> LineChart.Series {
      .init(
        name: name,
        points: bestOfN.sorted { $0.kl < $1.kl }.map { .init(x: Self.root($0.kl), y: value($0)) },
        isScattered: true)
    }
    let series = [
      policy("policy: score", \.score), policy("policy: gold", \.gold),
      best("best of n: score", \.score.mean), best("best of n: gold", \.gold?.mean),
    ].filter { series in series.points.contains { $0.y != nil } }
    return LineChart(
      title: "Reward against √KL", unit: "reward per response",
      horizontalTitle: isExact ? "√(exact KL), √nats" : "√(estimated KL), √nats",
      isHorizontalWhole: false, horizontalIncludes: [0], series: series,
      note:
        policyNote + "Early on both rewards rise about linearly in √KL; "
        + "past the reward model’s knowledge the score can go on rising while gold peaks and falls."
        + (bestOfN.isEmpty
          ? ""
          : " Best of n trains nothing: of n responses of the reference it takes the one with the "
            + "best score, at a KL of log n − (n − 1)/n; it is what a policy has to beat."))
  }

  private var policyNote: String {
    switch iterations.count {
    case 0: ""
    case 1: "The mark of the policy is where it ended. "
    default: "Each mark of the policy is one iteration. "
    }
  }

  /// An estimate may dip below zero, which no divergence can.
  static func root(_ divergence: Double) -> Double { max(divergence, 0).squareRoot() }
}
