/// The part of one feature in a gold reward.
package struct GoldContribution: Sendable, Equatable {
  /// The kind of the feature, as written in the settings.
  package let feature: String
  /// Its measure times its weight.
  package let value: Double
}

extension World {
  /// The true reward of a response, which annotators see through their noise and models never see:
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
    let text = JudgedText(
      words: prompt + response, responseCount: response.count,
      breaks: grammarBreaks(prompt: prompt, response: response, ended: ended))
    return gold.map {
      GoldContribution(feature: $0.kind.rawValue, value: $0.weight * $0.measure(text))
    }
  }
}
