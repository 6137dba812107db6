import AlignmentLoop
import ArgumentParser
import Foundation
import PolicyOptimization
import RunRecords
import Transformer

/// `dpo`: a policy from comparisons, without a reward model in between.
struct OptimizeDirectly: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dpo",
    abstract: "Fine-tune a policy by DPO on comparisons.",
    discussion: """
      The policy that it starts from stays as the reference. The reward model judges the result, \
      and the pairs where `dpo.pairs` is on-policy. The policy is kept in ppo/policy of the run.

      Example: rlhf-sim dpo --set dpo.beta=0.3
      Example: rlhf-sim dpo --set dpo.pairs=on-policy
      """)

  @Option(help: "The policy to start from. (default: the one that ships)")
  var policy: String?

  @Option(help: "The reward model that judges. (default: the one that ships)")
  var reward: String?

  @Option(help: "Comparisons as JSON lines. (default: the scenario's annotators make them)")
  var preferences: String?

  @OptionGroup var options: LoopOptions

  func run() throws {
    var scenario = try options.scenario.read()
    let policy = try Shipped.policy(or: policy, option: "--policy")
    let reward = try Shipped.reward(or: reward, option: "--reward")
    try policy.requireVocabulary(of: reward)
    try policy.requireWorld(of: scenario, remedy: "train one with `rlhf-sim sft`")
    try reward.requireWorld(of: scenario, remedy: "train one with `rlhf-sim train-reward`")
    if preferences != nil, scenario.dpo.pairs == .onPolicy {
      throw LoopError.input(
        "--preferences: with `dpo.pairs` on-policy the policy's own responses are compared; leave it "
          + "out, or set dpo.pairs to offline")
    }
    let notes: [String]
    (scenario, notes) = try policy.adopted(by: scenario, overrides: options.scenario.overrides)
    let given = try preferences.map {
      try GivenPreferences(
        URL(filePath: $0), heldOut: nil, for: policy, scenario: scenario, seed: options.seed)
    }
    try recorded(
      options, scenario: scenario, command: .dpo, tokenizer: policy.tokenizer,
      notes: notes + (given?.notes ?? [])
    ) {
      try $0.dpo(policy.model, reward: reward.model, given: given)
    }
  }
}
