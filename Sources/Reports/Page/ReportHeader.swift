import Foundation
import RunRecords
import Statistics

/// The top of the page: what this run was, where, and how it ended.
enum ReportHeader {
  static func markup(_ records: ReportRecords) -> Markup {
    let run = records.information
    return element("header") {
      element("p", ["class": "kicker"]) { "rlhf-sim \(run.version) · \(extent(run))" }
      element("h1") {
        "The “\(run.scenario)” world "
        element("span", ["class": "status \(run.status.rawValue)"]) { status(run) }
      }
      element("p", ["class": "lead"]) {
        """
        A language model learns from examples, annotators compare its responses, \
        \(tuning(records)) straying far from where it began. The world’s gold reward is \
        known here and hidden from every model.
        """
      }
      if let error = run.error {
        element("p", ["class": "failure", "role": "alert"]) {
          element("b") { "This run failed: " }
          error
        }
      }
      ReportWarning.markup([], [], records)
      facts([
        ("Seed", String(run.seed)), ("Time", time(run)),
        ("Started", run.started.formatted(.iso8601).replacing("T", with: " ")),
        ("Processor", run.cpu), ("Threads", String(run.threads)),
        ("Matrix products", run.blasCore),
        // Beyond the release there is but the name of a commit.
        ("Allocator", String(run.allocator.prefix { $0 != "-" })),
      ])
      element("p", ["class": "command"]) {
        element("code") { run.commandLine.map(quoted).joined(separator: " ") }
      }
    }
  }

  /// How much of the loop the run was.
  private static func extent(_ run: RunInformation) -> String {
    run.command == .demo
      ? "one run, start to end" : "one part of the loop, \(run.command.rawValue)"
  }

  private static func tuning(_ records: ReportRecords) -> String {
    records.method == "DPO"
      ? "and it is tuned on their choices without"
      : "a reward model learns what they prefer, and the language model is tuned against that "
        + "reward model without"
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
