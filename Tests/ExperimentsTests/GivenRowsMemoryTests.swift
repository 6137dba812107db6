import Foundation
import Numerics
import Preferences
import Testing

@testable import Experiments

@Suite("Rows of a long file")
struct GivenRowsMemoryTests {
  @Test("take a tenth of the memory of their texts, for training and evaluation")
  func memory() throws {
    let place = FileManager.default.temporaryDirectory
      .appending(path: "GivenRowsMemoryTests-\(UUID().uuidString).jsonl")
    defer { try? FileManager.default.removeItem(at: place) }
    let count = 20_000
    let rows = (0..<count).map {
      PreferenceRow.comparison(
        Comparison(
          prompt: $0.isMultiple(of: 2) ? "the soup" : "the bed", chosen: "was good",
          rejected: "was very very bad", probability: 0.75, chosenGold: 1, rejectedGold: -1))
    }
    try PreferenceFile.write(rows, to: place)
    let source = try PreferenceSource(place)
    let loop = try makeLoop()
    let before = NumericalLibraries.threadBytes
    let training = try loop.tokenize(source, positions: 13, purpose: "training")
    let between = NumericalLibraries.threadBytes
    let heldOut = try loop.heldOutRows(Judgements(of: source), positions: 13)
    let after = NumericalLibraries.threadBytes
    #expect(training.count == count && heldOut.pairs.count == count)
    // 12 tokens, 5 numbers of the row and its place, which is in an array that may be half empty;
    // and a piece of tokens that is not yet full.
    let row = 12 + 5 + 2 * 8
    let piece = 1 << 18
    #expect(between - before < count * row + piece, "\((between - before) / count)")
    // Three numbers that may be missing are known of each pair besides.
    #expect(after - between < count * (row + 2 * 48) + piece, "\((after - between) / count)")
  }
}
