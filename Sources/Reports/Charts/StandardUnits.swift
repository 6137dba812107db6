import RunRecords
import Statistics

/// Score and gold in one unit: standard deviations of the SFT policy, both 0 at its mean.
struct StandardUnits {
  /// Mean and spread of the SFT policy; `nil` where it was not evaluated or all its responses are worth
  /// the same, and values are then shown raw.
  let score: Summary?
  let gold: Summary?

  init(_ evaluation: EvaluationSummary?) {
    func scale(_ summary: Summary?) -> Summary? {
      summary.flatMap { $0.standardized($0.mean) == nil ? nil : $0 }
    }
    score = scale(evaluation?.sft?.score)
    gold = scale(evaluation?.sft?.gold)
  }

  subscript(role: LineChart.Series.Role) -> Summary? { role == .gold ? gold : score }

  /// A raw value in this unit.
  func converted(_ raw: Double?, _ role: LineChart.Series.Role) -> Double? {
    raw.map { self[role]?.standardized($0) ?? $0 }
  }

  func score(_ raw: Double?) -> Double? { converted(raw, .score) }
  func gold(_ raw: Double?) -> Double? { converted(raw, .gold) }

  /// What charts of both write beside their title.
  var unit: String { score == nil && gold == nil ? "raw reward" : Self.name }

  static let name = "sd of the SFT policy"
}

extension ReportRecords {
  /// The unit of score and gold on the page.
  var units: StandardUnits { StandardUnits(evaluation) }
}

extension LineChart.Series {
  /// Which of the two rewards a line shows. Each has one colour, line and mark wherever it is drawn.
  enum Role: String {
    /// What the reward model, or another judge, says.
    case score
    case gold
  }

  /// A line of a reward, converted, that knows its raw values.
  static func reward(
    _ role: Role, named name: String? = nil, _ points: [LineChart.Point], in units: StandardUnits,
    isScattered: Bool = false, isOpen: Bool = false
  ) -> Self {
    Self(
      name: name ?? role.rawValue,
      points: points.map { .init(x: $0.x, y: units.converted($0.y, role)) },
      isScattered: isScattered, role: role, isOpen: isOpen, scale: units[role])
  }
}
