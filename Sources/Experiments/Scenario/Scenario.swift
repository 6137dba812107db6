import Foundation
package import LanguageModels
package import RLHF
package import Settings
import Worlds

/// A whole lesson: a world, a model, and the settings of every stage.
package struct Scenario: Configurable {
  package var name = ""
  package var title = ""
  package var lesson = ""
  var world = WorldConfiguration()
  package var model = ModelConfiguration()
  var pretraining = SupervisedConfiguration()
  var fineTuning = SupervisedConfiguration()
  var preferences = PreferencesConfiguration()
  var reward = RewardConfiguration()
  package var ppo = PPOConfiguration()
  package var dpo = DPOConfiguration()
  package var evaluation = EvaluationConfiguration()

  package init() {}

  package static let fields = [
    Field("name", \Self.name, "what commands call the scenario", isRequired: true),
    Field("title", \Self.title, "one line for reports and lists"),
    Field("lesson", \Self.lesson, "what to look at"),
    Field("world", \Self.world, "vocabulary, grammar, gold reward, annotators", isRequired: true),
    Field("model", \Self.model, "the decoder that all four models share"),
    Field("pretraining", \Self.pretraining, "the base policy, on whole noisy texts"),
    Field("fine_tuning", \Self.fineTuning, "the SFT policy, on clean responses to prompts"),
    Field(
      "preferences", \Self.preferences, "what the annotators compare",
      onlyIf: .setting("reward.objective", \.reward.objective, for: "rating_noise") {
        $0 == .regression
      }),
    Field("reward", \Self.reward, "the reward model"),
    Field("ppo", \Self.ppo, "the policy against the reward model"),
    Field("dpo", \Self.dpo, "the policy from comparisons alone, for the command of that name"),
    Field("evaluation", \Self.evaluation, "how the final figures are measured"),
  ]

  /// Positions for the longest prompt and response of the world, and the end that follows every
  /// text, also one that was cut off.
  var neededPositions: Int {
    world.longestPrompt + max(world.prompt.maximumResponseWords, ppo.maximumTokens) + 1
  }

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    let needed = neededPositions
    if needed > model.maximumPositions {
      throw location.key("model").key("maximum_positions").error(
        "a prompt, its response and an end need \(needed) positions",
        advice: "raise it, or lower `ppo.maximum_tokens` or `world.prompt.maximum_response_words`")
    }
    if let trunk = rewardTrunk { try trunk.validate(at: location.key("reward").key("model")) }
    try validateRankings(at: location)
    try requireMemory(at: location)
    let place = location.key("world")
    let world = try World(world, at: place)
    try world.checkTexts(prompts: preferences.neededPrompts, at: place)
    if reward.reading == .steps, preferences.responses == 1, !world.hasSteps {
      throw location.key("reward").key("read").error(
        "annotators of this world label no steps",
        advice: "give gold a feature arithmetic with `credit: steps`, or set it to end")
    }
  }

  /// Refuses what a reward model cannot learn from the judgements of the world's annotators, before
  /// anything is trained; rows of files are looked at when they are read.
  ///
  /// - Throws: `SettingsError` naming the key.
  func requireLearnableJudgements() throws(SettingsError) {
    let place = SettingsLocation.unwritten.key("preferences").key("responses")
    if preferences.responses > 1, reward.reading == .steps {
      throw place.error(
        "`reward.read: steps` learns from labels of the steps of one response",
        advice: "set it to 1, or `reward.read` to end")
    }
    if preferences.responses == 1, reward.objective != .binary {
      throw place.error(
        "one response is labelled true or false, which `\(reward.objective.rawValue)` cannot learn",
        advice: "set it to 2, or `reward.objective` to binary")
    }
  }

  /// Whether a trunk is trained for the reward model, on texts of the world.
  package var hasRewardTrunk: Bool { reward.size.isOwn }

  /// The shape of a reward model that has a size of its own.
  var rewardTrunk: ModelConfiguration? {
    let size = reward.size
    guard size.isOwn else { return nil }
    var trunk = model
    if let width = size.width {
      (trunk.width, trunk.headWidth, trunk.feedForwardWidth) = (width, nil, nil)
    }
    if let heads = size.heads {
      (trunk.heads, trunk.headWidth, trunk.keyValueHeads) = (heads, nil, nil)
    }
    trunk.layers = size.layers ?? trunk.layers
    trunk.feedForwardWidth = size.feedForwardWidth ?? trunk.feedForwardWidth
    return trunk
  }

  /// Refuses what a reward model cannot learn from rankings.
  private func validateRankings(at location: SettingsLocation) throws(SettingsError) {
    guard preferences.responses > 2 else { return }
    if reward.objective == .pairwiseTokens || reward.objective.isAbsolute {
      throw location.key("reward").key("objective").error(
        "`\(reward.objective.rawValue)` does not learn from rankings of "
          + "\(preferences.responses) responses",
        advice: "set `preferences.responses` to 2, or choose pairwise, grouped-pairs, "
          + "plackett-luce or best-of-k")
    }
    if reward.softLabels {
      throw location.key("reward").key("soft_labels").error(
        "rankings of \(preferences.responses) responses do not say how sure each pair is",
        advice: "set it to false, or `preferences.responses` to 2")
    }
  }
}

