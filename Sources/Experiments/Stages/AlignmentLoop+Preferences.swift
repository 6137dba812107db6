package import LanguageModels
import Numerics
package import Preferences
import RLHF
import RunRecords
import Statistics
import Worlds

extension AlignmentLoop {
  /// Rows to train on, labels, comparisons or rankings as the scenario says, and comparisons to judge by;
  /// and as many labels, where labels are trained on. No prompt is on both sides.
  func comparePreferences(
    of policy: LanguageModel
  ) throws -> (training: [PreferenceRow], heldOut: [Comparison], labels: [PreferenceRow]) {
    let settings = scenario.preferences
    let labelCount = settings.responses == 1 ? settings.heldOutPairs : 0
    let total = settings.pairs + settings.heldOutPairs + labelCount
    return try run(.annotation, total: total, unit: "pairs") {
      let heldOut = try judged(
        policy, count: settings.heldOutPairs, responses: 2, generator.stream("held-out pairs"),
        prompts: mayBeHeldOut, done: 0)
      let training = try judged(
        policy, count: settings.pairs, responses: settings.responses,
        generator.stream("training pairs"), prompts: mayBeTrainedOn,
        done: settings.heldOutPairs)
      let labels = try judged(
        policy, count: labelCount, responses: 1, generator.stream("held-out labels"),
        prompts: mayBeHeldOut, done: settings.heldOutPairs + settings.pairs)
      return (training, heldOut.compactMap(\.comparison), labels)
    }
  }

  /// The comparisons to judge by alone.
  func heldOutPreferences(of policy: LanguageModel) throws -> [Comparison] {
    let count = scenario.preferences.heldOutPairs
    return try run(.annotation, total: count, unit: "pairs") {
      try judged(
        policy, count: count, responses: 2, generator.stream("held-out pairs"),
        prompts: mayBeHeldOut, done: 0
      ).compactMap(\.comparison)
    }
  }

  /// Samples `responses` responses to each of `count` prompts and has an annotator judge them: a
  /// label when there is one, a comparison when there are two, a ranking when there are more.
  ///
  /// - Parameter write: gets the rows in order, a few at a time.
  package func annotate(
    _ policy: LanguageModel, count: Int, responses: Int, write: ([PreferenceRow]) throws -> Void
  ) throws {
    try run(.annotation, total: count, unit: "prompts") {
      try judge(
        policy, count: count, responses: responses, generator.stream("annotation"),
        prompts: { _ in true }, done: 0, write: write)
    }
  }

  private func mayBeHeldOut(_ prompt: [String]) -> Bool {
    scenario.preferences.split == .pairs || isHeldOut(prompt)
  }

  private func mayBeTrainedOn(_ prompt: [String]) -> Bool {
    scenario.preferences.split == .pairs || !isHeldOut(prompt)
  }

  /// Whether a prompt is held out; decided by the prompt and the seed alone.
  private func isHeldOut(_ prompt: [String]) -> Bool {
    var stream = runGenerator.stream("held out: " + prompt.joined(separator: " "))
    return stream.uniform() < scenario.preferences.heldOutShare
  }

  private func judged(
    _ policy: LanguageModel, count: Int, responses: Int, _ stream: SeededGenerator,
    prompts isWanted: ([String]) -> Bool, done: Int
  ) throws -> [PreferenceRow] {
    var rows: [PreferenceRow] = []
    try judge(
      policy, count: count, responses: responses, stream, prompts: isWanted, done: done
    ) { rows += $0 }
    return rows
  }

