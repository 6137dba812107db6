import Foundation
import RunRecords
import Settings
import Statistics

/// A judge in a sentence.
func the(_ name: String) -> String { "the \(name)" }

/// The top of the page: what came out, in one sentence, why, and what to mistrust.
enum ReportHeader {
  static func markup(_ records: ReportRecords) -> Markup {
    let run = records.information
    let verdict = records.evaluation?.verdict
    return element("header") {
      element("p", ["class": "kicker"]) {
        [
          "rlhf-sim", "world “\(run.scenario)”", run.method ?? run.command.rawValue,
          "seed \(run.seed)",
        ].joined(separator: " · ")
      }
      element("h1") {
        element("span", ["class": "status \(style(records))"]) {
          isOver(run) ? verdict?.word.rawValue ?? alerts(records) ?? status(run) : status(run)
        }
        " "
        headline(records)
      }
      if let verdict {
        element("p", ["class": "lead"]) {
          "\(verdict.figures(the(records.judge))), in standard deviations (sd) of the SFT policy’s "
            + "responses, whose mean is 0."
            + (verdict.gain.gold == nil ? "" : " Gold is the true reward, which no model sees.")
        }
      }
      if let error = run.error {
        element("p", ["class": "failure", "role": "alert"]) {
          element("b") { "This run failed: " }
          error
        }
      }
      ReportReasons.markup(records)
    }
  }

  private static func isOver(_ run: RunInformation) -> Bool { run.status == .finished }

  /// The colour of the verdict; of what became of the run where there is none.
  private static func style(_ records: ReportRecords) -> String {
    let run = records.information
    guard isOver(run) else { return run.status == .failed ? "worse" : run.status.rawValue }
    guard let verdict = records.evaluation?.verdict else {
      return alertCount(records).map { $0 == 0 ? "better" : "worse" } ?? run.status.rawValue
    }
    switch verdict.word {
    case .better: return "better"
    case .fooled, .worse: return "worse"
    case .unchanged, .unclear: return "unclear"
    }
  }

  /// How many alerts a reward model has that nothing was optimized against.
  private static func alerts(_ records: ReportRecords) -> String? {
    alertCount(records).map { $0 == 0 ? "no alert" : $0 == 1 ? "one alert" : "\($0) alerts" }
  }

  /// Of the run and of today's rules; nil where the run looked for none and there are none.
  private static func alertCount(_ records: ReportRecords) -> Int? {
    guard let reward = records.evaluation?.reward else { return nil }
    let later = reward.laterAlerts.count
    return reward.alerts.map { $0.count + later } ?? (later > 0 ? later : nil)
  }

  private static func headline(_ records: ReportRecords) -> String {
    if let verdict = records.evaluation?.verdict {
      return verdict.outcome(the(records.judge)).sentenceCased + "."
    }
    if let reward = records.evaluation?.reward, let accuracy = reward.accuracy {
      return "The reward model is right on \(NumberText.percent(accuracy.value)) of held-out pairs"
        + (reward.ceiling.map { "; the annotators’ noise allows \(NumberText.percent($0))." } ?? ".")
    }
    return "The “\(records.information.scenario)” world"
  }

  /// What ran, where and when, and the command that does it again.
  static func provenance(_ records: ReportRecords) -> Markup {
    let run = records.information
    return element("footer") {
      element("h2") { "This run" }
      facts([
        ("Version", run.version), ("Seed", String(run.seed)), ("Ended", status(run)),
        ("Time", time(run)),
        ("Started", run.started.formatted(.iso8601).replacing("T", with: " ")),
        ("Processor", run.cpu), ("Threads", String(run.threads)),
        ("Matrix products", run.blasCore),
        // Beyond the release there is but the name of a commit.
        ("Allocator", String(run.allocator.prefix { $0 != "-" })),
      ])
      element("p", ["class": "command"]) {
        element("code") { run.commandLine.map(quoted).joined(separator: " ") }
      }
      ReportWarning.markup([], [], records)
      element("p", ["class": "note"]) {
        "Equal seeds give equal numbers on equal processors; other processors round otherwise."
      }
    }
  }

  private static func status(_ run: RunInformation) -> String {
    switch run.status {
    case .running: "not finished"
    case .interrupted: "interrupted"
    case .finished: run.resumed.isEmpty ? "finished" : "finished, after an interruption"
    case .failed: "failed"
    }
  }

  private static func time(_ run: RunInformation) -> String {
    if let ended = run.ended, run.resumed.isEmpty {
      return NumberText.duration(ended.timeIntervalSince(run.started))
    }
    let stages = run.stageSeconds.reduce(0) { $0 + $1.seconds }
    let isOver = run.status == .finished
    return stages > 0 ? NumberText.duration(stages) + (isOver ? "" : " so far") : ""
  }

  /// An argument as a shell takes it.
  private static func quoted(_ argument: String) -> String {
    let plain = argument.unicodeScalars.allSatisfy {
      $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
        || "-_./=:,+@%".unicodeScalars.contains($0)
    }
    if plain, !argument.isEmpty { return argument }
    return "'" + argument.replacing("'", with: "'\\''") + "'"
  }
}
