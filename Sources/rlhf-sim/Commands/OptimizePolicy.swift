import AlignmentLoop
import ArgumentParser
import Foundation
import RunRecords
import Transformer

/// `ppo`: a policy against a reward model.
struct OptimizePolicy: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ppo",
    abstract: "Fine-tune a policy by PPO against a reward model.",
    discussion: """
      The policy that it starts from stays as the reference. Policy and value model are kept in ppo/ \
      of the run. Gold is measured where prompts are the world's.

      Example: rlhf-sim ppo --seed 2 --set ppo.kl.coefficient=0.1
      """)

  @Option(help: "The policy to start from. (default: the one that ships)")
  var policy: String?

  @Option(help: "The reward model. (default: the one that ships)")
  var reward: String?

  @Option(
    help: """
      Prompts: JSON lines with "prompt" or "prompt_ids", or plain text, one a line. (default: the \
      scenario's)
      """)
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
    try recorded(
      options, scenario: scenario, command: .ppo, tokenizer: policy.tokenizer,
      notes: notes + (given?.notes ?? [])
    ) {
      try $0.ppo(policy.model, reward: reward.model, given: given)
    }
  }
}
