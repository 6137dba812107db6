import RunRecords

/// Reward against √KL: what each step away from the reference bought, in the reward model's eyes and
/// in truth, by optimization and by taking the best of n samples.
///
/// √KL because reward grows about linearly in it at first (Gao, Schulman and Hilton, 2022).
struct FrontierChart {
  /// The best, by score, of n samples of the reference.
  struct BestOfN: Equatable {
    var n: Int
    /// log n − (n − 1)/n in nats, the most that the choice moves from the reference.
    var kl: Double
    var score: Double
    /// The true reward of what was chosen; absent where there is no world.
    var gold: Double?
  }

  /// One iteration; a value is `nil` where it was not recorded.
  struct Iteration {
    var kl: Double
    var score: Double?
    var gold: Double?
  }

  var iterations: [Iteration]
  /// Whether the iterations' KL is summed over the vocabulary or estimated from samples.
  var isExact: Bool
  var bestOfN: [BestOfN] = []

  /// `nil` without iterations that have a KL.
  init?(_ table: MetricsTable, bestOfN: [BestOfN] = []) {
    let exact = table["objective/kl_exact"]
    guard let divergences = exact ?? table["objective/kl"] else { return nil }
    let scores = table["objective/score"]
    let golds = table["objective/gold"]
    iterations = divergences.enumerated().compactMap { index, divergence in
      guard let divergence, divergence.isFinite else { return nil }
      return Iteration(kl: divergence, score: scores?[index], gold: golds?[index])
    }
    isExact = exact != nil
    self.bestOfN = bestOfN
  }

  var chart: LineChart {
    func policy(_ name: String, _ value: (Iteration) -> Double?) -> LineChart.Series {
      .init(
        name: name, points: iterations.map { .init(x: Self.root($0.kl), y: value($0)) },
        isScattered: true)
    }
    func best(_ name: String, _ value: (BestOfN) -> Double?) -> LineChart.Series {
      .init(
        name: name,
        points: bestOfN.sorted { $0.kl < $1.kl }.map { .init(x: Self.root($0.kl), y: value($0)) },
        isScattered: true)
    }
    let series = [
      policy("PPO: score", \.score), policy("PPO: gold", \.gold),
      best("best of n: score", \.score), best("best of n: gold", \.gold),
    ].filter { series in series.points.contains { $0.y != nil } }
    return LineChart(
      title: "Reward against √KL", unit: "reward per response",
      horizontalTitle: isExact ? "√(exact KL), √nats" : "√(estimated KL), √nats",
      isHorizontalWhole: false, horizontalIncludes: [0], series: series,
      note: "Each mark of PPO is one iteration. Early on both rewards rise about linearly in √KL; "
        + "past the reward model’s knowledge the score keeps rising while gold peaks and falls."
        + (bestOfN.isEmpty
          ? ""
          : " Best of n trains nothing: of n answers of the reference it keeps the one with the "
            + "best score, at a KL of log n − (n − 1)/n; it is what PPO has to beat."))
  }

  /// An estimate may dip below zero, which no divergence can.
  static func root(_ divergence: Double) -> Double { max(divergence, 0).squareRoot() }
}
