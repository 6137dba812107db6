import Foundation

/// Numbers as every output of a run writes them, so that a figure reads alike wherever it is. Those
/// that begin with `plain` are for terminals and data, with a hyphen for a minus; the others are for
/// pages.
package enum NumberText {
  /// Exactly so many decimals, and a zero without a sign. A number halfway between two goes to the
  /// even one, so that parts which add up to 100 still do when they are rounded.
  package static func plain(_ value: Double, _ decimals: Int) -> String {
    let text = String(format: "%.\(decimals)f", roundedHalves(value, decimals))
    return text.hasPrefix("-") && text.allSatisfy { "-0.".contains($0) }
      ? String(text.dropFirst()) : text
  }

  /// A fraction in 0...1 as a percentage with one decimal.
  package static func plainPercent(_ fraction: Double) -> String {
    plain(fraction * 100, 1) + " %"
  }

  /// `1.2e-05`
  package static func plainScientific(_ value: Double, _ decimals: Int) -> String {
    String(format: "%.\(decimals)e", value)
  }

  /// `m:ss`, or `h:mm:ss` from an hour on; what has begun counts as a whole second.
  package static func plainClock(_ seconds: Double) -> String {
    guard seconds < 1e7 else { return "days" }
    let whole = Int(seconds.rounded(.up))
    return whole < 3600
      ? String(format: "%d:%02d", whole / 60, whole % 60)
      : String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
  }

  /// Three decimals for what is near one, exponents for what is far away: for a line of progress.
  package static func plainShort(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "not a number" : "infinite" }
    let size = abs(value)
    if size != 0, size < 0.001 || size >= 100_000 { return plainScientific(value, 1) }
    return plain(value, size >= 100 ? 1 : 3)
  }

  /// About three significant digits; exponents only for what is very small or very large.
  package static func short(_ value: Double) -> String {
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

  /// Exactly `digits` decimals, as ``plain(_:_:)``.
  package static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "–" }
    return plain(value, digits).replacing("-", with: "−")
  }

  /// As `fixed`, with a plus sign where there is no minus.
  package static func signed(_ value: Double, _ digits: Int) -> String {
    let text = fixed(value, digits)
    return text.hasPrefix("−") || !value.isFinite ? text : "+" + text
  }

  /// A fraction in 0...1 as a percentage with one decimal, which no line break parts from its sign.
  package static func percent(_ fraction: Double) -> String {
    fixed(fraction * 100, 1) + "\u{A0}%"
  }

  /// `9.8 s`, `2 min 05 s`, `1 h 02 min`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, abs(seconds) < 1e9 else { return "–" }
    if seconds < 60 { return fixed(seconds, 1) + " s" }
    let whole = Int(seconds.rounded())
    return whole < 3600
      ? String(format: "%d min %02d s", whole / 60, whole % 60)
      : String(format: "%d h %02d min", whole / 3600, whole / 60 % 60)
  }

  /// `1.9 MB`, in powers of ten.
  package static func bytes(_ value: Double) -> String {
    for (unit, size) in [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] where value >= size {
      return "\(fixed(value / size, 1))\u{A0}\(unit)"
    }
    return "\(fixed(value, 0))\u{A0}B"
  }

  /// `125k`, `1.3M`.
  package static func count(_ value: Double) -> String {
    if value >= 1e6 { return fixed(value / 1e6, 1) + "M" }
    return value >= 1e3 ? fixed(value / 1e3, 0) + "k" : fixed(value, 0)
  }

  /// For drawing: one decimal, a plain minus.
  package static func coordinate(_ value: Double) -> String {
    String(format: "%.1f", value)
  }

  /// A number that is a half as written, such as 14.95, rounded to even; any other as it is.
  ///
  /// Formatting rounds the binary number, which lies beside the half: 14.95 down, and 85.05 too.
  private static func roundedHalves(_ value: Double, _ decimals: Int) -> Double {
    let power = pow(10, Double(decimals))
    let scaled = value * power
    let half = scaled.rounded(.down) + 0.5
    // Beyond this a half is not told from its neighbours.
    guard abs(scaled) < 1e9, abs(scaled - half) <= abs(scaled) * 1e-14 else { return value }
    return half.rounded(.toNearestOrEven) / power
  }

  private static func exponential(_ value: Double) -> String {
    let parts = plainScientific(value, 1).split(separator: "e")
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