/// The decoder that policy, reference, reward and value models share.
package struct ModelConfiguration: Configurable, Equatable {
  var family = DecoderConfiguration.Family.llama
  var width = 64
  var layers = 2
  var heads = 4
  var keyValueHeads: Int?
  var headWidth: Int?
  var feedForwardWidth: Int?
  var maximumPositions = 32
  var tiedEmbeddings = false

  package init() {}

  /// As much of a decoder's shape as a scenario can say.
  init(of shape: DecoderConfiguration) {
    family = shape.family
    width = shape.width
    layers = shape.layers
    heads = shape.heads
    keyValueHeads = shape.keyValueHeads
    if shape.headWidth * heads != width { headWidth = shape.headWidth }
    feedForwardWidth = shape.feedForwardWidth
    maximumPositions = shape.maximumPositions
    tiedEmbeddings = shape.tiedEmbeddings
  }

  package static let fields = [
    Field("family", \Self.family, "which published blocks, as `model_type` of transformers"),
    Field("width", \Self.width, "D, width of the residual stream", in: 1...65_536),
    Field("layers", \Self.layers, "blocks", in: 1...1_000),
    Field("heads", \Self.heads, "query heads; divides width", in: 1...1_024),
    Field(
      "key_value_heads", \Self.keyValueHeads,
      "heads of keys and values; divides heads; null for as many", in: 1...1_024),
    Field(
      "head_width", \Self.headWidth, "width of a head; null for width / heads", in: 1...65_536),
    Field(
      "feed_forward_width", \Self.feedForwardWidth,
      "width inside the feed-forward block; null for 3 × width where a gate makes it double, else 4 ×",
      in: 1...262_144),
    Field(
      "maximum_positions", \Self.maximumPositions, "longest sequence in tokens", in: 2...16_777_216),
    Field("tied_embeddings", \Self.tiedEmbeddings, "whether the language head is the embedding"),
  ]

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    if headWidth == nil, width % heads != 0 {
      throw location.key("heads").error(
        "\(heads) heads do not divide a width of \(width)",
        advice: "choose one of \((1...min(width, 64)).filter { width % $0 == 0 })")
    }
    do { try decoder(vocabularySize: 1).validate() } catch {
      throw location.error("\(error)", advice: "change the sizes under this key")
    }
  }

  /// The decoder's shape for a vocabulary.
  func decoder(vocabularySize: Int) -> DecoderConfiguration {
    var shape = DecoderConfiguration(family)
    shape.vocabularySize = vocabularySize
    shape.width = width
    shape.layers = layers
    shape.heads = heads
    shape.keyValueHeads = keyValueHeads ?? heads
    shape.headWidth = headWidth ?? width / heads
    shape.feedForwardWidth = feedForwardWidth ?? width * (shape.isGated ? 3 : 4)
    shape.maximumPositions = maximumPositions
    shape.tiedEmbeddings = tiedEmbeddings
    return shape
  }
}

extension DecoderConfiguration.Family: SettingValue {}

/// What is kept apart to judge a reward model by.
package enum PreferenceSplit: String, Sendable, CaseIterable, SettingValue { case prompts, pairs }

/// What the annotators compare.
package struct PreferencesConfiguration: Configurable, Equatable {
  var pairs = 16_000
  var heldOutPairs = 2_000
  var split = PreferenceSplit.prompts
  var responses = 2
  var temperature = 1.0
  var ratingNoise = 0.0
  var rounds = 1

  package init() {}

  /// The share of prompts that is held out, as that of the pairs; half of them at most, so
  /// that a few pairs to train on are not all about a few prompts.
  var heldOutShare: Double { min(0.5, Double(heldOutPairs) / Double(pairs + heldOutPairs)) }

  /// Different prompts with which fewer than one seed in a hundred would hold out none.
  var neededPrompts: Int {
    split == .pairs ? 1 : Int((log(0.01) / log(1 - heldOutShare)).rounded(.up))
  }

  package static let fields = [
    Field(
      "pairs", \Self.pairs, "comparisons, or rankings of `responses`, to train on",
      in: 1...100_000_000),
    Field(
      "held_out_pairs", \Self.heldOutPairs,
      "comparisons to judge by; fewer would leave accuracy wider than ± 3 points",
      in: AlignmentLoop.enoughHeldOutPairs...100_000_000),
    Field(
      "split", \Self.split,
      "what is held out of the world's comparisons: prompts, which then are in no training pair; pairs "
        + "of any prompt, for worlds with few prompts"),
    Field(
      "responses", \Self.responses,
      "K: responses to a prompt that annotators judge to train on: one is labelled desirable or not, "
        + "2 are compared, more are ranked", in: 1...64),
    Field(
      "temperature", \Self.temperature, "at which the SFT policy samples them", in: 1e-6...),
    Field(
      "rating_noise", \Self.ratingNoise,
      "sd of the noise on gold rewards that stand in for ratings", in: 0...),
    Field(
      "rounds", \Self.rounds,
      "how often `demo` goes round: after PPO, annotators compare as many responses of the policy as it "
        + "then is, the reward model is trained on with all comparisons so far, and PPO goes on",
      in: 1...1_000),
  ]
}

/// How the final figures are measured.
package struct EvaluationConfiguration: Configurable, Equatable {
  var responses = 1_024
  var normalizationResponses = 512
  package var bestOf = 16

  package init() {}

  package static let fields = [
    Field("responses", \Self.responses, "sampled responses of each policy", in: 2...),
    Field(
      "normalization_responses", \Self.normalizationResponses,
      "responses of the SFT policy whose rewards are scaled to mean 0 and standard deviation 1",
      in: 2...),
    Field(
      "best_of", \Self.bestOf,
      "largest n of best-of-n sampling from the SFT policy, with which PPO is compared; 1 for none",
      in: 1...4_096),
  ]
}
