package import Settings
package import Statistics

/// A toy world: a grammar that generates texts, a gold reward that no model sees, and annotators that
/// judge by it.
///
/// It holds no state: everything random comes from the generator passed in.
package struct World: Sendable {
  package let configuration: WorldConfiguration
  let grammar: Grammar
  private let automaton: GrammarAutomaton
  let gold: [WeightedFeature]
  let annotators: [Annotator]
  /// Words of the longest prompt.
  package let longestPrompt: Int

  /// Compiles a configuration.
  ///
  /// - Throws: `SettingsError` naming the key, and the line when `location` comes from a file.
  package init(
    _ configuration: WorldConfiguration, at location: SettingsLocation = .unwritten
  ) throws(SettingsError) {
    self.configuration = configuration
    let grammarPlace = location.key("grammar")
    grammar = try Grammar(
      configuration.grammar, starts: configuration.starts(at: location), at: grammarPlace)
    automaton = try GrammarAutomaton(grammar, at: grammarPlace)
    longestPrompt = try configuration.longestPrompt(grammar, at: location)
    guard !configuration.gold.isEmpty else {
      throw location.key("gold").error(
        "the gold reward has no features", advice: "add at least one `- feature: …`")
    }
    var gold: [WeightedFeature] = []
    for (index, feature) in configuration.gold.enumerated() {
      gold.append(
        try feature.term.weighed(in: grammar, at: location.key("gold").item(index)))
    }
    // Features of one kind may share its name; `weights` of annotators then mean all of them.
    for (index, feature) in configuration.gold.enumerated().reversed() {
      guard let name = feature.term.shared.name, gold.count(where: { $0.name == name }) > 1 else {
        continue
      }
      throw location.key("gold").item(index).key("name").error(
        "two features are called `\(name)`", advice: "give each a name of its own")
    }
    self.gold = gold
    let place = location.key("annotators")
    try Self.check(configuration.annotators, at: place)
    var annotators: [Annotator] = []
    for (index, annotator) in configuration.annotators.enumerated() {
      annotators.append(
        try Annotator(annotator, gold: gold, grammar: grammar, at: place.item(index)))
    }
    self.annotators = annotators
    try checkLengths(at: location.key("prompt"))
  }

  private static func check(
    _ annotators: [AnnotatorConfiguration], at location: SettingsLocation
  ) throws(SettingsError) {
    guard !annotators.isEmpty else {
      throw location.error("there are no annotators", advice: "add at least one `- name: …`")
    }
    var names: Set<String> = []
    for (index, annotator) in annotators.enumerated()
    where !names.insert(annotator.name).inserted {
      throw location.item(index).key("name").error(
        "two annotators are called `\(annotator.name)`", advice: "give each a name of its own")
    }
  }

  /// Refuses prompts and responses that hardly any text fits: drawing again would never end.
  private func checkLengths(at location: SettingsLocation) throws(SettingsError) {
    var generator = SeededGenerator(seed: 0)
    let draws = 1_000
    let limit = configuration.prompt.maximumResponseWords
    if grammar.parts.count == 1 {
      let fitting = (0..<draws).count { _ in drawCutText(using: &generator) != nil }
      guard fitting * 100 < draws else { return }
      throw location.error(
        "only \(fitting) of \(draws) texts have a prompt of \(configuration.prompt.words) words "
          + "and a response of 1 to \(limit)",
        advice: "change `words` or `maximum_response_words`, or the weights of the grammar")
    }
    for (part, name, limit) in [
      (grammar.parts[0], "prompts", longestPrompt), (grammar.parts[1], "responses", limit),
    ] {
      let fitting = (0..<draws).count { _ in drawPart(part, limit: limit, using: &generator) != nil
      }
      guard fitting * 100 < draws else { continue }
      throw location.error(
        "only \(fitting) of \(draws) \(name) have 1 to \(limit) words",
        advice: "change `maximum_response_words`, or the weights of the grammar")
    }
  }

  /// Of how many expansions a response of the corpus is the best by gold.
  package var bestOf: Int { grammar.parts.count > 1 ? configuration.response.bestOf : 1 }

  /// The words of the grammar in order of first appearance; special tokens are not among them.
  package var vocabulary: [String] { grammar.vocabulary }

  // MARK: Speaking

  /// A prompt and a response to it; together they are a text of the grammar.
  package func samplePair(
    using generator: inout SeededGenerator, bestOf count: Int? = nil
  ) -> (prompt: [String], response: [String]) {
    guard grammar.parts.count > 1 else {
      while true {
        if let pair = drawCutText(using: &generator) { return pair }
      }
    }
    let prompt = samplePrompt(using: &generator)
    var best = sampleResponse(using: &generator)
    let count = count ?? bestOf
    guard count > 1 else { return (prompt, best) }
    var bestGold = goldReward(prompt: prompt, response: best, ended: true)
    for _ in 1..<count {
      let response = sampleResponse(using: &generator)
      let gold = goldReward(prompt: prompt, response: response, ended: true)
      if gold > bestGold { (best, bestGold) = (response, gold) }
    }
    return (prompt, best)
  }

  /// The prompt of a text of the grammar.
  package func samplePrompt(using generator: inout SeededGenerator) -> [String] {
    guard grammar.parts.count > 1 else { return samplePair(using: &generator).prompt }
    return samplePart(grammar.parts[0], limit: longestPrompt, using: &generator)
  }

  private func sampleResponse(using generator: inout SeededGenerator) -> [String] {
    samplePart(
      grammar.parts[1], limit: configuration.prompt.maximumResponseWords, using: &generator)
  }

  private func samplePart(
    _ rule: Int, limit: Int, using generator: inout SeededGenerator
  ) -> [String] {
    while true {
      if let part = drawPart(rule, limit: limit, using: &generator) { return part }
    }
  }

  private func drawPart(
    _ rule: Int, limit: Int, using generator: inout SeededGenerator
  ) -> [String]? {
    grammar.sample(rule, limit: limit, using: &generator).flatMap { $0.isEmpty ? nil : $0 }
  }

  /// A text of the grammar, prompt and response together.
  func sampleText(using generator: inout SeededGenerator) -> [String] {
    let pair = samplePair(using: &generator)
    return pair.prompt + pair.response
  }

  /// A text of the pretraining corpus: one of the grammar, in which each word is replaced by a
  /// random one with probability `base_noise`.
  package func sampleBaseText(using generator: inout SeededGenerator) -> [String] {
    sampleText(using: &generator).map { word in
      guard generator.uniform() < configuration.baseNoise else { return word }
      return vocabulary[generator.index(below: vocabulary.count)]
    }
  }

  /// A text whose first words are the prompt.
  private func drawCutText(
    using generator: inout SeededGenerator
  ) -> (prompt: [String], response: [String])? {
    let prompt = configuration.prompt
    let count = prompt.words.lowerBound + generator.index(below: prompt.words.count)
    let limit = count + prompt.maximumResponseWords
    guard let text = grammar.sample(grammar.start, limit: limit, using: &generator),
      text.count > count
    else { return nil }
    return (Array(text.prefix(count)), Array(text.dropFirst(count)))
  }

  // MARK: Grammar

  /// How often the text leaves the grammar; 0 for every text that the world speaks.
  ///
  /// - Parameter ended: whether the response came to its end rather than being cut off.
  func grammarBreaks(prompt: [String], response: [String], ended: Bool) -> Int {
    automaton.breaks(in: (prompt + response).map { grammar.wordIndex[$0] }, end: ended)
  }

  /// Whether the text is one of the grammar, to its end.
  package func isGrammatical(prompt: [String], response: [String], ended: Bool) -> Bool {
    grammarBreaks(prompt: prompt, response: response, ended: ended) == 0
  }
}

