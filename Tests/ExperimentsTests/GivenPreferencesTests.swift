import Foundation
import LanguageModels
import Preferences
import RLHF
import RunRecords
import Statistics
import Testing

@testable import Experiments

@Suite("Preference rows from files")
struct GivenPreferencesTests {
  /// A policy as `--base` names it, and files of rows beside it.
  private final class Files {
    let loop: AlignmentLoop
    let policy: LanguageModel
    let base: LoadedModel<LanguageModel>
    private let directory: URL

    init(_ settings: [String] = []) throws {
      directory = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
        .appending(path: "GivenPreferencesTests-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      // A third of the rows is held out.
      loop = try makeLoop(["preferences.pairs=2000", "preferences.held_out_pairs=1000"] + settings)
      policy = try loop.trainPolicy()
      try policy.save(to: directory, specialTokens: loop.specialTokens)
      try loop.tokenizer.save(to: directory)
      base = try LoadedModel(policy: directory)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func given(
      _ rows: [PreferenceRow], heldOut others: [PreferenceRow]? = nil
    ) throws -> GivenPreferences {
      func file(_ name: String, _ rows: [PreferenceRow]) throws -> URL {
        let place = directory.appending(path: name)
        try PreferenceFile.write(rows, to: place)
        return place
      }
      return try GivenPreferences(
        [file("rows.jsonl", rows)],
        heldOut: others.map { [try file("others.jsonl", $0)] } ?? [], for: base,
        scenario: loop.scenario, seed: 1)
    }
  }

  private static let long = Array(repeating: "good", count: 20).joined(separator: " ")

  private func rating(_ prompt: String, _ response: String, _ rating: Double) -> PreferenceRow {
    .rating(Rating(prompt: prompt, response: response, rating: rating))
  }

  private func comparison(_ prompt: String) -> PreferenceRow {
    .comparison(Comparison(prompt: prompt, chosen: "was good", rejected: "was bad"))
  }

  @Test("ratings alone are enough for training and evaluation, if prompts have two of them")
  func ratingsAlone() throws {
    let files = try Files(["reward.objective=regression"])
    func given(ratings: [Double]) throws -> GivenPreferences {
      try files.given(
        ["soup", "bed", "tea", "view", "room"].flatMap { noun in
          zip(["was good", "was bad"], ratings).map { rating("the \(noun)", $0, $1) }
        })
    }
    let rows = try given(ratings: [1, -1])
    var (training, heldOut): ([PreferenceRow], [Comparison]) = ([], [])
    try rows.training.forEachRow { training.append($0) }
    try rows.heldOut.forEachRow { heldOut.append($0) }
    #expect(training.count == 6 && heldOut.count == 2)
    #expect(heldOut.allSatisfy { $0.chosen == "was good" && $0.rejected == "was bad" })
    #expect(Set(heldOut.map(\.prompt)).isDisjoint(with: training.map(\.prompt)))
    #expect(rows.notes.allSatisfy { !$0.contains("left out: 1") && !$0.contains("ratings are") })
    let report = try files.loop.trainReward(
      from: files.policy, training: rows.training, heldOut: rows.heldOut
    ).report
    #expect(report.accuracy?.count == 2)
    let error = try #require(throws: LoopError.self) { try given(ratings: [1, 1]) }
    #expect("\(error)".contains("none of the rows held out says which"))
  }

  @Test(
    "held-out ratings that make no pair are counted by kind; the others lose no partner by them")
  func unpairedRatings() throws {
    let files = try Files()
    let rows = try files.given(
      [comparison("the view")],
      heldOut: [
        rating("the soup", "was good", 2), rating("the soup", Self.long, 1),
        rating("the soup", "was bad", 0), rating("the bed", "was good", 1),
        rating("the bed", "was bad", 1), rating("", "was bad", 1),
      ])
    var heldOut: [Comparison] = []
    try rows.heldOut.forEachRow { heldOut.append($0) }
    withExtendedLifetime(files) {}
    #expect(heldOut == [Comparison(prompt: "the soup", chosen: "was good", rejected: "was bad")])
    let note = "4 of 6 held-out ratings are left out: 1 longer than the model's 13 positions, "
    #expect(
      rows.notes.contains(
        note + "1 without a prompt, 2 with no other rating of their prompt to compare with"))
  }

  @Test("where no row can be used, the kinds are said; words that are not known are counted")
  func unusable() throws {
    let files = try Files()
    let long = PreferenceRow.comparison(
      Comparison(prompt: "the soup", chosen: Self.long, rejected: "was bad"))
    let error = try #require(throws: LoopError.self) {
      try files.given([long, long], heldOut: [comparison("the tea")])
    }
    #expect(
      "\(error)".contains("none of the 2 training rows can be used: 2 longer than the model's"))
    let recording = Recording()
    let loop = try makeLoop(observer: recording)
    // The token itself is a word that a policy may write.
    let strange = Comparison(prompt: "the qux", chosen: "was qux <unk>", rejected: "was bad")
    _ = try loop.heldOutRows([strange], positions: 13)
    #expect(
      recording.notes == [
        "2 words of the held-out comparisons are not in the vocabulary and are read as `<unk>`"
      ])
  }

  @Test("prompts that differ in white space alone are on one side")
  func whiteSpace() throws {
    let files = try Files()
    for (index, noun) in ["soup", "bed", "tea", "view", "room"].enumerated() {
      let rows = try files.given(
        ["the \(noun)", "the\t\(noun)", " the  \(noun)\n"].map(comparison)
          + ["pool", "cake"].map { comparison("the \($0) \(index)") })
      var sides: [Set<String>] = [[], []]
      try rows.training.forEachRow { sides[0].insert($0.prompt) }
      try rows.heldOut.forEachRow { sides[1].insert($0.prompt) }
      let words = sides.map { Set($0.map { $0.split(whereSeparator: \.isWhitespace) }) }
      #expect(words[0].isDisjoint(with: words[1]) && sides[0].union(sides[1]).count == 5)
    }
  }

  @Test("prompts in both training and held-out rows are counted in a note")
  func sharedPrompts() throws {
    let files = try Files()
    let training = [comparison("the soup"), comparison("the bed")]
    let apart = try files.given(training, heldOut: [comparison("the tea")])
    #expect(apart.notes.count == 2)
    let shared = try files.given(
      training, heldOut: [comparison("the tea"), comparison("the bed")])
    #expect(
      shared.notes.contains {
        $0.hasPrefix("1 of 2 rows of ") && $0.contains("others.jsonl have a prompt that is trained")
      })
  }
}
