package import Settings
import Statistics

extension World {
  /// Texts after which something is taken never to occur.
  private static let enoughTexts = 20_000

  /// Refuses a world from whose texts nothing can be learned: gold that no response changes,
  /// annotators who prefer none, a rewarded feature that no text has, a condition that no prompt meets,
  /// a prompt that nobody judges, or too few different prompts.
  ///
  /// Draws texts of the corpus until all of that has been seen, which rarely takes more than some
  /// hundred. A feature with a negative weight may be absent: it is there for what a policy learns.
  ///
  /// - Parameter prompts: how many different prompts there must be.
  package func checkTexts(
    prompts wanted: Int, at location: SettingsLocation
  ) throws(SettingsError) {
    var generator = SeededGenerator(seed: 0).stream("checked texts")
    var missing = demands(at: location)
    var prompts: Set<[String]> = []
    // Comparisons whose responses differ in gold, and whose annotators do not merely guess.
    var (golds, preferences) = (0, 0)
    var other: Response?
    for _ in 0..<Self.enoughTexts {
      if missing.isEmpty, prompts.count >= wanted, golds > 0, preferences > 0 { return }
      // Not the best of several, which may all have the same gold.
      let (prompt, words) = samplePair(using: &generator, bestOf: 1)
      let response = Response(words: words)
      prompts.insert(prompt)
      guard annotators.contains(where: { $0.judges(prompt[...]) }) else {
        throw location.key("annotators").error(
          "nobody judges responses to `\(prompt.joined(separator: " "))`",
          advice: "add an annotator without `when` and `unless`, or for these prompts")
      }
      missing.removeAll { $0.isMet(text(prompt, response)) }
      // Against a response to another prompt, since a policy may also say that.
      if let other, other != response {
        let difference =
          goldReward(prompt: prompt, response: response.words, ended: true)
          - goldReward(prompt: prompt, response: other.words, ended: true)
        if difference != 0 { golds += 1 }
        let sure = ceiling(prompt: prompt, first: response, second: other)
        if sure > 0.5 + 1e-6 { preferences += 1 }
      }
      other = response
    }
    if let demand = missing.first {
      throw demand.place.error(demand.problem, advice: demand.advice)
    }
    guard golds > 0 else {
      throw location.key("gold").error(
        "all responses to a prompt have the same gold reward, so none is better or worse",
        advice: "add a feature in which responses differ")
    }
    guard preferences > 0 else {
      throw location.key("annotators").error(
        "no annotator prefers one response to another, so a reward model could only guess",
        advice: "give one a `temperature` or `weights` at which it sees what gold values")
    }
    guard prompts.count >= wanted else {
      throw location.key("prompt").error(
        "\(Self.enoughTexts) texts have only \(prompts.count) different prompts, and to hold some of "
          + "them out takes \(wanted)",
        advice:
          "give it more, raise `preferences.held_out_pairs`, or set `preferences.split` to pairs")
    }
  }

  /// Something that must occur in some text.
  private struct Demand {
    let place: SettingsLocation
    let problem: String
    let advice: String
    let isMet: (JudgedText) -> Bool
  }

  private func demands(at location: SettingsLocation) -> [Demand] {
    var demands: [Demand] = []
    func addCondition(_ condition: @escaping PromptScope.Condition, at place: SettingsLocation) {
      demands.append(
        Demand(
          place: place, problem: "no prompt of the world meets `when` and `unless`",
          advice: "name rules whose words prompts have, or leave them out"
        ) { condition($0.prompt) })
    }
    func add(_ features: [WeightedFeature], at place: SettingsLocation) {
      for (index, feature) in features.enumerated() {
        addCondition(feature.counts, at: place.item(index))
        guard feature.weight > 0 else { continue }
        demands.append(
          Demand(
            place: place.item(index),
            problem: "none of \(Self.enoughTexts) texts of the grammar has the feature "
              + "`\(feature.name)`, so no policy would find what it rewards",
            advice: "let the grammar say it, or say it more often, or remove the feature"
          ) { feature.measure($0) != 0 })
      }
    }
    add(gold, at: location.key("gold"))
    for (index, annotator) in annotators.enumerated() {
      let place = location.key("annotators").item(index)
      addCondition(annotator.judges, at: place)
      add(annotator.likes, at: place.key("likes"))
    }
    return demands
  }
}
