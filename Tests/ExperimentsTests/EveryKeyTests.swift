import Foundation
import Settings
import Testing

@testable import Experiments

/// A key of the scenario, another value for it, and the first part of the loop that it changes.
struct EveryKey: Sendable, CustomTestStringConvertible {
  /// Its path with the number of list items.
  let path: String
  let value: String
  let part: Part
  /// Settings under which the key has its part.
  var given: [String] = []

  init(_ path: String, _ value: String, _ part: Part, given: [String] = []) {
    (self.path, self.value, self.part, self.given) = (path, value, part, given)
  }

  var assignment: String { "\(path)=\(value)" }
  var testDescription: String { assignment }

  /// The path as the reference of settings writes it.
  var referencePath: String { path.replacing(/\.\d+/, with: "[]") }

  private static func optimizer(_ path: String, _ part: Part) -> [EveryKey] {
    [
      EveryKey("\(path).learning_rate", "0.02", part),
      EveryKey("\(path).schedule", "constant", part),
      EveryKey("\(path).warmup_steps", "3", part),
      EveryKey("\(path).weight_decay", "0.5", part),
      EveryKey("\(path).clip_norm", "0.001", part),
      EveryKey("\(path).epsilon", "0.1", part),
      EveryKey(
        "\(path).epsilon_placement", "uncorrected", part, given: ["\(path).epsilon=0.1"]),
    ]
  }

  private static let world = [
    EveryKey("world.grammar.start", "more", .policy),
    EveryKey(
      "world.grammar.rules",
      "{text: {\"<clause>\": 1, \"<clause> and <more>\": 1}, more: [\"<text>\", \"then <text>\"], "
        + "clause: [\"the <noun> was <quality>\"], noun: [soup, room, bed, view, tea, cake, pool], "
        + "quality: [good, very good, not bad]}", .policy),
    EveryKey("world.prompt.words", "2", .policy),
    EveryKey("world.prompt.maximum_response_words", "6", .policy),
    EveryKey("world.base_noise", "0.6", .policy),
    EveryKey("world.gold.0.weight", "2", .preferences),
    EveryKey("world.gold.0.scale", "2", .preferences),
    EveryKey("world.gold.0.negations", "[]", .preferences),
    EveryKey("world.gold.0.negation_factor", "-2", .preferences),
    EveryKey("world.gold.0.intensifiers", "{very: 3}", .preferences),
    EveryKey("world.gold.0.lexicon.0.words", "[soup]", .preferences),
    EveryKey("world.gold.0.lexicon.0.value", "2", .preferences),
    EveryKey("world.gold.1.weight", "-1", .preferences),
    EveryKey("world.gold.2.weight", "-1", .preferences),
    EveryKey("world.gold.2.limit", "2", .preferences),
    EveryKey("world.gold.3.weight", "1", .preferences),
    EveryKey("world.gold.3.target", "9", .preferences),
    EveryKey("world.gold.4.weight", "-1", .preferences),
    EveryKey("world.gold.4.words", "1", .preferences),
    EveryKey("world.gold.5.weight", "1", .preferences),
    EveryKey("world.gold.5.phrase", "the soup", .preferences),
    EveryKey("world.annotators.0.name", "zoe", .preferences),
    EveryKey("world.annotators.0.share", "2", .preferences),
    EveryKey("world.annotators.0.temperature", "2", .preferences),
    EveryKey("world.annotators.0.flip", "0.2", .preferences),
    EveryKey("world.annotators.0.length_bias", "-0.1", .preferences),
    EveryKey("world.annotators.0.position_bias", "1", .preferences),
  ]

  /// Food is half of the prompts; texts are cut as in the tiny scenario.
  private static let places =
    "world.grammar.rules={text: [\"the <noun> was <quality>\", \"the <noun> was <quality> and <text>\"], "
    + "noun: [\"<food>\", \"<place>\"], food: [soup, tea, cake, egg], place: [room, bed, pool, park], "
    + "quality: [good, very good, not very good, bad, not bad]}"

