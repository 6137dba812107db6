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
  package var above: Double?
  package var below: Double?
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
    Field("above", \.above, "holds above this"),
    Field("below", \.below, "holds below this"),
    Field(
      "statistic", \.statistic,
      "mean: the 95 % interval of the mean over seeds is beyond the threshold; every: each seed is"),
  ]

  package enum Statistic: String, CaseIterable, Sendable, SettingValue {
    case mean, every
  }

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    guard (above == nil) != (below == nil) else {
      throw location.error(
        "a claim has one threshold", advice: "give either `above` or `below`")
    }
  }

  var threshold: Double { above ?? below ?? 0 }

  private func isBeyond(_ value: Double) -> Bool {
    above != nil ? value > threshold : value < threshold
  }

  /// What is compared with what, for those who want to see it.
  private var statement: String {
    let of = arm.map { " of \($0)" } ?? ""
    let difference = minus.map { " minus that of \($0)" } ?? ""
    let over = statistic == .mean ? "mean over seeds" : "on every seed"
    return "\(figure)\(of)\(difference) \(above != nil ? ">" : "<") "
      + "\(String(format: "%g", threshold)), \(over)"
  }

  /// The verdict over runs.
  ///
  /// - Parameter figures: by arm and seed; nil for a run that failed.
  package func verdict(_ figures: [String: [UInt64: [String: Double]?]]) -> LessonRecord.Claim {
    let own = arm.flatMap { figures[$0] } ?? (arm == nil ? figures.values.first : nil) ?? [:]
    var values: [Double] = []
    for (seed, run) in own.sorted(by: { $0.key < $1.key }) {
      guard let run, let value = run[figure] else { return unknown(run, seed, arm) }
      guard let minus else {
        values.append(value)
        continue
      }
      guard let other = figures[minus]?[seed] ?? nil, let base = other[figure] else {
        return unknown(figures[minus]?[seed] ?? nil, seed, minus)
      }
      values.append(value - base)
    }
    return verdict(values)
  }

  private func unknown(
    _ run: [String: Double]?, _ seed: UInt64, _ arm: String?
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
    let holding = values.count(where: isBeyond)
    let holds =
      switch statistic {
      case .every: !values.isEmpty && holding == values.count
      // Of one run there is no interval.
      case .mean:
        estimate.map { isBeyond(above != nil ? $0.low : $0.high) } ?? (holding == 1)
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
