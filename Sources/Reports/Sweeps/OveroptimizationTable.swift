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

    /// Where the better form is highest, mean over the seeds on which it was seen to fall.
    var peak: String {
      let best = informationDifference > 0 ? logarithmic : linear
      let peaks = best.compactMap(\.peak)
      guard !peaks.isEmpty else {
        let farthest = best.map(\.farthest).max() ?? 0
        return "no peak within what was seen (√KL up to \(NumberText.fixed(farthest, 2)))"
      }
      let mean = NumberText.fixed(Summary(peaks).mean, 2)
      return peaks.count == best.count ? mean : "\(mean) on \(peaks.count) of \(best.count) seeds"
    }
  }

  static func section(_ groups: [RunGroup]) -> ReportSection? {
    let rows = groups.flatMap { group in
      [
        (group.name, "gold", fits(group, \.gold) { ($0.gold?.mean, $0.gold?.standardDeviation) }),
        (
          group.name, "score",
          fits(group, \.score) { ($0.score?.mean, $0.score?.standardDeviation) }
        ),
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
            + ["α, d(α − β d)", "β", "α, d(α − β log d)", "β", "d of the peak", "ΔAIC", "seeds"]
            .map(
              Column.number)
        ) {
          for (name, reward, fits) in rows {
            element("tr") {
              rowTitle(name)
              element("td") { reward }
              for form in [fits.linear, fits.logarithmic] {
                number(text(form, \.alpha))
                number(text(form, \.beta))
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
        that of the better form, where it lies within the distances seen.
        """
      }
    }
  }

  /// - Parameter start: mean and sd of the reward under the SFT policy.
  private static func fits(
    _ group: RunGroup, _ value: (FrontierChart.Iteration) -> Double?,
    _ start: (EvaluationSummary.Policy) -> (mean: Double?, sd: Double?)
  ) -> Fits {
    var fits = Fits()
    for run in group.runs {
      guard let policy = run.records.evaluation?.sft, let mean = start(policy).mean,
        let sd = start(policy).sd, sd > 0,
        let frontier = FrontierChart(run.records)
      else { continue }
      let points = frontier.iterations.compactMap { iteration in
        value(iteration).map { (FrontierChart.root(iteration.kl), ($0 - mean) / sd) }
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

  private static func text(
    _ fits: [OveroptimizationFit], _ value: (OveroptimizationFit) -> Estimate
  ) -> String {
    let values = fits.map(value)
    guard let estimate = Estimate(meanOf: values.map(\.value)) ?? values.first else { return "–" }
    return "\(NumberText.fixed(estimate.value, 2)) [\(NumberText.fixed(estimate.low, 2)), "
      + "\(NumberText.fixed(estimate.high, 2))]"
  }
}
