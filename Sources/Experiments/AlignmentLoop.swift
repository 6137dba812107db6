package import LanguageModels
package import Numerics
import RLHF
import RunRecords
package import Settings
import Statistics
package import Worlds

/// The whole loop of one scenario: world → SFT policy → preferences → reward model → PPO →
/// evaluation. Each stage is a method in an extension of its own; this is what they share.
package struct AlignmentLoop {
  package let scenario: Scenario
  package let world: World
  package let tokenizer: Tokenizer
  package let workers: Workers
  package let promptSource: PromptSource
  let generator: SeededGenerator
  let observer: any StageObserver
  /// Where stages keep their state; nil keeps none.
  private let state: StageStore?

  /// - Parameters:
  ///   - tokenizer: that of a checkpoint to go on from; nil makes one from the world's vocabulary.
  ///   - prompts: where prompts of PPO, best-of-n and evaluation come from.
  ///   - seed: decides every random number of the run.
  ///   - state: where stages keep their state and go on from it; nil keeps none.
  package init(
    _ scenario: Scenario, tokenizer: Tokenizer? = nil, prompts: PromptSource = .world,
    seed: UInt64, workers: Workers, observer: any StageObserver, state: StageStore? = nil
  ) throws(SettingsError) {
    self.scenario = scenario
    world = try World(scenario.world)
    self.tokenizer = tokenizer ?? .wordLevel(words: world.vocabulary)
    self.workers = workers
    promptSource = prompts
    self.observer = observer
    self.state = state
    generator = SeededGenerator(seed: seed)
  }

  package var specialTokens: SpecialTokens { tokenizer.specialTokens }

  /// The longest response, its end included.
  var maximumTokens: Int { scenario.ppo.maximumTokens }

  func encode(_ words: [String]) -> [Int32] { tokenizer.encode(words.joined(separator: " ")) }

  /// The words of a text as gold and annotators see it. Its end is no word; any other special token
  /// is one, and a wrong one: what the reward model sees must not be hidden from the truth.
  func words(_ tokens: [Int32]) -> [String] { Self.words(tokens, tokenizer) }

  private static func words(_ tokens: [Int32], _ tokenizer: Tokenizer) -> [String] {
    let text = tokens.last == tokenizer.endOfSequence ? tokens.dropLast() : tokens[...]
    return tokenizer.decode(text, skippingSpecialTokens: false).split(separator: " ")
      .map(String.init)
  }

  /// Prompts for some purpose: of the world each from a stream of its own, of a file by lot.
  func prompts(_ purpose: SeededGenerator, count: Int) -> [[Int32]] {
    switch promptSource {
    case .world:
      return (0..<count).map { index in
        var stream = purpose.stream("prompt", index)
        return encode(world.samplePrompt(using: &stream))
      }
    case .files(let given):
      var stream = purpose
      return (0..<count).map { _ in given[stream.index(below: given.count)] }
    }
  }

  /// The true reward as something that a trainer may be given in place of a reward model.
  var goldJudge: @Sendable (Exchange) -> Double {
    { [world, tokenizer] exchange in
      let words = { Self.words($0, tokenizer) }
      return world.goldReward(
        prompt: words(exchange.prompt), response: words(exchange.response),
        ended: exchange.response.last == tokenizer.endOfSequence)
    }
  }

  /// The gold reward of a sampled response, which no model ever sees; nil where prompts are not the
  /// world's, for it says nothing of other texts.
  func gold(_ exchange: Exchange, ended: Bool) -> Double? {
    promptSource == .world ? worldGold(exchange, ended: ended) : nil
  }

  /// What the world says of any text.
  func worldGold(_ exchange: Exchange, ended: Bool) -> Double {
    world.goldReward(
      prompt: words(exchange.prompt), response: words(exchange.response), ended: ended)
  }

  /// Tells the observer about a stage around its work.
  func run<Output>(
    _ stage: RunStage, total: Int, unit: String, _ body: () throws -> Output
  ) throws -> Output {
    try run(stage, StageExtent(total: total, unit: unit), body)
  }

  /// The same for a stage that can go on from where it was.
  ///
  /// - Parameter before: steps of earlier stages that write to the same records.
  func run<Output>(
    _ stage: RunStage, total: Int, unit: String = "steps", before: Int = 0,
    _ body: (Continuation) throws -> Output
  ) throws -> Output {
    let state = try state?.read(stage)
    if let step = state?.step, step > total {
      throw TrainingStateError.beyondTheEnd(step: step, total: total)
    }
    let extent = StageExtent(total: total, unit: unit, done: state?.step ?? 0, before: before)
    let continuation = Continuation(from: state) { [self] isLast, state in
      try self.state?.keep(stage, isLast: isLast, state)
    }
    return try run(stage, extent) { try body(continuation) }
  }

  private func run<Output>(
    _ stage: RunStage, _ extent: StageExtent, _ body: () throws -> Output
  ) throws -> Output {
    try observer.begin(stage, extent)
    let output = try body()
    try observer.end(stage)
    return output
  }
}
