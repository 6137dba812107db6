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

      Rows of several "responses" get "rewards" and "order", the best by reward first; equal rewards \
      keep the order of the row. Rows of "chosen" and "rejected" get "chosen_reward" and \
      "rejected_reward". All other columns come back as they are written. Messages are rendered by the \
      model's chat template.

      Where rows say which response is better ("ranking", "ratings", "chosen"), the summary tells how \
      often the rewards agree, also by "subset" where rows have one: on standard output beside an \
      --output, or else on standard error.

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
      "score", by: ResponseRows(rewardsOf: URL(filePath: model), workers: rows.machine.workers))
    let lines = [summary.agreement.text, summary.subsetText].compactMap(\.self)
    if rows.output == nil {
      lines.forEach(rows.machine.note)
    } else if json {
      try Output.writeJSON(Figures(summary))
    } else {
      try Output.write(lines.map { $0 + "\n" }.joined())
    }
  }

  /// The summary as JSON.
  private struct Figures: Encodable {
    let rows: Int
    let responses: Int
    /// Absent when no row says which response is better.
    let pairAgreement: Proportion?
    let topAgreement: Proportion?
    /// Top agreement by `subset`; absent when no row has one.
    let subsets: [String: Proportion]?
    /// Rows that were passed over; absent when there are none.
    let skipped: Int?

    enum CodingKeys: String, CodingKey {
      case rows, responses, subsets, skipped
      case pairAgreement = "pair_agreement"
      case topAgreement = "top_agreement"
    }

    init(_ summary: ResponseRows.Summary) {
      (rows, responses) = (summary.rows, summary.responses)
      let agreement = summary.agreement.count > 0 ? summary.agreement : nil
      pairAgreement = agreement?.pairs
      topAgreement = agreement?.top
      subsets =
        summary.subsets.isEmpty
        ? nil
        : Dictionary(uniqueKeysWithValues: summary.subsets.map { ($0.name, $0.agreement.top) })
      skipped = summary.skipped > 0 ? summary.skipped : nil
    }
  }
}

extension ResponseRows.Summary {
  /// In how many rows of each subset the best by reward is the one that was given as the best.
  fileprivate var subsetText: String? {
    guard !subsets.isEmpty else { return nil }
    let parts = subsets.map {
      "\($0.name) \(NumberText.plain(100 * $0.agreement.top.value, 1)) % of \($0.agreement.count)"
    }
    return "accuracy by subset: " + parts.joined(separator: ", ")
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
