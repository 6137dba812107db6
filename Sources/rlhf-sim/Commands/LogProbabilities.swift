import ArgumentParser
import Experiments
import Foundation
import RunRecords

/// Log-probabilities of the responses of a file.
struct LogProbabilities: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logprobs",
    abstract: "Add the policy's log-probabilities of the response to each row of a file.",
    discussion: """
      Rows have one response, as for `score`; no EOS is added. Adds "logprobs", one per token of the \
      response at temperature 1, and the "prompt_ids" and "response_ids" used. A column that is called \
      so already stays, and what is added is called "logprobs_2".

      First: rlhf-sim generate --model checkpoints/sentiment/sft --prompt "the soup" --json > rows.jsonl
      Example: rlhf-sim logprobs --model checkpoints/sentiment/sft --input rows.jsonl
      """)

  @Option(help: "Directory of the policy.")
  var model: String

  @OptionGroup var rows: RowOptions

  @Flag(help: "No effect: rows are JSON lines anyway.")
  var json = false

  func validate() throws { try rows.requireInput() }

  func run() throws {
    try Shipped.refuse(run: model, called: "policies are", .policy, .sft, .reference)
    _ = try rows.complete(
      "logprobs",
      by: ResponseRows(
        logProbabilitiesOf: URL(filePath: model), workers: rows.machine.workers))
  }
}
