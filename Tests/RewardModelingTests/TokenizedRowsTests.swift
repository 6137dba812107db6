import TestSupport
import Testing

@testable import Numerics
@testable import RLHF

@Suite("Rows in tokens, packed")
struct TokenizedRowsTests {
  private func packed(_ rows: [RankedResponses]) -> TokenizedRows {
    var packed = TokenizedRows()
    for row in rows { packed.append(row) }
    return packed
  }

  @Test(
    "are what was put in, whatever the width of their tokens and wherever the widest stands",
    arguments: [[], [255], [256], [65_535], [65_536], [256, 65_536], [Int32.max]] as [[Int32]])
  func widths(wide: [Int32]) {
    var rows = TestRewardModel.rankings(20)
    for (index, token) in wide.enumerated() {
      rows[7 * index + 3].prompt.append(token)
      rows[7 * index + 4].responses[1].append(token)
    }
    #expect(Array(packed(rows)) == rows)
    #expect(rows.indices.allSatisfy { packed(rows).promptLength(at: $0) == rows[$0].prompt.count })
  }

  @Test("have margin, probability and ratings of the rows that have them, from any row on")
  func columns() {
    for first in [0, 5] {
      var rows = TestRewardModel.rankings(9)
      rows[first].margin = 0.5
      rows[first + 2].margin = -1
      rows[first].probability = 0.25
      rows[first + 3].probability = 0
      rows[first + 1].ratings = [1, -2]
      rows[first + 3].ratings = [0]
      rows[first + 2].stepEnds = [0, 4]
      rows[first + 2].ratings = [1, 0]
      #expect(Array(packed(rows)) == rows)
    }
    #expect(packed([]).isEmpty)
  }

  @Test(
    "take one byte per token of a small vocabulary, and some ten per row",
    .disabled(if: isSanitized))
  func memory() {
    let row = RankedResponses(
      prompt: [1, 2, 3, 4], responses: [Array(repeating: 5, count: 20), [6, 7, 8, 9]])
    let before = NumericalLibraries.threadBytes
    var rows = TokenizedRows()
    // Not many more than a power of two, to which the array of places grows: half of it is empty.
    for _ in 0..<70_000 { rows.append(row) }
    let bytes = Double(NumericalLibraries.threadBytes - before) / 70_000
    #expect(rows.count == 70_000)
    let least = 28.0 + 5  // tokens and bounds; places take up to twice 8, and 4 more
    #expect(least < bytes && bytes < least + 20, "\(bytes)")
  }

  @Test("make the pairs of every ranking in their order, as all pairs at once would be")
  func pairs() throws {
    let rows =
      TestRewardModel.rankings(12)
      + TestRewardModel.comparisons(3) + TestRewardModel.rankings(2)
    let all = rows.flatMap { row in
      guard row.responses.count > 2 else { return [row] }
      return row.responses.indices.flatMap { better in
        row.responses[(better + 1)...].map {
          RankedResponses(prompt: row.prompt, responses: [row.responses[better], $0])
        }
      }
    }
    #expect(Set(rows.map(\.responses.count)).count > 1)
    var configuration = RewardConfiguration()
    let elements = try configuration.elements(of: packed(rows))
    #expect(Array(elements) == all && elements.count == all.count)
    configuration.objective = .groupedPairs
    #expect(Array(try configuration.elements(of: packed(rows))) == rows)
  }
}
