import ArgumentParser
import Experiments
import Foundation
import LanguageModels
import RLHF
import RunRecords

/// `ppo`: a policy against a reward model.
struct OptimizePolicy: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ppo",
    abstract: "Fine-tune a policy by PPO against a reward model.",
    discussion: """
      The reference is the policy at the start. Policy and value model are saved in ppo/ of the run. \
      Gold is measured where the prompts are the world's; the reward model is then first examined on \
      new comparisons of the scenario's annotators.

      Example: rlhf-sim ppo --seed 2 --set ppo.kl.coefficient=0.1
      """)

  @OptionGroup var models: StartingModels

  @OptionGroup var prompts: PromptOptions

  @Flag(
    help: """
      Stop before PPO when the reward model has an alert; the exit code is then 3, and \
      `rlhf-sim resume` goes on all the same.
      """)
  var strict = false

  @OptionGroup var options: LoopOptions

  func run() throws {
    let models = try models.load(options, for: .ppo)
    if !prompts.prompts.isEmpty, let source = models.scenario.ppo.reward.sourceByGold {
      throw LoopError.input(
        "--prompts: `ppo.reward` has the source \(source.rawValue), which only the scenario's own "
          + "prompts have; leave it out, or choose the source model or command")
    }
    let (source, unknown) = try models.prompts(prompts)
    try recorded(
      options, scenario: models.scenario, command: .ppo, tokenizer: models.policy.tokenizer,
      prompts: source, inputs: models.directories + prompts.files, notes: models.notes + unknown,
      isStrict: strict
    ) {
      try $0.ppo(models.policy.model, reward: models.reward?.model)
    }
  }
}
