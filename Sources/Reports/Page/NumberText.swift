import Foundation
import RunRecords

/// Numbers as a reader wants them: a true minus sign, no more digits than mean something.
enum NumberText {
  /// About three significant digits; exponents only for what is very small or very large.
  static func short(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    let size = abs(value)
    if size == 0 { return "0" }
    if size < 0.001 || size >= 1e6 { return exponential(value) }
    var text = fixed(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3)
    if text.contains(".") {
      while text.hasSuffix("0") { text.removeLast() }
      if text.hasSuffix(".") { text.removeLast() }
    }
    return text
  }

  /// Exactly `digits` decimals; see `DecimalText`.
  static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "–" }
    return DecimalText.fixed(value, digits).replacing("-", with: "−")
  }

  /// As `fixed`, with a plus sign where there is no minus.
  static func signed(_ value: Double, _ digits: Int) -> String {
    let text = fixed(value, digits)
    return text.hasPrefix("−") || !value.isFinite ? text : "+" + text
  }

  /// A fraction in 0...1 as a percentage with one decimal, which no line break parts from its sign.
  static func percent(_ fraction: Double) -> String {
    fixed(fraction * 100, 1) + "\u{A0}%"
  }

  /// `9.8 s`, `2 min 05 s`, `1 h 02 min`.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, abs(seconds) < 1e9 else { return "–" }
    if seconds < 60 { return fixed(seconds, 1) + " s" }
    let whole = Int(seconds.rounded())
    return whole < 3600
      ? String(format: "%d min %02d s", whole / 60, whole % 60)
      : String(format: "%d h %02d min", whole / 3600, whole / 60 % 60)
  }

  /// For drawing: one decimal, a plain minus.
  static func coordinate(_ value: Double) -> String {
    String(format: "%.1f", value)
  }

  private static func exponential(_ value: Double) -> String {
    let parts = String(format: "%.1e", value).split(separator: "e")
    guard let mantissa = parts.first, let power = parts.last.flatMap({ Int($0) }) else {
      return "\(value)"
    }
    let exponent = String(power).map { superscripts[$0] ?? "" }.joined()
    return mantissa.replacing("-", with: "−") + "·10" + exponent
  }

  private static let superscripts: [Character: String] = [
    "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷",
    "8": "⁸", "9": "⁹",
  ]
}
