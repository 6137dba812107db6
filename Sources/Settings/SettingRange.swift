/// The values that a number may take, in words.
package protocol SettingRange<Bound>: Sendable {
  associatedtype Bound: Comparable & Sendable
  func contains(_ value: Bound) -> Bool
  /// As in `the value must be …`.
  var requirement: String { get }
}

extension ClosedRange: SettingRange where Bound: SettingValue {
  package var requirement: String { "from \(lowerBound) to \(upperBound)" }
}

extension Range: SettingRange where Bound: SettingValue {
  package var requirement: String { "at least \(lowerBound) and below \(upperBound)" }
}

extension PartialRangeFrom: SettingRange where Bound: SettingValue {
  package var requirement: String { "at least \(lowerBound)" }
}

/// Every value greater than a bound; `Above(0)` is "positive".
package struct Above<Bound: Comparable & Sendable>: SettingRange {
  package let bound: Bound
  package init(_ bound: Bound) { self.bound = bound }
  package func contains(_ value: Bound) -> Bool { value > bound }
  package var requirement: String { "greater than \(bound)" }
}
