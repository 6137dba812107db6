import RunRecords
import Statistics

/// A final figure, as comparisons show it.
struct Figure: Sendable {
  let name: String
  let of: String
  let value: @Sendable (EvaluationSummary) -> Double?
  private let plain: @Sendable (Double) -> String
  /// The figure of one run, with its interval if it has one.
  private let whole: @Sendable (EvaluationSummary) -> String?

  /// Of one run with its interval; of several the mean ± sd over their seeds.
  func text(of group: RunGroup) -> String {
    if group.runs.count == 1 {
      return group.runs[0].records.evaluation.flatMap(whole) ?? "–"
    }
    let values = group.values(value)
    guard !values.isEmpty else { return "–" }
    let summary = Summary(values)
    let spread = plain(summary.standardDeviation).replacing("+", with: "")
    return "\(plain(summary.mean)) ± \(spread)"
  }

  static let goldAfter = gain("gold", of: { $0.gold }, summary: { $0.gold })
  static let scoreAfter = gain("score", of: { $0.score }, summary: { $0.score })
  static let divergence = mean("exact KL from the reference", "nats") { $0.ppo?.klExact }
  static let winRate = proportion("win rate against SFT") { $0.winRate }
  static let accuracy = proportion("reward-model accuracy") { $0.reward?.accuracy }

  static let all = [
    goldAfter, scoreAfter, winRate, divergence,
    percent("grammatical responses", "after") { $0.ppo?.grammaticalFraction },
    mean("length", "tokens per response") { $0.ppo?.length },
    mean("entropy", "nats per token") { $0.ppo?.entropy }, accuracy,
    percent("ceiling") { $0.reward?.ceiling },
    plain("calibration error") { $0.reward?.ece },
    percent("of the possible improvement") { $0.exact?.fraction },
  ]

  /// By how much a reward grew, in standard deviations of the SFT policy.
  private static func gain(
    _ name: String, of: @escaping @Sendable (Verdict.Gain) -> Double?,
    summary: @escaping @Sendable (EvaluationSummary.Policy) -> Summary?
  ) -> Figure {
    Figure(
      name: name, of: "gain in sd", value: { $0.verdict.flatMap { of($0.gain) } },
      plain: { NumberText.signed($0, 2) },
      whole: { evaluation in
        guard let gain = evaluation.verdict.flatMap({ of($0.gain) }),
          let after = evaluation.ppo.flatMap(summary), let before = evaluation.sft.flatMap(summary)
        else { return nil }
        return "\(NumberText.signed(gain, 2)) ± "
          + NumberText.fixed(after.halfInterval / before.standardDeviation, 2)
      })
  }

  private static func mean(
    _ name: String, _ of: String, _ value: @escaping @Sendable (EvaluationSummary) -> Summary?
  ) -> Figure {
    Figure(
      name: name, of: of, value: { value($0)?.mean }, plain: { NumberText.fixed($0, 2) },
      whole: {
        value($0).map {
          "\(NumberText.fixed($0.mean, 2)) ± \(NumberText.fixed($0.halfInterval, 2))"
        }
      })
  }

  private static func proportion(
    _ name: String, _ value: @escaping @Sendable (EvaluationSummary) -> Proportion?
  ) -> Figure {
    Figure(
      name: name, of: "", value: { value($0)?.value }, plain: NumberText.percent,
      whole: {
        value($0).map {
          "\(NumberText.percent($0.value)) [\(NumberText.fixed($0.low * 100, 1)), "
            + "\(NumberText.fixed($0.high * 100, 1))]"
        }
      })
  }

  private static func percent(
    _ name: String, _ of: String = "", _ value: @escaping @Sendable (EvaluationSummary) -> Double?
  ) -> Figure {
    Figure(
      name: name, of: of, value: value, plain: NumberText.percent,
      whole: { value($0).map(NumberText.percent) })
  }

  private static func plain(
    _ name: String, _ value: @escaping @Sendable (EvaluationSummary) -> Double?
  ) -> Figure {
    Figure(
      name: name, of: "", value: value, plain: { NumberText.fixed($0, 3) },
      whole: { value($0).map { NumberText.fixed($0, 3) } })
  }
}
