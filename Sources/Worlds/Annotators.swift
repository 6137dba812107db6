import Foundation
package import Settings
package import Statistics

/// One simulated annotator, which judges by gold rewards with noise, biases and values of its own.
package struct AnnotatorConfiguration: Configurable, Equatable {
  package var name = ""
  var share = 1.0
  var scope = PromptScope()
  var temperature = 0.5
  var flip = 0.0
  var lengthBias = 0.0
  var positionBias = 0.0
  var weights = SettingMap<Double>()
  var likes: [LikedFeature] = []
  var reads: Int?

  package init() {}

  package static let fields: [Field<Self>] =
    [
      Field(
        "name", \.name, "what the annotator is called in the preference rows", isRequired: true),
      Field(
        "share", \.share,
        "part of the judgements it gives, relative to the others who judge the prompt",
        in: 1e-6...1e6),
    ] + PromptScope.fields.map { $0.inside(\.scope) } + ownFields

  private static let ownFields: [Field<Self>] = [
    Field(
      "temperature", \.temperature,
      "gold difference that multiplies the odds of a judgement by e; at 0 the higher gold reward wins",
      in: 0...),
    Field("flip", \.flip, "probability that a judgement is flipped by mistake", in: 0...0.5),
    Field(
      "length_bias", \.lengthBias,
      "gold reward that the annotator adds for each word of a response"),
    Field(
      "position_bias", \.positionBias,
      "gold reward that the annotator adds for the response shown first"),
    Field(
      "weights", \.weights,
      "factors of the weights of gold features, by name: 0 overlooks one, 2 counts it double"),
    Field("likes", \.likes, "features that this annotator values beside those of gold"),
    Field(
      "reads", \.reads, "words of a response that it reads, from the first; null for all of them",
      in: 1...),
  ]

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    if name.isEmpty {
      throw location.key("name").error("the name is empty", advice: "give the annotator a name")
    }
  }

  /// The probability of preferring the response shown first, which is worth `advantage` more
  /// and has `words` words more:
  /// `ε + (1 − 2ε)·σ((advantage + length_bias·words + position_bias) / temperature)`.
  func probabilityOfFirst(advantage: Double, extraWords words: Int) -> Double {
    probability(ofUtility: advantage + lengthBias * Double(words) + positionBias)
  }

  /// The probability of calling a response desirable that is shown alone:
  /// `ε + (1 − 2ε)·σ((utility + length_bias·words) / temperature)`.
  func probabilityOfDesirable(utility: Double, words: Int) -> Double {
    probability(ofUtility: utility + lengthBias * Double(words))
  }

  private func probability(ofUtility utility: Double) -> Double {
    flip + (1 - 2 * flip) * Self.sigmoid(utility, temperature: temperature)
  }

  /// `1 / (1 + exp(−x/T))` without overflow; at `T = 0` a step that is ½ at 0.
  private static func sigmoid(_ difference: Double, temperature: Double) -> Double {
    if temperature == 0 || difference == 0 {
      return difference > 0 ? 1 : difference < 0 ? 0 : 0.5
    }
    let decay = exp(-abs(difference) / temperature)
    return difference > 0 ? 1 / (1 + decay) : decay / (1 + decay)
  }
}

/// A response as annotators see it.
package struct Response: Sendable, Equatable {
  package var words: [String]
  /// Whether it came to its end rather than being cut off.
  package var ended: Bool

  package init(words: [String], ended: Bool = true) {
    self.words = words
    self.ended = ended
  }
}

/// One annotator's choice between two responses.
package struct Judgement: Sendable, Equatable {
  /// 0 for the first argument, 1 for the second.
  package let preferredIndex: Int
  /// The name of the annotator.
  package let annotator: String
  /// Which of the two was shown first.
  let firstShown: Int
}

/// An annotator of a world, with its features looked up.
struct Annotator: Sendable {
  let configuration: AnnotatorConfiguration
  /// Whether it judges responses to a prompt.
  let judges: PromptScope.Condition
  /// Its weight of each feature of gold.
  fileprivate let weights: [Double]
  let likes: [WeightedFeature]

