import AlignmentLoop
import ArgumentParser
import Foundation

/// Rewards of the rows of a file.
struct Score: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Add the reward model's raw reward to each row of a file.",
    discussion: """
      Rows hold "prompt" and "response" as text, whose end is put behind it as in training, or \
      "prompt_ids" and "response_ids", which are used as given. "reward" is the head's raw output.

      Example: rlhf-sim score --model runs/demo/reward --input rows.jsonl
      """)

  @Option(help: "The reward model's directory.")
  var model: String

  @OptionGroup var rows: RowOptions

  func run() throws {
    try rows.complete(
      by: ResponseRows(rewardsOf: URL(filePath: model), workers: rows.machine.workers))
  }
}
