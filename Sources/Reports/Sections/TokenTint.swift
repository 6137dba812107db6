import Foundation

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
          let share = level * 14
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
