import ArgumentParser
import Experiments
import Foundation
import RunRecords
import Statistics

/// Rewards of the rows of a file, and the order of responses by reward.
struct Score: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Add the reward model's raw reward to each row of a file, and rank its responses.",
    discussion: """
      Rows have "prompt" and "response" as text, which gets EOS as in training, or "prompt_ids" and \
      "response_ids", which are used as given. "reward" is the head's raw output.

      Rows of several "responses" get "rewards" and "order", the highest reward first, equal ones in \
      the order of the row. Rows of "chosen" and "rejected" get "chosen_reward" and "rejected_reward". \
      Where rows say which response is better ("ranking", "chosen"), the summary says how often the \
      rewards agree: on standard output with --output, else on standard error.

      First: rlhf-sim annotate --count 100 --output pairs.jsonl
      Example: rlhf-sim score --model checkpoints/sentiment/reward --input pairs.jsonl
      """)

  @Option(help: "Directory of the reward model.")
  var model: String

  @OptionGroup var rows: RowOptions

  @Flag(help: "Print the summary as JSON (with --output); rows are JSON lines anyway.")
  var json = false

  func run() throws {
    let summary = try rows.complete(
      "score",
      by: ResponseRows(rewardsOf: URL(filePath: model), workers: rows.machine.workers))
    if rows.output == nil {
      if let text = summary.agreement.text { rows.machine.note(text) }
    } else if json {
      try Output.writeJSON(Figures(summary))
    } else if let text = summary.agreement.text {
      try Output.write(text + "\n")
    }
  }

  /// The summary as JSON.
  private struct Figures: Encodable {
    let rows: Int
    let responses: Int
    /// Absent when no row says which response is better.
    let pairAgreement: Proportion?
    let topAgreement: Proportion?

    enum CodingKeys: String, CodingKey {
      case rows, responses
      case pairAgreement = "pair_agreement"
      case topAgreement = "top_agreement"
    }

    init(_ summary: ResponseRows.Summary) {
      (rows, responses) = (summary.rows, summary.responses)
      let agreement = summary.agreement.count > 0 ? summary.agreement : nil
      pairAgreement = agreement?.pairs
      topAgreement = agreement?.top
    }
  }
}

extension RankingAgreement {
  /// Nil when no row says which response is better.
  fileprivate var text: String? {
    guard count > 0 else { return nil }
    func percent(_ share: Double) -> String { NumberText.plain(100 * share, 1) }
    func text(_ share: Proportion) -> String {
      "\(percent(share.value)) % (\(percent(share.low)) to \(percent(share.high)))"
    }
    return
      "rewards order \(text(pairs)) of \(pairs.count) pairs of responses as given, and put the "
      + "given best first in \(text(top)) of \(count) rows"
  }
}
