import ArgumentParser
import Experiments
import Foundation

/// Log-probabilities of the responses of a file.
struct LogProbabilities: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logprobs",
    abstract: "Add the policy's log-probabilities of the response to each row of a file.",
    discussion: """
      Rows of one response as for `score`, with nothing put behind the response. Adds "logprobs", one for each token \
      of the response at temperature 1, and the "prompt_ids" and "response_ids" used.

      Example: rlhf-sim logprobs --model runs/demo/ppo/policy --input rows.jsonl
      """)

  @Option(help: "The policy's directory.")
  var model: String

  @OptionGroup var rows: RowOptions

  @Flag(help: "Nothing changes: rows are JSON lines anyway.")
  var json = false

  func run() throws {
    _ = try rows.complete(
      "logprobs",
      by: ResponseRows(
        logProbabilitiesOf: URL(filePath: model), workers: rows.machine.workers))
  }
}
