import Foundation

/// Decimal numbers as every output of a run writes them, so that a figure reads alike wherever it is.
package enum DecimalText {
  /// Exactly so many decimals, and a zero without a sign. A number halfway between two goes to the even
  /// one, so that parts which add up to 100 still do when they are rounded.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    let text = String(format: "%.\(decimals)f", roundedHalves(value, decimals))
    return text.hasPrefix("-") && text.allSatisfy { "-0.".contains($0) }
      ? String(text.dropFirst()) : text
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
}
