import RunRecords
import Statistics

/// Fits of gold and score over √KL, for every group of a sweep.
enum OveroptimizationTable {
  /// Fits of one reward of one group, one a seed.
  struct Fits {
    var linear: [OveroptimizationFit] = []
    var logarithmic: [OveroptimizationFit] = []

    /// By how much the linear form is the worse one, summed over the seeds.
    var informationDifference: Double {
      zip(linear, logarithmic).reduce(0) {
        $0 + $1.0.informationCriterion - $1.1.informationCriterion
      }
    }

    /// Where the better form is highest, with its interval, where every seed and their mean show it.
    var peak: String {
      let best = informationDifference > 0 ? logarithmic : linear
      let peaks = best.compactMap(\.peak)
      let isBent = Estimate(meanOf: best.map(\.beta.value)).map { $0.low > 0 } ?? true
      if isBent, peaks.count == best.count, let peak = estimate(peaks) { return text(peak) }
      let some = isBent && !peaks.isEmpty
      return "no peak within the data"
        + (some ? " on \(best.count - peaks.count) of \(best.count) seeds" : "")
    }
  }

  static func section(_ groups: [RunGroup]) -> ReportSection? {
    let rows = groups.flatMap { group in
      [
        (group.name, "gold", fits(group, \.gold, \.gold)),
        (group.name, "score", fits(group, \.score, \.score)),
      ]
    }.filter { !$0.2.linear.isEmpty }
    guard !rows.isEmpty else { return nil }
    return ReportSection(id: "fits", title: "Reward as a function of the distance") {
      element("p") {
        """
        With d = √KL, reward is fitted by d(α − β d) and by d(α − β log d), which Gao, Schulman and \
        Hilton (2022) found for best-of-n and for reinforcement learning. Reward is counted from that of \
        the SFT policy, in its standard deviations, so that gold and score have one unit. β > 0 bends \
        the curve down.
        """
      }
      scrolled(
        table(
          [.plain("settings"), .plain("reward")]
            + [
              "α, \(unbroken("d(α − β d)"))", "β", "α, \(unbroken("d(α − β log d)"))", "β",
              "d of the peak", "ΔAIC", "seeds",
            ].map(Column.number),
          style: "fits"
        ) {
          for (name, reward, fits) in rows {
            element("tr") {
              rowTitle(name)
              element("td") { reward }
              for form in [fits.linear, fits.logarithmic] {
                number(text(estimate(form.map(\.alpha))))
                number(text(estimate(form.map(\.beta))))
              }
              number(fits.peak)
              number(NumberText.signed(fits.informationDifference, 1))
              number("\(fits.linear.count)")
            }
          }
        })
      element("p", ["class": "note"]) {
        """
        In brackets: the 95 % interval by Student's t, over seeds where there are several, else of the \
        fit, which counts iterations as independent and is too narrow. ΔAIC is the criterion of the first \
        form minus that of the second, summed over seeds: above 0 the second fits better. The peak is \
        that of the better form. There is none within the data where the interval of β has 0 in it, or \
        where the curve turns outside the distances seen.
        """
      }
    }
  }

  /// - Parameter start: the reward under the SFT policy.
  private static func fits(
    _ group: RunGroup, _ value: (FrontierChart.Iteration) -> Double?,
    _ start: (EvaluationSummary.Policy) -> Summary?
  ) -> Fits {
    var fits = Fits()
    for run in group.runs {
      guard let start = run.records.evaluation?.sft.flatMap(start),
        let frontier = FrontierChart(run.records)
      else { continue }
      let points = frontier.iterations.compactMap { iteration in
        value(iteration).flatMap(start.standardized).map { (FrontierChart.root(iteration.kl), $0) }
      }
      let (distances, rewards) = (points.map(\.0), points.map(\.1))
      if let linear = OveroptimizationFit(.linear, distances: distances, rewards: rewards),
        let bent = OveroptimizationFit(.logarithmic, distances: distances, rewards: rewards)
      {
        fits.linear.append(linear)
        fits.logarithmic.append(bent)
      }
    }
    return fits
  }

  /// The mean over seeds, or the only one.
  private static func estimate(_ values: [Estimate]) -> Estimate? {
    Estimate(meanOf: values.map(\.value)) ?? values.first
  }

  private static func text(_ estimate: Estimate?) -> String {
    guard let estimate else { return "–" }
    let interval = [estimate.low, estimate.high].map { NumberText.fixed($0, 2) }
    return "\(NumberText.fixed(estimate.value, 2)) "
      + unbroken("[\(interval.joined(separator: ", "))]")
  }

  private static func unbroken(_ text: String) -> String { text.replacing(" ", with: "\u{A0}") }
}
