import Foundation
package import Statistics

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
  package let firstShown: Int
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
  /// annotator hands the list in the wrong way round. So two responses are ranked with exactly the
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

  private func gold(_ prompt: [String], _ response: Response) -> Double {
    goldReward(prompt: prompt, response: response.words, ended: response.ended)
  }

  private func drawAnnotator(using generator: inout SeededGenerator) -> AnnotatorConfiguration {
    let annotators = configuration.annotators
    return annotators[generator.index(weightedBy: annotators.map(\.share))]
  }
}
