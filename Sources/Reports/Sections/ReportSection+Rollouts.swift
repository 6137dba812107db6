import RunRecords
import Statistics

extension ReportSection {
  /// Responses while the policy was optimized, each token coloured by one of its numbers.
  @Sendable static func rollouts(_ records: ReportRecords) -> ReportSection? {
    let shown = shownRollouts(records.rollouts)
    guard !shown.isEmpty else { return nil }
    let tinting = TokenTinting("tint", by: TokenTint.allCases, of: shown.flatMap(tokens))
    let iterations = Set(shown.map(\.iteration)).sorted()
    return ReportSection(id: "tokens", title: "Token by token") {
      element("p") {
        """
        What the update saw of single responses. Choose a number to colour the tokens by; point \
        at a token, or tap it, for all of its numbers. All that were saved are printed by
        """
        " "
        element("code", ["class": "whole"]) { "rlhf-sim trace" }
        "."
      }
      element("div", ["class": "tinted"]) {
        tinting.choices
        for iteration in iterations {
          element("div", ["class": "tokens"]) {
            element("h3") { "Iteration \(iteration)" }
            for rollout in shown where rollout.iteration == iteration {
              response(rollout, tinting, records.units)
            }
            TokenTinting.numbers(
              shown.filter { $0.iteration == iteration }.map { ($0.prompt, tokens($0)) })
          }
        }
        TokenTinting.readout
      }
    }
  }

  /// Some responses of the first and the last iteration that were saved, and of two between.
  private static func shownRollouts(_ all: [RolloutRecord]) -> [RolloutRecord] {
    let saved = Set(all.map(\.iteration)).sorted()
    guard let last = saved.indices.last else { return [] }
    let chosen = Set((0...3).map { saved[last * $0 / 3] })
    return chosen.sorted().flatMap { iteration in
      all.filter { $0.iteration == iteration }.prefix(6)
    }
  }

  private static func response(
    _ rollout: RolloutRecord, _ tinting: TokenTinting, _ units: StandardUnits
  ) -> Markup {
    element("p", ["class": "rollout"]) {
      element("span", ["class": "prompt"]) { rollout.prompt }
      for token in tokens(rollout) {
        " "
        tinting.span(token)
      }
      let raw = [("score", rollout.score), ("gold", rollout.gold)].compactMap { name, value in
        value.map { "raw \(name) \(NumberText.fixed($0, 3))" }
      }
      let said = [("score", units.score(rollout.score)), ("gold", units.gold(rollout.gold))]
        .compactMap { name, value in value.map { "\(name) \(NumberText.signed($0, 2))" } }
      " "
      element("span", ["class": "verdict", "title": raw.joined(separator: ", ")]) {
        said.joined(separator: ", ")
      }
    }
  }

  private static func tokens(_ rollout: RolloutRecord) -> [TintedToken] {
    rollout.tokens.enumerated().map { token, text in
      TintedToken(
        text: text,
        values: [
          .divergence: rollout.exactKL[token], .advantage: rollout.advantages[token],
          .value: rollout.values[token],
          .logRatio: rollout.logProbabilities[token] - rollout.referenceLogProbabilities[token],
        ],
        figures: figures(rollout, token))
    }
  }

  /// What each number of a token is called, and the number.
  private static func figures(_ rollout: RolloutRecord, _ token: Int) -> [(
    name: String, value: String
  )] {
    let logRatio =
      rollout.logProbabilities[token] - rollout.referenceLogProbabilities[token]
    return [
      ("log π", NumberText.fixed(rollout.logProbabilities[token], 3)),
      ("log π_ref", NumberText.fixed(rollout.referenceLogProbabilities[token], 3)),
      ("log-ratio", NumberText.signed(logRatio, 3)),
      ("KL", NumberText.fixed(rollout.exactKL[token], 3)),
      ("reward", NumberText.signed(rollout.rewards[token], 3)),
      ("value", NumberText.fixed(rollout.values[token], 3)),
      ("advantage", NumberText.signed(rollout.advantages[token], 3)),
      ("return", NumberText.fixed(rollout.returns[token], 3)),
      (
        "new/old",
        NumberText.fixed(rollout.ratios[token], 3) + (rollout.isClipped(token) ? ", clipped" : "")
      ),
    ]
  }
}
