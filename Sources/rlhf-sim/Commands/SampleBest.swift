import AlignmentLoop
import ArgumentParser
import Foundation
import RunRecords
import Transformer

/// `best-of-n`: what choosing among samples earns, without any training.
struct SampleBest: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "best-of-n",
    abstract: "Measure what the best of n samples earns, by reward model and by gold.",
    discussion: """
      For n = 1, 2, 4, … up to `evaluation.best_of`. The KL of choosing is at most \
      log n − (n − 1)/n nats, at which other methods can be held against it.

      Example: rlhf-sim best-of-n --set evaluation.best_of=64
      """)

  @Option(help: "The policy that is sampled from. (default: the one that ships)")
  var policy: String?

  @Option(help: "The reward model that chooses. (default: the one that ships)")
  var reward: String?

  @Option(help: "Prompts, as for `ppo`. (default: the scenario's)")
  var prompts: String?

  @OptionGroup var options: LoopOptions

  func run() throws {
    var scenario = try options.scenario.read()
    let policy = try Shipped.policy(or: policy, option: "--policy")
    let reward = try Shipped.reward(or: reward, option: "--reward")
    try policy.requireVocabulary(of: reward)
    let notes: [String]
    (scenario, notes) = try policy.adopted(by: scenario, overrides: options.scenario.overrides)
    let given = try prompts.map {
      try GivenPrompts(URL(filePath: $0), for: policy, reward: reward, scenario: scenario)
    }
    if given == nil {
      try policy.requireWorld(of: scenario, remedy: "give prompts with --prompts")
      try reward.requireWorld(of: scenario, remedy: "give prompts with --prompts")
    }
    guard scenario.evaluation.bestOf > 1 else {
      throw LoopError.input(
        "`evaluation.best_of` is 1: there is nothing to choose from; set it to 2 or more")
    }
    try recorded(
      options, scenario: scenario, command: .bestOfN, tokenizer: policy.tokenizer,
      notes: notes + (given?.notes ?? [])
    ) {
      try $0.bestOfN(policy.model, reward: reward.model, given: given)
    }
  }
}
