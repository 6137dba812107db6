import ArgumentParser
import Experiments
import Formats
import Foundation
import LanguageModels
import Numerics
import Preferences
import RunRecords
import Statistics

/// Samples of a policy.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Sample texts from a policy.",
    discussion: """
      Prints prompt and response as one text, with control characters as \\u{1B}; with --json one \
      row each, as they are, with token ids and log-probabilities.

      Example: rlhf-sim generate --model checkpoints/sentiment/sft --prompt "the soup" --count 5
      """)

  @Option(help: "Directory of the policy.")
  var model: String

  @Option(help: "The text to continue.")
  var prompt: String?

  @Flag(help: "--prompt is a user's message: it is rendered by the model's chat template.")
  var chat = false

  @OptionGroup var given: PromptOptions

  @Option(help: "Texts to sample from each prompt.")
  var count = 1

  @Option(help: "Divides the logits; 0 takes the likeliest token.")
  var temperature = 1.0

  @Option(help: "Sample from the k likeliest tokens; 0 for all.")
  var topK = 0

  @Option(help: "Sample from the likeliest tokens that together reach this probability.")
  var topP = 1.0

  @Option(help: "Longest response in tokens. (default: what the model allows, at most 256)")
  var maxTokens: Int?

  @Option(help: "Seed of all random numbers.")
  var seed: UInt64 = 1

  @OptionGroup var machine: MachineOptions

  @Flag(help: "Print a JSON row for each text.")
  var json = false

  func validate() throws {
    func require(
      _ isRight: Bool, _ name: String, _ value: any CustomStringConvertible, _ rule: String
    )
      throws
    {
      if !isRight { throw ValidationError("--\(name) is \(value); it must be \(rule).") }
    }
    if prompt != nil, !given.prompts.isEmpty {
      throw ValidationError("Give --prompt or --prompts, not both.")
    }
    if prompt == nil, given.prompts.isEmpty {
      var run = ""
      do { try refuseRun() } catch { run = " And \(error)." }
      throw ValidationError("A prompt is missing: give --prompt or --prompts.\(run)")
    }
    try require((1...1_000_000).contains(count), "count", count, "from 1 to 1000000")
    // Logits divided by less are beyond what a float holds.
    try require(
      temperature == 0 || (temperature >= 1e-6 && temperature.isFinite), "temperature",
      temperature, "0, or at least 1e-6")
    try require(topK >= 0, "top-k", topK, "0 or more")
    try require(topP > 0 && topP <= 1, "top-p", topP, "above 0 and at most 1")
    if let maxTokens { try require(maxTokens >= 1, "max-tokens", maxTokens, "at least 1") }
  }

  func run() throws {
    try refuseRun()
    let policy = try LoadedModel(policy: URL(filePath: model))
    var options = SamplingOptions()
    options.temperature = temperature
    options.topK = topK
    options.topP = topP
    let (rows, notes) = try prompts(for: policy)
    let generation = try AdvisedError.during {
      if case LoopError.emptyPrompt = $0 { "give --prompt at least one word" } else { nil }
    } _: {
      try Generation(policy, prompts: rows, options: options, maximumTokens: maxTokens)
    }
    let observer = try machine.observer()
    (notes + generation.notes).forEach(observer.note)
    try Output.writeLines(to: nil) { line in
      try generation.forEachText(
        count: count, using: SeededGenerator(seed: seed), workers: machine.workers
      ) { try line(json ? $0.json() : $0.whole.withVisibleControls) }
    }
  }

  private func refuseRun() throws(LoopError) {
    try Shipped.refuse(run: model, called: "policies are", .policy, .sft, .reference)
  }

  private func prompts(
    for policy: LoadedModel<LanguageModel>
  ) throws -> (rows: [PromptRow], notes: [String]) {
    if let prompt {
      let row = try PromptRow(prompt, asMessageIn: chat ? policy.chatFormat : nil)
      let isPlain = chat && !policy.chatFormat.isTemplate
      return ([row], isPlain ? [policy.plainFormatNote] : [])
    }
    let (rows, report) = try PromptFile.read(
      given.files, as: given.reading.reading(policy.chatFormat))
    guard !rows.isEmpty else {
      throw LoopError.empty(file: given.prompts.joined(separator: ", "), what: "prompt")
    }
    return (rows, report.notes + (report.usesPlainFormat ? [policy.plainFormatNote] : []))
  }
}
