import LanguageModels
import Numerics
import TestSupport
import Testing

@Suite("A key-value cache")
struct CacheTests {
  private func rows(_ logits: Tensor) -> [[Float]] {
    (0..<logits.rows).map {
      Array(logits.values[$0 * logits.columns..<($0 + 1) * logits.columns])
    }
  }

  @Test(
    "gives the logits of whole sequences, however the tokens are fed",
    arguments: TestModels.families)
  func logits(family: DecoderConfiguration.Family) throws {
    let model = try TestModels.language(family)
    let long: [Int32] = [3, 1, 4, 1, 5, 9, 2, 6]
    let short: [Int32] = [7, 7, 0, 18]
    let cache = KeyValueCache(for: model.configuration, slots: 3, capacity: 8)
    let tape = Tape(recording: false)
    /// Feeds pieces to slots; returns the logits of each piece's tokens.
    func feed(_ pieces: [(slot: Int, tokens: ArraySlice<Int32>)]) -> [[Float]] {
      var batch = PackedBatch()
      for piece in pieces {
        batch.append(piece.tokens, firstPosition: cache.length(of: piece.slot))
      }
      cache.slots = pieces.map(\.slot)
      return rows(
        model.logits(model.hiddenStates(of: batch, on: tape, cache: cache), on: tape).value)
    }
    let first = feed([(2, long[..<3]), (0, short[..<1])])
    let second = feed([(0, short[1..<2]), (2, long[3..<5])])
    #expect((cache.length(of: 0), cache.length(of: 1), cache.length(of: 2)) == (2, 0, 5))
    cache.copy(slot: 2, to: 1...2)
    #expect((cache.length(of: 1), cache.length(of: 2)) == (5, 5))
    let third = feed([(2, long[5...]), (0, short[2...]), (1, short[..<1])])

    let (longExpected, shortExpected) = (uncachedLogits(model, long), uncachedLogits(model, short))
    let branchExpected = uncachedLogits(model, Array(long[..<5]) + [short[0]])
    let found = first + second + third
    var expected = Array(longExpected[..<3])
    expected.append(shortExpected[0])
    expected.append(shortExpected[1])
    expected += longExpected[3...]
    expected += shortExpected[2...]
    expected.append(branchExpected[5])
    #expect(found.count == expected.count)
    for (a, b) in zip(found, expected) { #expect(largestDifference(a, b) < .decoderRounding) }
  }
}
