import ArgumentParser
import Experiments
import Foundation
import LanguageModels
import RLHF
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
      keep the order of the row. Rows of steps ("completions") get "rewards", read at the end of each. \
      Rows of "chosen" and "rejected" get "chosen_reward" and \
      "rejected_reward". All other columns come back as they are written. Messages are rendered by the \
      model's chat template.

      Where rows say which response is better ("ranking", "ratings", "chosen"), or label a response or \
      its steps ("label", "labels"), the summary tells how often the rewards agree, also by "subset" \
      where rows have one: on standard output beside an --output, or else on standard error.

      Example: rlhf-sim score --model checkpoints/sentiment/reward --prompt "the soup" --response "was good"
      First: rlhf-sim annotate --count 100 --output pairs.jsonl
      Then: rlhf-sim score --model checkpoints/sentiment/reward --input pairs.jsonl
      """)

  @Option(help: "Directory of the reward model.")
  var model: String

  @Option(help: "One prompt to score a --response to, instead of --input.")
  var prompt: String?

  @Option(help: "The response to --prompt.")
  var response: String?

  @OptionGroup var rows: RowOptions

  @Flag(
    help: "Print the summary (with --output) or the one score as JSON; rows are JSON lines anyway.")
  var json = false

  func validate() throws {
    if (prompt == nil) != (response == nil) {
      throw ValidationError("--prompt and --response go together.")
    }
    if prompt == nil { return try rows.requireInput() }
    if !rows.input.isEmpty || rows.output != nil {
      throw ValidationError("Give --prompt and --response, or --input.")
    }
  }

  func run() throws {
    try Shipped.refuse(run: model, called: "reward model is", .reward)
    if let prompt, let response { return try score(response, to: prompt) }
    let summary = try rows.complete(
      "score", by: ResponseRows(rewardsOf: URL(filePath: model), workers: rows.machine.workers))
    let lines = [
      summary.agreement.text, summary.subsetText, summary.labels.labelText, summary.steps.stepText,
    ].compactMap(\.self)
    if rows.output == nil {
      lines.forEach(rows.machine.note)
    } else if json {
      try Output.writeJSON(Figures(summary))
    } else {
      try Output.write(lines.map { $0 + "\n" }.joined())
    }
  }

  /// Prints the reward of one text.
  private func score(_ response: String, to prompt: String) throws {
    let reward = try LoadedModel(reward: URL(filePath: model))
    let tokenizer = reward.tokenizer
    let exchange = Exchange(
      prompt: tokenizer.encode(prompt: prompt, isRendered: false),
      response: tokenizer.ended(tokenizer.encode(response)))
    guard exchange.count <= reward.shape.maximumPositions else {
      throw LoopError.input(
        "prompt and response have \(exchange.count) tokens, and the model has "
          + "\(reward.shape.maximumPositions) positions; shorten them")
    }
    let unknown = (exchange.prompt + exchange.response).count { $0 == tokenizer.unknown }
    if unknown > 0 {
      rows.machine.note("\(unknown) words are not in the vocabulary and are read as `<unk>`")
    }
    let text = OneScore(
      prompt: prompt, response: response,
      reward: try reward.model.rewards([exchange], workers: rows.machine.workers)[0],
      score: try reward.model.scores([exchange], workers: rows.machine.workers)[0])
    if json { return try Output.writeJSON(text) }
    try Output.write(
      "reward \(NumberText.plain(text.reward, 3)), score \(NumberText.plain(text.score, 3)) "
        + "(sd of the SFT policy's responses, 0 at their mean)\n")
  }

  private struct OneScore: Encodable {
    let prompt: String
    let response: String
    /// The head's raw output.
    let reward: Double
    /// Normalized.
    let score: Double
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
    /// Labels whose reward is on their side of 0; absent when no row has one.
    let labelAccuracy: Proportion?
    /// Absent when no row labels its steps.
    let steps: StepFigures?
    /// Rows that were passed over; absent when there are none.
    let skipped: Int?

    enum CodingKeys: String, CodingKey {
      case rows, responses, subsets, skipped, steps
      case labelAccuracy = "label_accuracy"
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
      labelAccuracy = summary.labels.count > 0 ? summary.labels.figures.accuracy : nil
      steps = summary.steps.count > 0 ? summary.steps.figures : nil
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
    return
      "rewards order \(percent(pairs)) of \(pairs.count) pairs of responses as given, and put the "
      + "given best first in \(percent(top)) of \(count) rows"
  }
}

extension StepAgreement {
  /// Of labels of whole responses; nil when there are none.
  fileprivate var labelText: String? {
    guard count > 0 else { return nil }
    return
      "rewards are on the side of 0 that the label says in \(percent(figures.accuracy)) of \(count) rows"
  }

  /// Nil when no row labels its steps.
  fileprivate var stepText: String? {
    guard count > 0 else { return nil }
    let (wrong, right) = (figures.firstErrors, figures.withoutErrors)
    var sentence =
      "rewards are on the side of 0 that the label says in \(percent(figures.accuracy)) of "
      + "\(figures.accuracy.count) steps"
    if wrong.count > 0 {
      sentence += ", find the first wrong step in \(percent(wrong)) of \(wrong.count) rows with one"
    }
    if right.count > 0 {
      sentence += ", and none in \(percent(right)) of \(right.count) rows without"
    }
    return sentence + (figures.f1.map { "; F1 \(NumberText.plain($0, 3))" } ?? "")
  }
}

/// With its 95 % interval.
private func percent(_ share: Proportion) -> String {
  func text(_ share: Double) -> String { NumberText.plain(100 * share, 1) }
  return "\(text(share.value)) % (\(text(share.low)) to \(text(share.high)))"
}
