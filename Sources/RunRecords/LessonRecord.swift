package import Foundation
import Statistics

/// lesson.json: what a lesson asked, what was run, and what became of each claim.
package struct LessonRecord: Codable, Sendable, Equatable {
  /// The lesson's name.
  package var lesson: String
  package var title: String
  package var question: String
  /// What could be expected, and which of these the recorded seeds showed, from 1.
  package var choices: [String]
  package var answer: Int
  /// What was expected before the run, from 1; nil where nobody was asked.
  package var expected: Int?
  package var explanation: String
  package var arms: [Arm]
  package var seeds: [UInt64]
  /// Whether it ran at the smaller size for a class, for which no claims were measured.
  package var isQuick: Bool
  package var claims: [Claim]
  package var next: [String]
  package var reading: [String]

  /// Runs that differ from those of other arms in one thing.
  package struct Arm: Codable, Sendable, Equatable {
    package var name: String
    /// Its settings, as after `--set`.
    package var settings: [String]

    package init(name: String, settings: [String]) {
      (self.name, self.settings) = (name, settings)
    }
  }

  /// A claim with its verdict.
  package struct Claim: Codable, Sendable, Equatable {
    /// In words.
    package var claim: String
    /// What was compared, such as `gain_sd.gold of none - weak > 0.5, mean over seeds`.
    package var statement: String
    package var holds: Bool
    /// The mean over seeds with its 95 % interval by Student's t; nil where a figure is missing.
    package var value: Double?
    package var low: Double?
    package var high: Double?
    package var threshold: Double
    /// Seeds on which the figure is beyond the threshold, of those with a figure.
    package var seedsHolding: Int
    package var seedsCounted: Int
    /// Why there is no verdict.
    package var problem: String?

    package init(
      claim: String, statement: String, holds: Bool, value: Double? = nil, low: Double? = nil,
      high: Double? = nil, threshold: Double, seedsHolding: Int = 0, seedsCounted: Int = 0,
      problem: String? = nil
    ) {
      (self.claim, self.statement, self.holds) = (claim, statement, holds)
      (self.value, self.low, self.high, self.threshold) = (value, low, high, threshold)
      (self.seedsHolding, self.seedsCounted) = (seedsHolding, seedsCounted)
      self.problem = problem
    }

    /// The numbers behind the verdict in one line.
    package var finding: String {
      if let problem { return problem }
      guard let value else { return "" }
      var text = NumberText.fixed(value, 2)
      if let low, let high {
        text += " [\(NumberText.fixed(low, 2)), \(NumberText.fixed(high, 2))]"
      }
      return text + ", on \(seedsHolding) of \(seedsCounted) seeds"
    }

    private enum CodingKeys: String, CodingKey {
      case claim, statement, holds, value, low, high, threshold, problem
      case seedsHolding = "seeds_holding"
      case seedsCounted = "seeds_counted"
    }
  }

  package init(
    lesson: String, title: String, question: String, choices: [String], answer: Int,
    expected: Int?, explanation: String, arms: [Arm], seeds: [UInt64], isQuick: Bool,
    claims: [Claim], next: [String], reading: [String]
  ) {
    (self.lesson, self.title, self.question) = (lesson, title, question)
    (self.choices, self.answer, self.expected) = (choices, answer, expected)
    (self.explanation, self.arms, self.seeds, self.isQuick) = (explanation, arms, seeds, isQuick)
    (self.claims, self.next, self.reading) = (claims, next, reading)
  }

  private enum CodingKeys: String, CodingKey {
    case lesson, title, question, choices, answer, expected, explanation, arms, seeds, claims, next
    case reading
    case isQuick = "quick"
  }

  /// Writes lesson.json atomically.
  ///
  /// - Throws: `notFinite` or `unwritable`.
  package func write(to url: URL) throws(RunRecordsError) { try RecordJSON.write(self, to: url) }
}
