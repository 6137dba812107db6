package import Formats
package import Foundation
package import LanguageModels
package import Numerics
package import RLHF
package import RunRecords
package import Settings
package import Statistics
import Worlds

/// The whole loop of one scenario: world → SFT policy → preferences → reward model → PPO →
/// evaluation. Each stage is a method in an extension of its own; this is what they share.
package struct AlignmentLoop {
  package let scenario: Scenario
  let world: World
  package let tokenizer: Tokenizer
  let workers: Workers
  package let promptSource: PromptSource
  /// Of the round.
  private(set) var generator: SeededGenerator
  /// Of the run: decides which prompts are held out, which every round must agree on.
  let runGenerator: SeededGenerator
  /// Which of the rounds of `preferences.rounds` it is, from 0.
  private(set) var round = 0
  let observer: any StageObserver
  /// Those that `ppo.reward` names; they end with the loop.
  let commands = RewardCommands()
  /// Where stages save their state; nil saves none.
  private let state: StageStore?

  /// - Parameters:
  ///   - tokenizer: that of a checkpoint to go on from; nil makes one from the world's vocabulary.
  ///   - prompts: where prompts of PPO, best-of-n and evaluation come from.
  ///   - seed: decides every random number of the run.
  ///   - state: where stages save their state and go on from it; nil saves none.
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
    runGenerator = generator
  }

  /// The same loop with the random numbers of a round; those of the first are the run's.
  func round(_ round: Int) -> Self {
    var loop = self
    loop.round = round
    loop.generator = round > 0 ? runGenerator.stream("round", round) : runGenerator
    return loop
  }

  var specialTokens: SpecialTokens { tokenizer.specialTokens }

  /// The longest response, its end included.
  var maximumTokens: Int { scenario.ppo.maximumTokens }

  func encode(_ words: [String]) -> [Int32] { tokenizer.encode(words.joined(separator: " ")) }

  /// The words of a text as gold and annotators see it. Its end is no word; any other special token
  /// is one, and a wrong one: what the reward model sees must not be hidden from gold.
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

  /// The gold reward, in the form in which a trainer takes a reward model.
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
    // The last state may be that of the same stage in an earlier round.
    let saved = try state?.read(stage)
    let state = saved.flatMap { Int($0.numbers["round"] ?? 0) == round ? $0 : nil }
    if let step = state?.step, step > total {
      throw TrainingStateError.beyondTheEnd(step: step, total: total)
    }
    let extent = StageExtent(total: total, unit: unit, done: state?.step ?? 0, before: before)
    let continuation = Continuation(from: state) { [self] isLast, state in
      try self.state?.save(stage, isLast: isLast) {
        var state = state()
        if round > 0 { state.set("round", Double(round)) }
        return state
      }
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

/// What the loop tells while it runs.
package protocol StageObserver: AnyObject {
  /// A stage begins, or goes on.
  func begin(_ stage: RunStage, _ extent: StageExtent) throws
  /// A part of the stage is done; `metrics` are its figures, if it has any.
  func advance(_ stage: RunStage, to done: Int, metrics: StepMetrics?) throws
  /// What lies behind the metrics that `advance` will report next.
  func describe(_ stage: RunStage, _ details: StepDetails)
  /// A file or directory of the run is complete from which later stages go on.
  func made(_ place: URL) throws
  /// The models that the stage holds, before it begins.
  func hold(_ models: [RunInformation.ModelSize])
  /// The stage is over.
  func end(_ stage: RunStage) throws
  /// Something that the person should know, such as rows left out.
  func note(_ text: String)
  /// Something about the reward model at which a careful reader would stop.
  func alert(_ alert: RewardAlert)
  /// A sign that an optimization goes wrong.
  func warn(_ warning: TrainingWarning) throws
}

extension StageObserver {
  /// Most observers have no use for it.
  package func describe(_ stage: RunStage, _ details: StepDetails) {}
  /// Most observers have no use for it.
  package func made(_ place: URL) {}
  /// Most observers have no use for it.
  package func alert(_ alert: RewardAlert) {}
  /// Most observers have no use for it.
  package func hold(_ models: [RunInformation.ModelSize]) {}
}

/// How much of a stage there is to do.
package struct StageExtent: Sendable, Equatable {
  /// How many times it will have reported at its end.
  var total: Int
  /// What it counts.
  var unit = "steps"
  /// Steps that are done already, where it goes on from a saved state.
  var done = 0
  /// Steps of earlier stages that write to the same records.
  var before = 0
}

/// What can go wrong between the stages.
package enum LoopError: EndingError, Sendable, CustomStringConvertible {
  /// The policy's responses hardly ever differ.
  case nothingToCompare(rows: Int, wanted: Int)
  /// The world has too few prompts to hold some of them out.
  case tooFewPrompts
  /// Models or files that do not share a vocabulary.
  case vocabulary(String)
  /// Input that the models cannot take; the text says where and what to do.
  case input(String)
  /// A file without a usable row.
  case empty(file: String, what: String)
  /// Rows of which none can be trained on or judged by; the text says where and why.
  case unusable(String)
  /// A prompt without tokens.
  case emptyPrompt
  /// A model that does not have the words of a scenario's world; the text says which.
  case world(String)
  /// Something else stands where a file is to be written; the text says what.
  case taken(String)

  package var exitStatus: ExitStatus { .badData }

  package var description: String {
    switch self {
    case .nothingToCompare(let rows, let wanted):
      "only \(rows) of \(wanted) comparisons have different responses; raise "
        + "`preferences.temperature`, or train the SFT policy for fewer steps"
    case .tooFewPrompts:
      "the world has too few different prompts to hold some out; give it more, or change "
        + "`preferences.held_out_pairs` relative to `preferences.pairs`"
    case .vocabulary(let text), .input(let text), .unusable(let text), .world(let text),
      .taken(let text):
      text
    case .emptyPrompt: "the prompt has no tokens"
    case .empty(let file, let what):
      "\(file): there is no usable \(what) in it; check its rows against the README"
    }
  }
}
