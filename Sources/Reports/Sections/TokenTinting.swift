import Foundation
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
        scrolled(
          table(
            [.plain("token")] + tokens[0].figures.map { .number($0.name) }, style: "dense",
            caption: prompt
          ) {
            for token in tokens {
              element("tr") {
                rowTitle(token.text)
                for (_, value) in token.figures { number(value) }
              }
            }
          })
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

/// A number of each token that the page can colour it by.
enum TokenTint: String, CaseIterable {
  case divergence = "k"
  case advantage = "a"
  case value = "v"
  case logRatio = "l"

  /// How strong a colour may be: 1 for a little, this for a lot.
  static let levels = 4

  var title: String {
    switch self {
    case .divergence: "KL"
    case .advantage: "advantage"
    case .value: "value"
    case .logRatio: "log-ratio"
    }
  }

  /// One sentence: what the number is.
  var meaning: String {
    switch self {
    case .divergence:
      "KL from the reference over all words that could have stood here, in nats: where the policy "
        + "has changed its mind."
    case .advantage:
      "How much better the token did than the value model expected: what PPO makes likelier "
        + "(above 0) or less likely (below)."
    case .value: "The reward that the value model expects before the token."
    case .logRatio:
      "log π − log π_ref of the token that was drawn, in nats: above 0 the policy likes it more than "
        + "the reference does."
    }
  }

  /// The size that has the strongest colour: 19 of 20 tokens are below it.
  func scale(over tokens: [TintedToken]) -> Double {
    let sizes = tokens.compactMap { $0.values[self] }.map(abs).filter(\.isFinite).sorted()
    guard !sizes.isEmpty else { return 1 }
    let size = sizes[min(sizes.count - 1, sizes.count * 19 / 20)]
    return size > 0 ? size : 1
  }

  /// The class that colours a value: `a3`, or `a-3` below 0; `nil` where there is hardly any.
  func style(_ value: Double, scale: Double) -> String? {
    guard value.isFinite else { return nil }
    let level = Int(min((abs(value) / scale * Double(Self.levels)).rounded(), Double(Self.levels)))
    return level == 0 ? nil : "\(rawValue)\(value < 0 ? "-" : "")\(level)"
  }

  /// The rules by which a chosen radio button colours the tokens after it: no script is needed.
  /// What is below 0 is underlined too, so that colour is not needed either.
  static var css: String {
    allCases.flatMap { tint in
      [".tint-\(tint.rawValue):checked ~ .scale-\(tint.rawValue) { display: block; }"]
        + (1...levels).flatMap { level in
          let share = level * 12
          func rule(_ sign: String, _ color: String, _ more: String) -> String {
            ".tint-\(tint.rawValue):checked ~ .tokens .\(tint.rawValue)\(sign)\(level), "
              + ".scale .\(tint.rawValue)\(sign)\(level) { background: color-mix(in srgb, "
              + "var(\(color)) \(share)%, transparent);\(more) }"
          }
          return [
            rule("", "--s1", ""),
            // "-" begins no class name by itself, but may stand in one.
            rule("-", "--s2", " box-shadow: inset 0 -2px var(--s2);"),
          ]
        }
    }.joined(separator: "\n") + "\n"
  }
}
