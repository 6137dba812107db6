import ArgumentParser
import Experiments
import Foundation
import RunRecords
import Statistics

/// One rollout of a run, token by token.
struct Trace: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show one rollout of PPO token by token, with every number that the update used.",
    discussion: """
      A run saves the first episodes of some iterations. Columns: log-probability under the policy \
      that drew the token and under the reference; the KL estimate, and the exact KL of the state; \
      reward, value before the update, delta, advantage, return; the ratio of the token's \
      probability after the update to before, and whether it is outside the clip range.

      Example: rlhf-sim trace --run runs/demo --sample 0
      """)

  @Option(
    name: .customLong("run"), help: "A run directory of `demo` or `ppo`.", completion: .directory)
  var runDirectory: String

  @Option(
    help:
      "Which rollout, from 0 in the order of the run. (default: the first of the last iteration)")
  var sample: Int?

  @Flag(help: "Print the rollout as one line of JSON.")
  var json = false

  func run() throws {
    let directory = try RunDirectory.open(URL(filePath: runDirectory))
    guard AtomicFile.exists(directory.rollouts) else {
      throw LoopError.input(
        "\(directory.url.path) has no rollouts, which PPO and its variants save and DPO does not; name a run "
          + "of `demo` or `ppo`")
    }
    let rollouts = try RolloutRecord.read(from: directory)
    let last = rollouts.last.flatMap { last in
      rollouts.firstIndex { $0.iteration == last.iteration }
    }
    guard let index = sample ?? last, rollouts.indices.contains(index) else {
      throw LoopError.input(
        "\(directory.rollouts.path) has \(rollouts.count) rollouts"
          + (rollouts.isEmpty
            ? "; run `ppo` or `demo` first"
            : " and no number \(sample ?? 0); give --sample from 0 to \(rollouts.count - 1)"))
    }
    let rollout = rollouts[index]
    if json { return try Output.writeJSON(rollout) }
    try Output.write(rollout.text(index: index, of: rollouts.count))
  }
}

extension RolloutRecord {
  /// The rollout as a person reads it.
  fileprivate func text(index: Int, of count: Int) -> String {
    func number(_ value: Double) -> String { NumberText.plain(value, 3) }
    var lines = "rollout \(index) of 0…\(count - 1): iteration \(iteration), episode \(episode)\n"
    lines += "prompt: \(prompt)\n"
    lines += "score \(number(score))"
    if let gold { lines += ", gold \(number(gold))" }
    lines += ", β \(number(coefficient)), " + (ended ? "ended with EOS" : "cut off")
    lines += "\nKL of the penalty \(number(kl.reduce(0, +))) nats, "
    lines += "exact \(number(exactKL.reduce(0, +)))"
    let titles = [
      "log π", "log π_ref", "KL", "exact KL", "reward", "value", "delta", "advantage", "return",
      "ratio", "clipped",
    ]
    var table = TextTable(
      columns: [(title: "token", alignment: .leading)]
        + titles.map { (title: $0, alignment: .trailing) })
    let deltas = deltas
    for (token, text) in tokens.enumerated() {
      let numbers = [
        logProbabilities, referenceLogProbabilities, kl, exactKL, rewards, values, deltas,
        advantages, returns, ratios,
      ]
      table.append([text] + numbers.map { number($0[token]) } + [isClipped(token) ? "yes" : ""])
    }
    return lines + "\n\n" + table.rendered(within: Terminal.standardOutputWidth)
  }
}
