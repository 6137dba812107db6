/// How rewards of steps agree with their labels, in rows that are given one by one.
///
/// ProcessBench (Zheng et al. 2024, arXiv 2412.06559) judges a row by the first step that is said to be
/// wrong, here the first with a reward below 0.
package struct StepAgreement: Sendable, Equatable {
  private var rightSteps = 0.0
  private var stepCount = 0
  private var found = 0
  private var withError = 0
  private var passed = 0
  private var withoutError = 0

  package init() {}

  package mutating func add(rewards: [Double], labels: [Bool]) {
    precondition(rewards.count == labels.count, "a reward for every step")
    rightSteps += zip(rewards, labels).reduce(0) {
      $0 + ($1.0 == 0 ? 0.5 : ($1.0 > 0) == $1.1 ? 1 : 0)
    }
    stepCount += labels.count
    let firstSaid = rewards.firstIndex { $0 < 0 }
    if let first = labels.firstIndex(of: false) {
      withError += 1
      if firstSaid == first { found += 1 }
    } else {
      withoutError += 1
      if firstSaid == nil { passed += 1 }
    }
  }

  /// Rows.
  package var count: Int { withError + withoutError }

  package var figures: StepFigures {
    let firstErrors = Proportion(successes: Double(found), of: withError)
    let withoutErrors = Proportion(successes: Double(passed), of: withoutError)
    let (a, b) = (firstErrors.value, withoutErrors.value)
    return StepFigures(
      accuracy: Proportion(successes: rightSteps, of: stepCount), firstErrors: firstErrors,
      withoutErrors: withoutErrors,
      f1: withError == 0 || withoutError == 0 ? nil : a + b > 0 ? 2 * a * b / (a + b) : 0)
  }
}

/// How well rewards of steps agree with their labels.
package struct StepFigures: Codable, Sendable, Equatable {
  /// Share of the steps whose reward is on the side of 0 that the label says; 0 itself counts as half.
  package let accuracy: Proportion
  /// Of the rows with a wrong step, the share in which exactly the first wrong one is found.
  package let firstErrors: Proportion
  /// Of the rows without a wrong step, the share in which none is said to be wrong.
  package let withoutErrors: Proportion
  /// ProcessBench's F1, the harmonic mean of these two; 0 where one of them is, nil without rows of
  /// both kinds.
  package let f1: Double?

  private enum CodingKeys: String, CodingKey {
    case accuracy, f1
    case firstErrors = "first_errors"
    case withoutErrors = "without_errors"
  }
}
