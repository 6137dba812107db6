import Foundation
import Settings
package import Statistics

/// One simulated annotator, which judges by gold rewards with noise and biases.
struct AnnotatorConfiguration: Configurable, Equatable {
  var name = ""
  var share = 1.0
  var temperature = 0.5
  var flip = 0.0
  var lengthBias = 0.0
  var positionBias = 0.0

  init() {}

  static let fields: [Field<Self>] = [
    Field("name", \.name, "what the annotator is called in the preference rows", isRequired: true),
    Field(
      "share", \.share, "part of the judgements it gives, relative to the others", in: Above(0)),
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
  ]

  func validate(at location: SettingsLocation) throws(SettingsError) {
    if name.isEmpty {
      throw location.key("name").error("the name is empty", advice: "give the annotator a name")
    }
  }

  /// The probability of preferring the response shown first, with gold advantage `gold` and `words`
  /// words more: `ε + (1 − 2ε)·σ((gold + length_bias·words + position_bias) / temperature)`.
  func probabilityOfFirst(goldAdvantage gold: Double, extraWords words: Int) -> Double {
    probability(ofUtility: gold + lengthBias * Double(words) + positionBias)
  }

  /// The probability of calling a response desirable that is shown alone:
  /// `ε + (1 − 2ε)·σ((gold + length_bias·words) / temperature)`.
  func probabilityOfDesirable(gold: Double, words: Int) -> Double {
    probability(ofUtility: gold + lengthBias * Double(words))
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

extension World {
  /// The probability that the first response is preferred, over annotators by their shares and over
  /// both orders of showing: all that a predictor without the annotator's name could know.
  package func preferenceProbability(
    prompt: [String], first: Response, second: Response
  ) -> Double {
    let advantage = gold(prompt, first) - gold(prompt, second)
    let words = first.words.count - second.words.count
    let annotators = configuration.annotators
    let shares = annotators.reduce(0) { $0 + $1.share }
    return annotators.reduce(0) { sum, annotator in
      let shownFirst = annotator.probabilityOfFirst(goldAdvantage: advantage, extraWords: words)
      let shownSecond = annotator.probabilityOfFirst(goldAdvantage: -advantage, extraWords: -words)
      return sum + annotator.share / shares * (shownFirst + 1 - shownSecond) / 2
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
    let annotator = drawAnnotator(using: &generator)
    let firstShown = generator.index(below: 2)
    let sign = firstShown == 0 ? 1 : -1
    let probability = annotator.probabilityOfFirst(
      goldAdvantage: Double(sign) * (gold(prompt, first) - gold(prompt, second)),
      extraWords: sign * (first.words.count - second.words.count))
    let preferred = generator.uniform() < probability ? firstShown : 1 - firstShown
    return Judgement(preferredIndex: preferred, annotator: annotator.name, firstShown: firstShown)
  }

  /// One annotator's ranking of responses, shown in random order: their indices, best first.
  ///
  /// The ranking is Plackett–Luce: responses are sorted by `utility / temperature` plus Gumbel
  /// noise, where a utility is the gold reward with the annotator's length bias, and the position
  /// bias falls off evenly from the first shown to none for the last. With probability `flip` the
  /// annotator reverses the list. So two responses are ranked with exactly the
  /// probabilities of ``judge(prompt:_:_:using:)``, and without position bias so is every pair
  /// within a longer ranking.
  package func rank(
    prompt: [String], _ responses: [Response], using generator: inout SeededGenerator
  ) -> [Int] {
    let annotator = drawAnnotator(using: &generator)
    let shown = generator.permutation(of: responses.count)
    let scored = shown.enumerated().map { position, index in
      let place = Double(position) / Double(max(1, shown.count - 1))
      let response = responses[index]
      let utility =
        gold(prompt, response) + annotator.lengthBias * Double(response.words.count)
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
    let annotator = drawAnnotator(using: &generator)
    return generator.uniform()
      < annotator.probabilityOfDesirable(
        gold: gold(prompt, response), words: response.words.count)
  }

  private func gold(_ prompt: [String], _ response: Response) -> Double {
    goldReward(prompt: prompt, response: response.words, ended: response.ended)
  }

  private func drawAnnotator(using generator: inout SeededGenerator) -> AnnotatorConfiguration {
    let annotators = configuration.annotators
    return annotators[generator.index(weightedBy: annotators.map(\.share))]
  }
}