  /// - Parameter gold: the features of the world's gold reward.
  init(
    _ configuration: AnnotatorConfiguration, gold: [WeightedFeature], grammar: Grammar,
    at location: SettingsLocation
  ) throws(SettingsError) {
    self.configuration = configuration
    judges = try configuration.scope.condition(in: grammar, at: location)
    var factors: [String: Double] = [:]
    let names = gold.map(\.name)
    for entry in configuration.weights.entries {
      guard names.contains(entry.name) else {
        throw location.key("weights").key(entry.name).error(
          "gold has no feature `\(entry.name)`",
          advice: Suggestion.advice(for: entry.name, among: names, called: "features"))
      }
      factors[entry.name] = entry.value
    }
    weights = gold.map { $0.weight * (factors[$0.name] ?? 1) }
    var likes: [WeightedFeature] = []
    for (index, liked) in configuration.likes.enumerated() {
      let place = location.key("likes").item(index)
      likes.append(try liked.feature.term.weighed(in: grammar, at: place))
    }
    self.likes = likes
  }

  /// What a text is worth to the annotator: Σ weight · measure over gold and what it likes.
  ///
  /// - Parameter measures: of the features of gold.
  func utility(_ text: JudgedText, measures: [Double]) -> Double {
    let gold = zip(weights, measures).reduce(0) { $0 + $1.0 * $1.1 }
    return likes.reduce(gold) { $0 + $1.weight * $1.measure(text) }
  }
}

extension World {
  /// The probability that the first response is preferred, over annotators by their shares and over
  /// both orders of showing: all that a predictor without the annotator's name could know.
  package func preferenceProbability(
    prompt: [String], first: Response, second: Response
  ) -> Double {
    let opinions = opinions(prompt: prompt, first: first, second: second)
    let shares = opinions.reduce(0) { $0 + $1.annotator.share }
    return opinions.reduce(0) { $0 + $1.annotator.share / shares * $1.probability }
  }

  /// Each annotator who judges responses to the prompt, with the probability that it prefers the first
  /// of two, over both orders of showing.
  package func opinions(
    prompt: [String], first: Response, second: Response
  ) -> [(annotator: AnnotatorConfiguration, probability: Double)] {
    let judges = judges(of: prompt)
    let (one, two) = (utilities(prompt, first, judges), utilities(prompt, second, judges))
    let words = first.words.count - second.words.count
    return judges.indices.map { index in
      let annotator = judges[index].configuration
      let advantage = one[index] - two[index]
      let shownFirst = annotator.probabilityOfFirst(advantage: advantage, extraWords: words)
      let shownSecond = annotator.probabilityOfFirst(advantage: -advantage, extraWords: -words)
      return (annotator, (shownFirst + 1 - shownSecond) / 2)
    }
  }

  /// The best accuracy that any predictor can expect on a pair: `max(p, 1 − p)`.
  package func ceiling(prompt: [String], first: Response, second: Response) -> Double {
    let probability = preferenceProbability(prompt: prompt, first: first, second: second)
    return max(probability, 1 - probability)
  }

  /// One annotator's judgement of two responses, shown in random order.
  package func judge(
    prompt: [String], _ first: Response, _ second: Response,
    using generator: inout SeededGenerator
  ) -> Judgement {
    let judge = drawAnnotator(for: prompt, using: &generator)
    let firstShown = generator.index(below: 2)
    let sign = firstShown == 0 ? 1 : -1
    let advantage = utility(prompt, first, judge) - utility(prompt, second, judge)
    let probability = judge.configuration.probabilityOfFirst(
      advantage: Double(sign) * advantage,
      extraWords: sign * (first.words.count - second.words.count))
    let preferred = generator.uniform() < probability ? firstShown : 1 - firstShown
    return Judgement(
      preferredIndex: preferred, annotator: judge.configuration.name, firstShown: firstShown)
  }

