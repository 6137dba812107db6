/// A number that a stage records at every step, or at every evaluation: its one declaration, which
/// the recorder, the progress line, warnings, the report, TensorBoard and the page of the
/// documentation read.
package struct Metric: Sendable {
  /// `group/name`, as in `metrics/*.jsonl`.
  package let name: String
  /// A few words, for the progress line and the legend of a chart.
  package let title: String
  package let unit: String
  package let meaning: String
  /// What is wrong beyond the bound, or what to look for where there is none.
  package let concern: String
  /// What a healthy run does not cross.
  package let bound: Bound?
  /// The warning of a run that crosses the bound.
  package let warning: Warning?
  /// The chart of the report that shows it; without one it is shown among other metrics.
  package let chart: Chart?
  /// Whether the progress line shows it.
  package let isWatched: Bool

  init(
    _ name: String, _ title: String, unit: String, _ meaning: String, badSign concern: String,
    bound: Bound? = nil, warning: Warning? = nil, chart: Chart? = nil, isWatched: Bool = false
  ) {
    self.name = name
    self.title = title
    self.unit = unit
    self.meaning = meaning
    self.concern = concern
    self.bound = bound
    self.warning = warning
    self.chart = chart
    self.isWatched = isWatched
  }

  /// `above 0.3: steps are too long`.
  package var badSign: String {
    [bound?.description, concern].compactMap(\.self).joined(separator: ": ")
  }

  /// One line for those who see the number alone.
  package var explanation: String { "\(meaning) (\(unit)). Bad sign: \(badSign)." }
}

extension Metric: Equatable, CustomStringConvertible {
  /// Names are unique.
  package static func == (one: Metric, other: Metric) -> Bool { one.name == other.name }

  package var description: String { name }
}

extension Metric {
  /// What a warning of a run is called in `run.json`.
  package enum Warning: String, Codable, Sendable, CaseIterable {
    case collapsingEntropy = "collapsing-entropy"
    case risingKL = "rising-kl"
    case explodingValueLoss = "exploding-value-loss"
    case equalAdvantages = "equal-advantages"
    case missingEOS = "missing-ends"
    case extremeRatios = "extreme-ratios"
    case frequentClipping = "frequent-clipping"
  }

  /// A level that a healthy run does not cross.
  package struct Bound: Sendable, CustomStringConvertible {
    package enum Scale: Sendable {
      case absolute
      /// Times what the metric was at first.
      case first
      /// Times the tokens of a response, on average.
      case perToken
      /// At the last steps only.
      case atEnd
    }

    package let isUpper: Bool
    package let level: Double
    package let scale: Scale

    package static func above(_ level: Double, _ scale: Scale = .absolute) -> Bound {
      Bound(isUpper: true, level: level, scale: scale)
    }

    package static func below(_ level: Double, _ scale: Scale = .absolute) -> Bound {
      Bound(isUpper: false, level: level, scale: scale)
    }

    package func isCrossed(by value: Double, times factor: Double = 1) -> Bool {
      isUpper ? value > level * factor : value < level * factor
    }

    /// `above 0.3`, `below 0.2 times its first value`.
    package var description: String {
      let level = level.rounded() == level ? "\(Int(level))" : "\(level)"
      let suffix =
        switch scale {
        case .absolute: ""
        case .first: " times its first value"
        case .perToken: " per token"
        case .atEnd: " at the end"
        }
      return (isUpper ? "above " : "below ") + level + suffix
    }
  }

  /// A chart of the report, of all metrics that name it.
  package struct Chart: Sendable {
    package let title: String
    /// Values that the vertical axis covers.
    package let includes: [Double]
    /// Levels to compare with.
    package let levels: [(name: String, value: Double)]
    /// What to look at.
    package let note: String

    init(
      _ title: String, includes: [Double] = [], levels: [(name: String, value: Double)] = [],
      _ note: String = ""
    ) {
      self.title = title
      self.includes = includes
      self.levels = levels
      self.note = note
    }
  }

  /// Whether a step crosses the bound. Bounds at the end of a run are no matter of one step.
  ///
  /// - Parameters:
  ///   - first: what the metric was in the first step that recorded it.
  ///   - value: the metrics of the step.
  package func isCrossed(first: Double?, in value: (Metric) -> Double?) -> Bool {
    guard let bound, let own = value(self) else { return false }
    // A loss that is large because returns are large is no trouble while values follow them.
    if self == .valueLoss, value(.explainedVariance) ?? 0 >= 0 { return false }
    switch bound.scale {
    case .absolute: return bound.isCrossed(by: own)
    case .first: return first.map { bound.isCrossed(by: own, times: $0) } ?? false
    case .perToken:
      return value(.responseLength).map { bound.isCrossed(by: own, times: $0) } ?? false
    case .atEnd: return false
    }
  }

  /// All that runs record, in the order of the stages.
  package static let all =
    supervisedTuning + rewardModel + policyOptimization + costs + directPreference

  /// The declaration of a name of the records; nil where this version does not record it.
  package static func named(_ name: String) -> Metric? {
    if name.hasPrefix("source/") { return source }
    return all.first { $0.name == name }
  }
}

/// A sign that an optimization goes wrong, as PPO reports it and `run.json` has it.
package struct TrainingWarning: Codable, Sendable, Equatable {
  package let kind: Metric.Warning
  /// From 1.
  package let iteration: Int
  /// What was measured, what is usually behind it, and what to try.
  package let text: String

  package init(_ kind: Metric.Warning, iteration: Int, text: String) {
    (self.kind, self.iteration, self.text) = (kind, iteration, text)
  }
}
