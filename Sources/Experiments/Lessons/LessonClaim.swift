import Foundation
package import RunRecords
package import Settings
import Statistics

/// A claim about a figure of the runs of an arm, stated before they run.
package struct LessonClaim: Configurable {
  package var claim = ""
  package var figure = ""
  package var arm: String?
  package var minus: String?
  package var minusFigure: String?
  package var above: Double?
  package var below: Double?
  package var within: Double?
  package var statistic = Statistic.mean

  package init() {}

  package static let fields: [Field<Self>] = [
    Field("claim", \.claim, "in words", isRequired: true),
    Field(
      "figure", \.figure,
      "a final figure as the columns of results.csv are called, such as gain_sd.gold",
      isRequired: true),
    Field("arm", \.arm, "whose figure"),
    Field("minus", \.minus, "another arm, whose figure of the same seed is subtracted"),
    Field(
      "minus_figure", \.minusFigure,
      "what is subtracted is this figure, of the same run or of the run of `minus`"),
    Field("above", \.above, "holds above this"),
    Field("below", \.below, "holds below this"),
    Field("within", \.within, "holds where it is no further from 0 than this", in: Above(0)),
    Field(
      "statistic", \.statistic,
      "mean: the 95 % interval of the mean over seeds meets the threshold; every: each seed does"),
  ]

  package enum Statistic: String, CaseIterable, Sendable, SettingValue {
    case mean, every
  }

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    guard [above, below, within].count(where: { $0 != nil }) == 1 else {
      throw location.error(
        "a claim has one threshold", advice: "give either `above`, `below` or `within`")
    }
  }

  var threshold: Double { above ?? below ?? within ?? 0 }

  /// Whether a value, or both ends of an interval, are on the side that is claimed.
  private func isClaimed(_ low: Double, _ high: Double) -> Bool {
    if let above { return low > above }
    return high < threshold && (within == nil || low > -threshold)
  }

  /// What is compared with what, for those who want to see it.
  private var statement: String {
    let of = arm.map { " of \($0)" } ?? ""
    let difference =
      minusFigure.map { " minus \($0)" + (minus.map { " of \($0)" } ?? "") }
      ?? minus.map { " minus that of \($0)" } ?? ""
    let sign = above != nil ? ">" : below != nil ? "<" : "within ±"
    let over = statistic == .mean ? "mean over seeds" : "on every seed"
    return "\(figure)\(of)\(difference) \(sign) \(String(format: "%g", threshold)), \(over)"
  }

  /// The verdict over runs.
  ///
  /// - Parameter figures: by arm and seed; nil for a run that failed.
  package func verdict(_ figures: [String: [UInt64: [String: Double]?]]) -> LessonRecord.Claim {
    let own = arm.flatMap { figures[$0] } ?? (arm == nil ? figures.values.first : nil) ?? [:]
    var values: [Double] = []
    for (seed, run) in own.sorted(by: { $0.key < $1.key }) {
      guard let run, let value = run[figure] else { return unknown(figure, run, seed, arm) }
      guard minus != nil || minusFigure != nil else {
        values.append(value)
        continue
      }
      let (other, subtracted) = (
        minus.map { figures[$0]?[seed] ?? nil } ?? run, minusFigure ?? figure
      )
      guard let base = other?[subtracted] else {
        return unknown(subtracted, other, seed, minus ?? arm)
      }
      values.append(value - base)
    }
    return verdict(values)
  }

  private func unknown(
    _ figure: String, _ run: [String: Double]?, _ seed: UInt64, _ arm: String?
  ) -> LessonRecord.Claim {
    var problem = "the run of \(arm.map { "\($0), " } ?? "")seed \(seed) failed"
    if let run {
      problem =
        "runs have no figure `\(figure)`; "
        + Suggestion.advice(for: figure, among: run.keys.sorted(), called: "figures")
    }
    return LessonRecord.Claim(
      claim: claim, statement: statement, holds: false, threshold: threshold, problem: problem)
  }

  /// The verdict over values, one a seed.
  func verdict(_ values: [Double]) -> LessonRecord.Claim {
    let estimate = Estimate(meanOf: values)
    let holding = values.count { isClaimed($0, $0) }
    let holds =
      switch statistic {
      case .every: !values.isEmpty && holding == values.count
      // Of one run there is no interval.
      case .mean:
        estimate.map { isClaimed($0.low, $0.high) } ?? (holding == 1)
      }
    return LessonRecord.Claim(
      claim: claim, statement: statement, holds: holds,
      value: values.isEmpty ? nil : Summary(values).mean, low: estimate?.low, high: estimate?.high,
      threshold: threshold, seedsHolding: holding, seedsCounted: values.count)
  }
}

extension Lesson {
  /// What became of the lesson.
  ///
  /// - Parameter expected: which choice was expected before the run, from 1.
  /// - Throws: what reading the records of a run throws.
  package func record(
    _ results: SweepResults, name: String, expected: Int?, isQuick: Bool
  ) throws(RunRecordsError) -> LessonRecord {
    var figures: [String: [UInt64: [String: Double]?]] = [:]
    for cell in results.cells {
      var own: [String: Double]?
      if cell.status == "done" { own = try Self.figures(of: results.directory(of: cell)) }
      figures[cell.labels.joined(), default: [:]][cell.seed] = .some(own)
    }
    return LessonRecord(
      lesson: name, title: title, question: question, choices: choices, answer: answer,
      expected: expected, explanation: explanation, arms: arms.recorded,
      seeds: Set(results.cells.map(\.seed)).sorted(), isQuick: isQuick,
      claims: claims.map { $0.verdict(figures) }, next: next, reading: reading)
  }

  private static func figures(
    of run: RunDirectory
  ) throws(RunRecordsError) -> [String: Double] {
    Dictionary(try SweepResults.figures(of: run).map { ($0.name, $0.value) }) { first, _ in first }
  }

  /// Whether a run solves an exercise: a verdict for each of its claims.
  package func check(
    _ exercise: LessonExercise, _ run: RunDirectory
  ) throws(RunRecordsError) -> [LessonRecord.Claim] {
    let figures = ["": [UInt64(0): Optional(try Self.figures(of: run))]]
    return exercise.claims.map { $0.verdict(figures) }
  }
}
