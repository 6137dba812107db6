import ArgumentParser
import Experiments
import Preferences

/// Samples of a policy, judged by the scenario's annotators.
struct Annotate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Sample responses of a policy and have the scenario's annotators judge them.",
    discussion: """
      Writes preference rows as JSON lines: labels of one response, comparisons of two, rankings of more.

      Example: rlhf-sim annotate --count 1000 --responses 4 --output rankings.jsonl
      """)

  @Option(help: "Directory of the policy. (default: the one that ships)")
  var policy: String?

  @Option(help: "Rows to write.")
  var count: Int

  @Option(help: "Responses to each prompt.")
  var responses = 2

  @Option(help: "File for the rows; an existing one is replaced. (default: standard output)")
  var output: String?

  @OptionGroup var scenario: ScenarioOptions
  @OptionGroup var machine: MachineOptions

  @Flag(help: "No effect: rows are JSON lines anyway.")
  var json = false

  func validate() throws {
    if !(1...100_000_000).contains(count) {
      throw ValidationError("--count is \(count); it must be from 1 to 100 000 000.")
    }
    if !(1...64).contains(responses) {
      throw ValidationError("--responses is \(responses); it must be from 1 to 64.")
    }
  }

  func run() throws {
    let (scenario, notes) = try scenario.read(for: .annotate)
    notes.forEach(machine.note)
    let policy = try Shipped.policy(or: policy, option: "--policy")
    try Shipped.requireWorld(
      of: scenario, remedy: "train a policy with `rlhf-sim sft`", policy.requireWorld)
    let loop = try AlignmentLoop(
      scenario, tokenizer: policy.tokenizer, seed: self.scenario.seed, workers: machine.workers,
      observer: machine.observer())
    try Output.writeLines(to: output) { line in
      try loop.annotate(policy.model, count: count, responses: responses) { rows in
        for row in rows { try line(row.line()) }
      }
    }
  }
}