/// The part of one feature in a gold reward.
package struct GoldContribution: Sendable, Equatable {
  /// The name of the feature, or that of its kind.
  package let feature: String
  /// Its measure times its weight.
  package let value: Double
}

extension World {
  /// The gold reward of a response, which annotators judge by, with noise, and models never see:
  /// `Σ weight · measure` over the features of the configuration.
  ///
  /// - Parameter ended: whether the response came to its end rather than being cut off.
  package func goldReward(prompt: [String], response: [String], ended: Bool) -> Double {
    goldBreakdown(prompt: prompt, response: response, ended: ended).reduce(0) { $0 + $1.value }
  }

  /// The gold reward feature by feature, in the order of the configuration.
  package func goldBreakdown(
    prompt: [String], response: [String], ended: Bool
  ) -> [GoldContribution] {
    let text = text(prompt, Response(words: response, ended: ended))
    return gold.map { GoldContribution(feature: $0.name, value: $0.weight * $0.measure(text)) }
  }

  /// What features look at.
  ///
  /// - Parameter reading: how many words of the response are read; nil for all of them. Who stops
  ///   before its end cannot say whether it ends well.
  func text(_ prompt: [String], _ response: Response, reading: Int? = nil) -> JudgedText {
    let words = prompt + response.words.prefix(reading ?? response.words.count)
    return JudgedText(
      words: words, promptCount: prompt.count,
      breaks: automaton.breaks(
        in: words.map { grammar.wordIndex[$0] }, end: reading == nil ? response.ended : nil))
  }
}