  /// Prompts and responses by rule; each rule may stand for the one or the other.
  private static func rules(prompt: String, response: String) -> [String] {
    let again = response == "again" ? "again: [\"<say>\", \"<say> and <ask>\"], " : ""
    return [
      "world.grammar.rules={ask: [\"the <noun>\", \"the <noun> <say>\"], \(again)"
        + "noun: [soup, room, bed, tea, cake, pool, park, egg], say: [\"was <quality>\"], "
        + "quality: [good, very good, not very good, bad, not bad]}",
      "world.prompt.rule=\(prompt)", "world.response.rule=\(response)",
      "model.maximum_positions=24",
    ]
  }

  private static func feature(_ keys: String, _ others: String...) -> [String] {
    ["world.gold=[{\(keys)}, {feature: grammar_breaks}]"] + others
  }

  private static let worldRules =
    [
      EveryKey(
        "world.prompt.rule", "noun", .policy, given: rules(prompt: "ask", response: "again")),
      EveryKey(
        "world.response.rule", "quality", .policy, given: rules(prompt: "ask", response: "say")),
      EveryKey(
        "world.response.best_of", "3", .policy, given: rules(prompt: "ask", response: "again")),
    ]
    + [
      ("when.prompt", "food", "feature: length, limit: 4"),
      ("unless.prompt", "food", "feature: length, limit: 4"),
      ("words_of", "food", "feature: words, words_of: quality"),
      ("lexicon.0.words_of", "food", "feature: valence, lexicon: [{words_of: quality, value: 1}]"),
      ("table", "{soup: bad}", "feature: answers, table: {soup: good}"),
      ("from", "place", "feature: answers, from: food, to: food"),
      ("to", "place", "feature: answers, from: food, to: food"),
      ("start", "good", "feature: pattern, start: was"),
      ("end", "bad", "feature: pattern, end: good"),
      ("separator", "was", "feature: pattern, separator: and, items: 2"),
      ("items", "1", "feature: pattern, separator: and, items: 2"),
      ("brackets", "{was: bad}", "feature: pattern, brackets: {was: good}"),
      ("sides", "[food, quality]", "feature: agrees, sides: [food, place]"),
    ].map { key, value, given in
      EveryKey("world.gold.0.\(key)", value, .preferences, given: feature(given, places))
    }
    + [
      EveryKey(
        "world.gold.0.credit", "digits", .preferences,
        given: feature("feature: arithmetic", sums, "ppo.maximum_tokens=6")),
      EveryKey("world.annotators.0.when.prompt", "food", .preferences, given: [places]),
      EveryKey("world.annotators.0.unless.prompt", "food", .preferences, given: [places]),
      EveryKey("world.annotators.0.weights", "{valence: 0}", .preferences),
      EveryKey("world.annotators.0.likes", "[{feature: words, words: [and]}]", .preferences),
      EveryKey("world.annotators.0.reads", "2", .preferences),
    ]

  /// Prompts that are sums, with results of two digits.
  private static let sums =
    "world.grammar.rules={text: [\"<digit> + <digit> <number>\"], digit: [7, 8, 9], "
    + "number: [\"1 <low>\", \"<low>\"], low: [4, 5, 6, 7, 8]}"

  private static let model = [
    EveryKey("model.family", "gpt2", .policy),
    EveryKey("model.head_width", "4", .policy),
    EveryKey("model.width", "8", .policy),
    EveryKey("model.layers", "1", .policy),
    EveryKey("model.heads", "4", .policy),
    EveryKey("model.key_value_heads", "1", .policy),
    EveryKey("model.feed_forward_width", "16", .policy),
    // Rotary positions are computed, so that only learned ones show how many there are.
    EveryKey("model.maximum_positions", "16", .policy, given: ["model.family=gpt2"]),
    EveryKey("model.tied_embeddings", "true", .policy),
  ]

  private static let supervised = ["pretraining", "fine_tuning"].flatMap { stage in
    [
      EveryKey("\(stage).steps", "4", .policy),
      EveryKey("\(stage).batch_size", "8", .policy),
    ] + optimizer("\(stage).optimizer", .policy)
  }

