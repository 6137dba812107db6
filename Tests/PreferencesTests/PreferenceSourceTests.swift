import Foundation
import Testing

@testable import Preferences

@Suite("Rows that are gone through again")
struct PreferenceSourceTests {
  private func pipe(_ text: String) throws -> FileHandle {
    let pipe = Pipe()
    try pipe.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    try pipe.fileHandleForWriting.close()
    return pipe.fileHandleForReading
  }

  private static let text = """
    {"prompt":"p","chosen":"a","rejected":"b"}
    {"prompt":"p","chosen":"a","rejected":"a"}
    {"prompt":"q","response":"a","rating":2}

    """

  @Test("standard input says the same every time, as a file does")
  func standardInput() throws {
    let file = try TemporaryFile(Self.text)
    let stored = try PreferenceSource(file.url)
    let piped = try PreferenceSource(URL(filePath: "-"), standardInput: pipe(Self.text))
    let rows = try stored.all
    #expect(rows.count == 2, "a row that teaches nothing is left out")
    for _ in 0..<3 { #expect(try piped.all == rows) }
    #expect(piped.name == "standard input" && stored.name == file.url.path)
    // Going through them may end early.
    var seen = 0
    try piped.forRows { _ in
      seen += 1
      return false
    }
    #expect(seen == 1)
    #expect(try piped.all == rows)
  }

  @Test("a named pipe is read once, messages have its name, and its copy is deleted")
  func namedPipe() throws {
    let file = try TemporaryFile()
    let place = file.url.deletingLastPathComponent().appending(path: "rows.fifo")
    #expect(mkfifo(place.path, 0o600) == 0)
    let writer = Thread {
      try? Data((Self.text + "{").utf8).write(to: place)
    }
    writer.start()
    func copies() throws -> [String] {
      try FileManager.default.contentsOfDirectory(
        atPath: FileManager.default.temporaryDirectory.path
      ).filter { $0.hasPrefix("rlhf-sim-") && $0.hasSuffix(".jsonl") }
    }
    let before = try copies()
    let source = try PreferenceSource(place)
    for _ in 0..<2 {
      var rows = 0
      let error = #expect(throws: PreferenceError.self) {
        try source.forEachRow { _ in rows += 1 }
      }
      #expect(rows == 2)
      #expect("\(try #require(error))".hasPrefix("\(place.path):4: "))
    }
    // Other tests make copies at the same time, and they are gone in a moment; one that is left stays.
    var left = Set(try copies()).subtracting(before)
    for _ in 0..<200 where !left.isEmpty {
      Thread.sleep(forTimeInterval: 0.01)
      left.formIntersection(try copies())
    }
    #expect(left.isEmpty, "\(left)")
  }

  @Test("an error of whoever writes the rows passes through, and the file stays as it was")
  func interruption() throws {
    struct Interruption: Error {}
    struct Rows: RowStream {
      func forEachRow(_ body: (PreferenceRow) throws -> Void) throws { throw Interruption() }
    }
    let file = try TemporaryFile("old")
    #expect(throws: Interruption.self) { try PreferenceFile.write(Rows(), to: file.url) }
    #expect(try file.text == "old")
  }
}

@Suite struct JudgementTests {
  @Test("two different ratings of a prompt make a held-out pair, each rating once at most")
  func ratedPairs() throws {
    func rating(_ prompt: String, _ response: String, _ rating: Double) -> PreferenceRow {
      .rating(Rating(prompt: prompt, response: response, rating: rating))
    }
    let comparison = Comparison(prompt: "the tea", chosen: "was good", rejected: "was bad")
    let rows = [
      rating("the soup", "was good", 1), rating("the bed", "was bad", -1),
      rating("the soup", "was bad", -2), rating("the bed", "was cold", -1),
      rating("the soup", "was not bad", 0.5), rating("the bed", "was good", 2),
      .comparison(comparison),
    ]
    #expect(
      try Judgements(of: rows).all == [
        comparison,
        Comparison(prompt: "the soup", chosen: "was good", rejected: "was bad"),
        Comparison(prompt: "the bed", chosen: "was good", rejected: "was cold"),
      ])
    #expect(try Judgements(of: rows, pairingRatings: nil).all == [comparison])
  }

  @Test("ratings wait for one that differs, whatever stands between, and the rest are counted")
  func waitingRatings() throws {
    func rating(_ response: String, _ rating: Double) -> Rating {
      Rating(prompt: "the soup", response: response, rating: rating)
    }
    var pairs = RatingPairs()
    #expect(pairs.add(rating("a", 1)) == nil && pairs.add(rating("b", 1)) == nil)
    #expect(pairs.add(rating("c", 2)).map { $0.chosen + $0.rejected } == "cb")
    // Otherwise rated, but of the response that waits: it contradicts, and has no partner.
    #expect(pairs.add(rating("a", 3)) == nil)
    #expect(pairs.unpaired == 2)
    #expect(pairs.add(rating("d", 0)).map { $0.chosen + $0.rejected } == "ad")
    #expect(pairs.unpaired == 1)

    let rows = [rating("a", 1), rating("too long", 2), rating("c", 3)].map(PreferenceRow.rating)
    let judgements = Judgements(of: rows) { $0.response != "too long" }
    #expect(try judgements.all.map { $0.chosen + $0.rejected } == ["ca"])
  }

  @Test("a ranking makes all its pairs, the better response first")
  func rankedPairs() throws {
    let row = PreferenceRow.ranking(
      Ranking(prompt: "p", responses: ["a", "b", "c"], ranking: [2, 0, 1]))
    #expect(
      try Judgements(of: [row]).all.map { $0.chosen + $0.rejected } == ["ca", "cb", "ab"])
  }
}