  /// One annotator's ranking of responses, shown in random order: their indices, best first.
  ///
  /// The ranking is Plackett–Luce: responses are sorted by `utility / temperature` plus Gumbel
  /// noise, where a utility is what the response is worth to the annotator with its length bias, and
  /// the position bias falls off evenly from the first shown to none for the last. With probability
  /// `flip` the annotator reverses the list. So two responses are ranked with exactly the
  /// probabilities of ``judge(prompt:_:_:using:)``, and without position bias so is every pair
  /// within a longer ranking.
  package func rank(
    prompt: [String], _ responses: [Response], using generator: inout SeededGenerator
  ) -> [Int] {
    let judge = drawAnnotator(for: prompt, using: &generator)
    let annotator = judge.configuration
    let shown = generator.permutation(of: responses.count)
    let scored = shown.enumerated().map { position, index in
      let place = Double(position) / Double(max(1, shown.count - 1))
      let response = responses[index]
      let utility =
        utility(prompt, response, judge) + annotator.lengthBias * Double(response.words.count)
        + annotator.positionBias * (1 - place)
      let gumbel = -log(-log(max(generator.uniform(), .leastNonzeroMagnitude)))
      let score = annotator.temperature == 0 ? utility : utility / annotator.temperature + gumbel
      return (index: index, position: position, score: score)
    }
    // Equal scores keep the random order in which they were shown.
    let ranking = scored.sorted { ($1.score, $0.position) < ($0.score, $1.position) }.map(\.index)
    return generator.uniform() < annotator.flip ? ranking.reversed() : ranking
  }

  /// One annotator's label of a response that is shown alone: whether it is desirable, as likely as it
  /// would be preferred to an empty response whose gold is 0.
  package func label(
    prompt: [String], _ response: Response, using generator: inout SeededGenerator
  ) -> Bool {
    let judge = drawAnnotator(for: prompt, using: &generator)
    return generator.uniform()
      < judge.configuration.probabilityOfDesirable(
        utility: utility(prompt, response, judge), words: response.words.count)
  }

  /// Whether the world has a feature that knows which steps of a response are right.
  package var hasSteps: Bool { gold.contains { $0.arithmetic?.separator != nil } }

  /// The steps of a response and one annotator's label of each, right or wrong, flipped by mistake as
  /// its judgements are.
  package func labelSteps(
    prompt: [String], _ response: Response, using generator: inout SeededGenerator
  ) -> [(step: [String], isRight: Bool)] {
    let annotator = drawAnnotator(for: prompt, using: &generator).configuration
    let arithmetic = gold.lazy.compactMap(\.arithmetic).first { $0.separator != nil }
    return (arithmetic?.steps(of: response.words[...], in: prompt[...]) ?? []).map { step in
      (Array(step.words), step.isRight != (generator.uniform() < annotator.flip))
    }
  }

  private func judges(of prompt: [String]) -> [Annotator] {
    annotators.filter { $0.judges(prompt[...]) }
  }

  private func drawAnnotator(
    for prompt: [String], using generator: inout SeededGenerator
  ) -> Annotator {
    let judges = judges(of: prompt)
    return judges[generator.index(weightedBy: judges.map(\.configuration.share))]
  }

  private func utility(_ prompt: [String], _ response: Response, _ judge: Annotator) -> Double {
    utilities(prompt, response, [judge])[0]
  }

  /// What a response is worth to each annotator, of as much as it reads.
  private func utilities(
    _ prompt: [String], _ response: Response, _ judges: [Annotator]
  ) -> [Double] {
    let whole = text(prompt, response)
    let measures = gold.map { $0.measure(whole) }
    return judges.map { judge in
      guard let reads = judge.configuration.reads, reads < response.words.count else {
        return judge.utility(whole, measures: measures)
      }
      let beginning = text(prompt, response, reading: reads)
      return judge.utility(beginning, measures: gold.map { $0.measure(beginning) })
    }
  }
}