  private static let reward =
    [
      EveryKey("preferences.pairs", "64", .preferences),
      EveryKey("preferences.held_out_pairs", "1001", .preferences),
      EveryKey("preferences.split", "pairs", .preferences),
      EveryKey("preferences.responses", "3", .preferences),
      EveryKey("preferences.temperature", "0.8", .preferences),
      EveryKey("preferences.rating_noise", "0.5", .reward, given: ["reward.objective=regression"]),
      EveryKey("reward.objective", "pairwise-tokens", .reward),
      EveryKey("reward.slips", "0.1", .reward),
      EveryKey("reward.label_smoothing", "0.1", .reward),
      EveryKey("reward.soft_labels", "true", .reward),
      EveryKey("reward.accumulation", "4", .reward),
      EveryKey("reward.early_stopping", "1", .reward),
      EveryKey("reward.ensemble", "2", .reward),
      EveryKey("reward.combine", "worst", .reward, given: ["reward.ensemble=2"]),
      EveryKey(
        "reward.uncertainty_weight", "0.7", .reward,
        given: ["reward.ensemble=2", "reward.combine=uncertainty"]),
      EveryKey("reward.model.width", "8", .reward),
      EveryKey("reward.model.layers", "1", .reward),
      EveryKey("reward.model.heads", "1", .reward),
      EveryKey("reward.model.feed_forward_width", "8", .reward),
      EveryKey("reward.steps", "1", .reward),
      EveryKey("reward.pairs_used", "20", .reward),
      EveryKey("reward.epochs", "3", .reward),
      EveryKey("reward.batch_size", "16", .reward),
      EveryKey("reward.centering", "1", .reward),
      EveryKey("reward.freeze", "0.5", .reward),
      EveryKey("reward.shuffle", "false", .reward),
      EveryKey("reward.evaluations", "1", .reward),
      EveryKey("evaluation.normalization_responses", "32", .reward),
    ] + optimizer("reward.optimizer", .reward)

  private static let adaptive = [
    "ppo.kl.controller=adaptive", "ppo.kl.estimator=exact", "ppo.kl.horizon=20",
  ]

  private static let command = [
    "ppo.reward.source=command", "ppo.reward.command=while read row; do echo ${#row}; done",
  ]

  private static let ppo: [EveryKey] =
    [
      EveryKey("ppo.iterations", "2", .optimization),
      EveryKey("ppo.episodes", "4", .optimization),
      EveryKey("ppo.epochs", "1", .optimization),
      EveryKey("ppo.minibatches", "4", .optimization),
      EveryKey("ppo.kl.coefficient", "1", .optimization),
      EveryKey("ppo.kl.estimator", "k3", .optimization),
      EveryKey("ppo.kl.controller", "adaptive", .optimization),
      EveryKey("ppo.kl.target", "0.000000001", .optimization, given: adaptive),
      EveryKey("ppo.kl.horizon", "40", .optimization, given: adaptive),
      // Rewards are normalised, and comparisons sampled, as PPO will sample.
      EveryKey("ppo.temperature", "0.8", .reward),
      EveryKey("ppo.maximum_tokens", "5", .preferences),
      EveryKey("ppo.discount", "0.9", .optimization),
      EveryKey("ppo.lambda", "0.5", .optimization),
      EveryKey("ppo.clip_range", "0.0001", .optimization),
      EveryKey("ppo.clip_range_high", "0.0001", .optimization),
      EveryKey("ppo.value_clip_range", "0.0001", .optimization),
      EveryKey("ppo.whiten_advantages", "false", .optimization),
      EveryKey("ppo.dual_clip", "1.0001", .optimization),
      EveryKey("ppo.entropy_bonus", "0.5", .optimization),
      EveryKey("ppo.stop_kl", "1e-12", .optimization),
      EveryKey("ppo.whiten_rewards", "true", .optimization),
      EveryKey("ppo.score_clip", "0.1", .optimization),
      EveryKey("ppo.missing_end", "keep", .optimization),
      EveryKey("ppo.missing_end_penalty", "3", .optimization),
      EveryKey("ppo.preset", "instructgpt", .optimization),
      EveryKey("ppo.algorithm", "reinforce", .optimization),
      EveryKey("ppo.samples_per_prompt", "4", .optimization),
      EveryKey("ppo.accumulation", "2", .optimization),
      EveryKey("ppo.reward.source", "gold", .optimization),
      EveryKey("ppo.reward.threshold", "1", .optimization, given: ["ppo.reward.source=verifier"]),
      EveryKey("ppo.reward.relative", "true", .optimization),
      EveryKey(
        "ppo.reward.command", "while read row; do echo -${#row}; done", .optimization,
        given: command),
    ]
    + [
      ("source", "gold", "model"), ("weight", "2", "model"), ("threshold", "1", "verifier"),
      (
        "command", "while read row; do echo -1; done",
        "command, command: 'while read row; do echo 1; done'"
      ),
    ].map { key, value, source in
      EveryKey(
        "ppo.reward.sources.0.\(key)", value, .optimization,
        given: ["ppo.reward.sources=[{source: \(source)}]"])
    } + [
      EveryKey("ppo.kl.placement", "loss", .optimization, given: ["ppo.kl.estimator=k2"]),
      EveryKey("ppo.freeze", "0.5", .optimization),
      EveryKey("ppo.value_model", "shared", .optimization),
      EveryKey("ppo.value_weight", "1", .optimization, given: ["ppo.value_model=shared"]),
      EveryKey("ppo.lora.rank", "2", .optimization),
      EveryKey("ppo.lora.alpha", "4", .optimization, given: ["ppo.lora.rank=2"]),
      EveryKey("ppo.lora.targets", "[attention-output]", .optimization, given: ["ppo.lora.rank=2"]),
      EveryKey("ppo.average_decay", "0.5", .optimization),
      EveryKey("ppo.pretraining_weight", "2", .optimization),
      EveryKey("evaluation.responses", "32", .evaluation),
      EveryKey("evaluation.best_of", "4", .evaluation),
    ] + optimizer("ppo.policy", .optimization) + optimizer("ppo.value", .optimization)

