import ArgumentParser
import Experiments
import Foundation
import LanguageModels
import RunRecords

/// `best-of-n`: what choosing among samples earns, without any training.
struct SampleBest: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "best-of-n",
    abstract: "Measure score and gold of the best of n samples.",
    discussion: """
      For n = 1, 2, 4, … up to `evaluation.best_of`. The reward model chooses. The KL is at most \
      log n − (n − 1)/n nats: compare other methods at the same KL.

      Example: rlhf-sim best-of-n --set evaluation.best_of=64
      """)

  @OptionGroup var models: StartingModels

  @OptionGroup var prompts: PromptOptions

  @OptionGroup var options: LoopOptions

  func run() throws {
    let models = try models.load(options, for: .bestOfN)
    let (source, unknown) = try models.prompts(prompts)
    guard models.scenario.evaluation.bestOf > 1 else {
      throw LoopError.input(
        "`evaluation.best_of` is 1: there is nothing to choose from; set it to 2 or more")
    }
    try recorded(
      options, scenario: models.scenario, command: .bestOfN, tokenizer: models.policy.tokenizer,
      prompts: source,
      inputs: models.directories + prompts.files,
      notes: models.notes + unknown
    ) {
      try $0.bestOfN(models.policy.model, reward: models.reward?.model)
    }
  }
}
