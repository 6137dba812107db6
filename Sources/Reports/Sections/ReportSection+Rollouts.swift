import RunRecords

extension ReportSection {
  /// Responses while the policy was optimized, each token coloured by one of its numbers.
  @Sendable static func rollouts(_ records: ReportRecords) -> ReportSection? {
    let shown = shownRollouts(records.rollouts)
    guard !shown.isEmpty else { return nil }
    let scales = TokenTint.allCases.map { ($0, $0.scale(over: shown)) }
    let iterations = Set(shown.map(\.iteration)).sorted()
    return ReportSection(id: "tokens", title: "Token by token") {
      element("p") {
        """
        What the update saw of single responses. Choose a number to colour the tokens by; point \
        at a token, or tap it, for all of its numbers. All that were kept are printed by
        """
        " "
        element("code", ["class": "whole"]) { "rlhf-sim trace" }
        "."
      }
      element("div", ["class": "tinted"]) {
        for (index, tint) in TokenTint.allCases.enumerated() { choice(tint, isChosen: index == 0) }
        for (tint, scale) in scales { legend(tint, scale) }
        for iteration in iterations {
          element("div", ["class": "tokens"]) {
            element("h3") { "Iteration \(iteration)" }
            for rollout in shown where rollout.iteration == iteration {
              response(rollout, scales)
            }
            numbers(shown.filter { $0.iteration == iteration })
          }
        }
        element("output", ["class": "readout", "hidden": "hidden"])
      }
    }
  }

  /// Some responses of the first and the last iteration that were kept, and of two between.
  private static func shownRollouts(_ all: [RolloutRecord]) -> [RolloutRecord] {
    let kept = Set(all.map(\.iteration)).sorted()
    guard let last = kept.indices.last else { return [] }
    let chosen = Set((0...3).map { kept[last * $0 / 3] })
    return chosen.sorted().flatMap { iteration in
      all.filter { $0.iteration == iteration }.prefix(6)
    }
  }

  @MarkupBuilder private static func choice(_ tint: TokenTint, isChosen: Bool) -> [Markup] {
    let id = "tint-\(tint.rawValue)"
    isChosen
      ? element("input", ["type": "radio", "name": "tint", "id": id, "checked": "checked"])
      : element("input", ["type": "radio", "name": "tint", "id": id])
    element("label", ["for": id]) { tint.title }
  }

  private static func legend(_ tint: TokenTint, _ scale: Double) -> Markup {
    let levels = Array(1...TokenTint.levels)
    let signs = tint == .divergence ? [1] : [-1, 1]
    return element("div", ["class": "scale scale-\(tint.rawValue)"]) {
      element("p", ["class": "note"]) { tint.meaning }
      element("p", ["class": "note"]) {
        for sign in signs {
          for level in sign < 0 ? levels.reversed() : levels {
            let value = Double(sign * level) / Double(TokenTint.levels) * scale
            element("span", ["class": tint.style(value, scale: scale) ?? ""]) {
              " \(NumberText.short(value)) "
            }
          }
        }
      }
    }
  }

  private static func response(
    _ rollout: RolloutRecord, _ scales: [(TokenTint, Double)]
  ) -> Markup {
    let values = scales.map { ($0.0.values(of: rollout), $0.0, $0.1) }
    return element("p", ["class": "rollout"]) {
      element("span", ["class": "prompt"]) { rollout.prompt }
      for (token, text) in rollout.tokens.enumerated() {
        " "
        let styles = values.compactMap { $0.1.style($0.0[token], scale: $0.2) }
        element(
          "span",
          [
            "class": (["token"] + styles).joined(separator: " "),
            "title": title(rollout, token),
          ]
        ) { text }
      }
      let gold = rollout.gold.map { ", gold \(NumberText.fixed($0, 2))" } ?? ""
      " "
      element("span", ["class": "verdict"]) {
        "score \(NumberText.fixed(rollout.score, 2))\(gold)"
      }
    }
  }

  /// What each number of a token is called, and the number.
  private static func figures(_ rollout: RolloutRecord, _ token: Int) -> [(String, String)] {
    let logRatio =
      rollout.logProbabilities[token] - rollout.referenceLogProbabilities[token]
    return [
      ("log π", NumberText.fixed(rollout.logProbabilities[token], 3)),
      ("log ρ", NumberText.fixed(rollout.referenceLogProbabilities[token], 3)),
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

  private static func title(_ rollout: RolloutRecord, _ token: Int) -> String {
    ([rollout.tokens[token]] + figures(rollout, token).map { "\($0.0) \($0.1)" })
      .joined(separator: "\n")
  }

  /// The same numbers as tables, for those who do not point.
  private static func numbers(_ rollouts: [RolloutRecord]) -> Markup {
    element("details") {
      element("summary") { "These in numbers" }
      for rollout in rollouts where !rollout.tokens.isEmpty {
        element("div", ["class": "scroll"]) {
          element("table", ["class": "dense"]) {
            element("caption") { rollout.prompt }
            element("thead") {
              element("tr") {
                element("th", ["scope": "col"]) { "token" }
                for (name, _) in figures(rollout, 0) {
                  element("th", ["scope": "col", "class": "number"]) { name }
                }
              }
            }
            element("tbody") {
              for (token, text) in rollout.tokens.enumerated() {
                element("tr") {
                  element("th", ["scope": "row"]) { text }
                  for (_, value) in figures(rollout, token) {
                    element("td", ["class": "number"]) { value }
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}