  private static let dpo =
    [
      EveryKey("dpo.loss", "hinge", .directPreference),
      EveryKey("dpo.beta", "1", .directPreference),
      EveryKey("dpo.pairs", "on-policy", .directPreference),
      EveryKey("dpo.epochs", "2", .directPreference),
      EveryKey("dpo.rounds", "1", .directPreference, given: ["dpo.pairs=on-policy"]),
      EveryKey("dpo.batch_size", "16", .directPreference),
      EveryKey("dpo.label_smoothing", "0.2", .directPreference),
      EveryKey("dpo.desirable_weight", "0.5", .directPreference, given: ["dpo.loss=kto"]),
      EveryKey("dpo.undesirable_weight", "0.5", .directPreference, given: ["dpo.loss=kto"]),
    ] + optimizer("dpo.optimizer", .directPreference)

  static let all = world + worldRules + model + supervised + reward + ppo + dpo
}

@Suite struct EveryKeyTests {
  /// Keys that say what a scenario is, which kind of feature the others belong to, or how long to wait
  /// before a run fails.
  static let descriptive: Set = [
    "name", "title", "lesson", "world.gold[].feature", "world.gold[].name", "ppo.reward.timeout",
    "ppo.reward.sources[].timeout",
  ]

  /// Keys for rows that label steps, which ``LabelRowTests/steps()`` and ``RoundTests`` try, and for whole
  /// runs, which ``RoundTests`` tries.
  static let triedElsewhere: Set = ["reward.read", "reward.step_separator", "preferences.rounds"]

  @Test("the list of keys is the reference of settings")
  func complete() {
    let reference = Set(Scenario.reference.map(\.path))
    let leaves = reference.filter { path in
      !reference.contains { $0.hasPrefix(path + ".") || $0.hasPrefix(path + "[]") }
    }
    let others = Self.descriptive.union(Self.triedElsewhere)
    #expect(leaves.subtracting(others) == Set(EveryKey.all.map(\.referencePath)))
    #expect(leaves.isSuperset(of: others))
  }

  @Test("a feature of the gold reward that does not exist is refused")
  func feature() throws {
    let error = try #require(throws: SettingsError.self) {
      try makeScenario(["world.gold.1.feature=lenght"])
    }
    #expect(error.path == "world.gold[1].feature")
  }

  @Test("every key changes what the loop makes, from the part that it belongs to on")
  func everyKeyCounts() throws {
    var bases: [[String]: [Part: [String]]] = [:]
    for key in EveryKey.all {
      let base = try bases[key.given] ?? outputs(key.given)
      bases[key.given] = base
      let changed = try outputs(key.given + [key.assignment])
      let first = Part.allCases.first { base[$0] != changed[$0] }
      #expect(first == key.part, "\(key.assignment)")
    }
  }
}
