import RunRecords
import Statistics

/// A token and its numbers: those that may colour it, and all that it says when pointed at.
struct TintedToken {
  let text: String
  let values: [TokenTint: Double]
  /// What each number is called, and the number.
  let figures: [(name: String, value: String)]
}

/// Tokens coloured by one of their numbers, and the choice of which.
///
/// An element of class `tinted` holds the choices, then elements of class `tokens` with the spans,
/// then the readout.
struct TokenTinting {
  /// What the choices' identifiers begin with: another for each choice on a page.
  private let name: String
  private let scales: [(tint: TokenTint, scale: Double)]

  /// Colours that are strongest at the largest of `tokens`.
  init(_ name: String, by tints: [TokenTint], of tokens: [TintedToken]) {
    self.name = name
    scales = tints.map { ($0, $0.scale(over: tokens)) }
  }

  /// A radio button for each number, the first one chosen, and the legends of the numbers.
  @MarkupBuilder var choices: [Markup] {
    for (index, (tint, _)) in scales.enumerated() { choice(tint, isChosen: index == 0) }
    for (tint, scale) in scales { legend(tint, scale) }
  }

  /// A token with its numbers as its title and a class for each number that colours it.
  func span(_ token: TintedToken) -> Markup {
    let styles = scales.compactMap { tint, scale in
      token.values[tint].flatMap { tint.style($0, scale: scale) }
    }
    let title = [token.text] + token.figures.map { "\($0.name) \($0.value)" }
    return element(
      "span",
      [
        "class": (["token"] + styles).joined(separator: " "),
        "title": title.joined(separator: "\n"),
      ]
    ) { token.text }
  }

  /// Where the script shows the numbers of the token under the pointer.
  static var readout: Markup { element("output", ["class": "readout", "hidden": "hidden"]) }

  /// The same numbers as tables, for those who do not point.
  static func numbers(_ responses: [(prompt: String, tokens: [TintedToken])]) -> Markup {
    element("details") {
      element("summary") { "These in numbers" }
      for (prompt, tokens) in responses where !tokens.isEmpty {
        element("div", ["class": "scroll"]) {
          element("table", ["class": "dense"]) {
            element("caption") { prompt }
            element("thead") {
              element("tr") {
                element("th", ["scope": "col"]) { "token" }
                for (name, _) in tokens[0].figures {
                  element("th", ["scope": "col", "class": "number"]) { name }
                }
              }
            }
            element("tbody") {
              for token in tokens {
                element("tr") {
                  element("th", ["scope": "row"]) { token.text }
                  for (_, value) in token.figures {
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

  @MarkupBuilder private func choice(_ tint: TokenTint, isChosen: Bool) -> [Markup] {
    let id = "\(name)-\(tint.rawValue)"
    let style = "tint-\(tint.rawValue)"
    isChosen
      ? element(
        "input", ["type": "radio", "name": name, "id": id, "class": style, "checked": "checked"])
      : element("input", ["type": "radio", "name": name, "id": id, "class": style])
    element("label", ["for": id]) { tint.title }
  }

  private func legend(_ tint: TokenTint, _ scale: Double) -> Markup {
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
}
