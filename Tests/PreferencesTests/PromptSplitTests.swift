import Statistics
import Testing

@testable import Preferences

@Suite struct PromptSplitTests {
  private static let rows = (0..<300).map { index in
    PreferenceRow.comparison(
      Comparison(
        prompt: "p\(index * index % 83 % 50)", chosen: "c\(index)", rejected: "r"))
  }

  private func split(
    _ seed: UInt64, _ fraction: Double = 0.2
  ) throws -> (training: [PreferenceRow], heldOut: [PreferenceRow]) {
    var counts = PromptCounts()
    for row in Self.rows { counts.add(row.prompt) }
    var generator = SeededGenerator(seed: seed)
    let split = counts.split(heldOutFraction: fraction, generator: &generator)
    let heldOut = try SplitRows(Self.rows, by: split, heldOut: true).all
    #expect(heldOut.count == split.heldOutRows)
    return (try SplitRows(Self.rows, by: split, heldOut: false).all, heldOut)
  }

  /// The same from the prompts themselves.
  private func naiveHeldOut(_ seed: UInt64, _ fraction: Double) -> [PreferenceRow] {
    var prompts: [String] = []
    for row in Self.rows where !prompts.contains(row.prompt) { prompts.append(row.prompt) }
    var generator = SeededGenerator(seed: seed)
    var heldOut: [PreferenceRow] = []
    for index in generator.permutation(of: prompts.count).dropLast()
    where Double(heldOut.count) < Double(Self.rows.count) * fraction {
      heldOut += Self.rows.filter { $0.prompt == prompts[index] }
    }
    return Self.rows.filter { heldOut.contains($0) }
  }

  @Test("no prompt is on both sides, no row is lost, and the seed decides")
  func sides() throws {
    let (training, heldOut) = try split(1)
    #expect(Set(training.map(\.prompt)).isDisjoint(with: Set(heldOut.map(\.prompt))))
    #expect(training.count + heldOut.count == 300)
    #expect(heldOut.count >= 60 && heldOut.count < 90)
    #expect(try split(1).heldOut == heldOut)
    #expect(try split(2).heldOut != heldOut)
    #expect(try split(1, 0).heldOut.isEmpty)
    #expect(try !split(1, 1).training.isEmpty)
  }

  @Test("digests split as the prompts themselves would", arguments: [1, 2, 3] as [UInt64])
  func digests(seed: UInt64) throws {
    for fraction in [0.05, 0.2, 0.7] {
      #expect(try split(seed, fraction).heldOut == naiveHeldOut(seed, fraction))
    }
  }
}