  /// Rounds of sampling and judging until there are `count` rows. Responses that are not all different
  /// leave nothing to judge and are sampled again.
  func judge(
    _ policy: LanguageModel, count: Int, responses: Int, _ stream: SeededGenerator,
    prompts isWanted: ([String]) -> Bool, done: Int, write: ([PreferenceRow]) throws -> Void
  ) throws {
    var written = 0
    var round = 0
    while written < count {
      let stream = stream.stream("round", round)
      let wanted = min(2_048, count - written)
      let prompts = try drawPrompts(wanted, stream, isWanted)
      let sampled = try sample(
        policy, prompts: prompts.flatMap { Array(repeating: encode($0), count: responses) }, stream,
        temperature: scenario.preferences.temperature)
      var rows: [PreferenceRow] = []
      for (index, prompt) in prompts.enumerated() {
        let candidates = sampled[index * responses..<(index + 1) * responses].map {
          // Annotators see the text alone, so a cut-off response is judged as what it says.
          Response(words: words($0.tokens))
        }
        var judge = stream.stream("judge", index)
        if let row = row(prompt, candidates, using: &judge) { rows.append(row) }
      }
      try write(rows)
      written += rows.count
      round += 1
      guard round < 50 + count else {
        throw LoopError.nothingToCompare(rows: written, wanted: count)
      }
      try observer.advance(.annotation, to: done + written, metrics: nil)
    }
  }

  private func drawPrompts(
    _ count: Int, _ stream: SeededGenerator, _ isWanted: ([String]) -> Bool
  ) throws -> [[String]] {
    var prompts: [[String]] = []
    var draw = 0
    while prompts.count < count {
      var generator = stream.stream("prompt", draw)
      let prompt = world.samplePrompt(using: &generator)
      if isWanted(prompt) { prompts.append(prompt) }
      draw += 1
      guard draw < 1_000 * (count + 10) else { throw LoopError.tooFewPrompts }
    }
    return prompts
  }

  private func row(
    _ prompt: [String], _ responses: [Response], using generator: inout SeededGenerator
  ) -> PreferenceRow? {
    let texts = responses.map { $0.words.joined(separator: " ") }
    guard Set(texts).count == texts.count, !texts.contains("") else { return nil }
    let promptText = prompt.joined(separator: " ")
    if responses.count == 1, scenario.reward.reading == .steps, world.hasSteps {
      let steps = world.labelSteps(prompt: prompt, responses[0], using: &generator)
      guard !steps.contains(where: \.step.isEmpty) else { return nil }
      return .steps(
        StepLabels(
          prompt: promptText, steps: steps.map { $0.step.joined(separator: " ") },
          labels: steps.map(\.isRight)))
    }
    if responses.count == 1 {
      let isDesirable = world.label(prompt: prompt, responses[0], using: &generator)
      return .rating(Rating(prompt: promptText, response: texts[0], label: isDesirable))
    }
    guard responses.count == 2 else {
      let ranking = world.rank(prompt: prompt, responses, using: &generator)
      return .ranking(Ranking(prompt: promptText, responses: texts, ranking: ranking))
    }
    let judgement = world.judge(prompt: prompt, responses[0], responses[1], using: &generator)
    let (chosen, rejected) = (judgement.preferredIndex, 1 - judgement.preferredIndex)
    let gold = responses.map {
      world.goldReward(prompt: prompt, response: $0.words, ended: $0.ended)
    }
    return .comparison(
      Comparison(
        prompt: promptText, chosen: texts[chosen], rejected: texts[rejected],
        probability: world.preferenceProbability(
          prompt: prompt, first: responses[chosen], second: responses[rejected]),
        chosenGold: gold[chosen], rejectedGold: gold[rejected], annotator: judgement.annotator))
  }

  /// One response to each prompt, each from a stream of its own.
  ///
  /// - Throws: `NonFiniteError` for a policy whose probabilities are none.
  func sample(
    _ policy: LanguageModel, prompts: [[Int32]], _ stream: SeededGenerator, temperature: Double
  ) throws -> [SampledResponse] {
    var options = SamplingOptions()
    options.temperature = temperature
    options.maximumTokens = maximumTokens
    let responses = try Sampler(options, endOfSequence: tokenizer.endOfSequence).responses(
      from: policy, to: prompts,
      generators: prompts.indices.map { stream.stream("response", $0) }, workers: workers)
    let bad = responses.indices.filter {
      !responses[$0].logProbabilities.allSatisfy { $0.isFinite }
    }
    if let rows = NonFiniteError.list("responses", bad) {
      throw NonFiniteError(
        stage: "sampling", step: 1, tensor: "the policy's log-probability", rows: rows)
    }
    return responses
  }
}

extension PreferenceRow {
  fileprivate var comparison: Comparison? {
    if case .comparison(let comparison) = self { comparison } else { nil }
  }
}
