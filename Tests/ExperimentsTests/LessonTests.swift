import Foundation
import RLHF
import RunRecords
import Settings
import Testing

@testable import Experiments

/// Lessons: how they are read, what runs, and the verdicts of their claims.
@Suite struct LessonTests {
  private func claim(_ text: String) throws -> LessonClaim {
    let document = try SettingsDocument(yaml: text, file: "claim.yaml")
    return try document.read()
  }

  private let figures: [String: [UInt64: [String: Double]?]] = [
    "none": [1: ["gold": -1], 2: ["gold": -2], 3: ["gold": -3]],
    "weak": [1: ["gold": 1], 2: ["gold": 0], 3: ["gold": 2]],
  ]

  @Test("the interval of the mean over seeds has to be beyond the threshold")
  func meanOverSeeds() throws {
    // Mean −2, sd 1, t(2) 4.303: −2 ± 2.484.
    let holds = try claim("{ claim: falls, figure: gold, arm: none, below: 0.5 }").verdict(figures)
    #expect(holds.holds && holds.value == -2 && holds.seedsHolding == 3)
    #expect(abs((holds.low ?? 0) + 4.484) < 1e-3 && abs((holds.high ?? 0) - 0.484) < 1e-3)
    let fails = try claim("{ claim: falls, figure: gold, arm: none, below: 0.4 }").verdict(figures)
    #expect(!fails.holds && fails.seedsHolding == 3)
    let above = try claim("{ claim: rises, figure: gold, arm: weak, above: -1.5 }").verdict(figures)
    #expect(above.holds && above.value == 1)  // 1 ± 2.484
    #expect(
      try !claim("{ claim: rises, figure: gold, arm: weak, above: -1.4 }").verdict(figures).holds)
  }

  @Test("arms are compared seed by seed, and every seed may have to agree")
  func everySeed() throws {
    // 2, 2, 5
    let all = try claim(
      "{ claim: more, figure: gold, arm: weak, minus: none, above: 1.9, statistic: every }"
    ).verdict(figures)
    #expect(all.holds && all.value == 3 && all.seedsHolding == 3 && all.seedsCounted == 3)
    let some = try claim(
      "{ claim: more, figure: gold, arm: weak, minus: none, above: 2, statistic: every }"
    ).verdict(figures)
    #expect(!some.holds && some.seedsHolding == 1)
    #expect(some.statement == "gold of weak minus that of none > 2, on every seed")
  }

  @Test("two figures of a run are compared, and a difference may have to be small")
  func figuresAndMargins() throws {
    let figures: [String: [UInt64: [String: Double]?]] = [
      "one": [1: ["gold": 1, "score": 1.5], 2: ["gold": 2, "score": 2.6]],
      "two": [1: ["gold": 1.4, "score": 0], 2: ["gold": 1.7, "score": 0]],
    ]
    let gap = try claim(
      "{ claim: gap, figure: score, minus_figure: gold, arm: one, above: 0.4, statistic: every }"
    )
    .verdict(figures)
    #expect(gap.holds && abs((gap.value ?? 0) - 0.55) < 1e-12)
    #expect(gap.statement == "score of one minus gold > 0.4, on every seed")
    // 0.1, 0.9
    let across = try claim(
      "{ claim: gap, figure: score, minus_figure: gold, arm: one, minus: two, above: 0, statistic: every }"
    )
    .verdict(figures)
    #expect(abs((across.value ?? 0) - 0.5) < 1e-12)
    #expect(across.statement == "score of one minus gold of two > 0, on every seed")
    let near =
      "{ claim: alike, figure: gold, arm: one, minus: two, within: 0.41, statistic: every }"
    #expect(try claim(near).verdict(figures).holds)  // −0.4, 0.3
    let far = try claim(near.replacing("0.41", with: "0.35")).verdict(figures)
    #expect(!far.holds && far.seedsHolding == 1)
    #expect(far.statement == "gold of one minus that of two within ± 0.35, on every seed")
    // The interval of two seeds is far wider than their values.
    #expect(try !claim(near.replacing(", statistic: every", with: "")).verdict(figures).holds)
    let unknown = try claim("{ claim: gap, figure: score, minus_figure: golt, arm: one, above: 0 }")
      .verdict(figures)
    #expect(unknown.problem?.contains("no figure `golt`") == true)
  }

  @Test("a failed run or a figure that nobody has gives no verdict, and says so")
  func noVerdict() throws {
    var broken = figures
    broken["weak"]?[2] = .some(nil)
    let failed = try claim("{ claim: more, figure: gold, arm: weak, minus: none, above: 0 }")
      .verdict(broken)
    #expect(!failed.holds && failed.problem == "the run of weak, seed 2 failed")
    let misspelt = try claim("{ claim: more, figure: golt, arm: weak, above: 0 }").verdict(figures)
    #expect(!misspelt.holds && misspelt.problem?.contains("did you mean `gold`?") == true)
  }

  private let lesson = """
    title: A lesson
    question: What?
    choices: [this, that]
    scenario: exact
    arms: { one: {}, two: { ppo.iterations: 2 } }
    seeds: 4-5
    claims: [{ claim: more, figure: gain_sd.gold, arm: two, above: 0 }]
    quick: { set: { ppo.iterations: 1 }, seeds: 7 }
    """

  private func read(_ yaml: String) throws -> Lesson {
    let document = try SettingsDocument(yaml: yaml, file: "lesson.yaml")
    return try document.read()
  }

  @Test("every arm runs with every seed; a smaller size and options change them")
  func cells() throws {
    let lesson = try read(self.lesson)
    let file = URL(filePath: "lesson.yaml")
    let whole = try lesson.cells(isQuick: false, besides: file).cells
    #expect(whole.map(\.labels) == [["one"], ["one"], ["two"], ["two"]])
    #expect(whole.map(\.seed) == [4, 5, 4, 5])
    #expect(whole[2].scenario.ppo.iterations == 2 && whole[0].scenario.ppo.iterations > 2)
    let quick = try lesson.cells(
      isQuick: true, overrides: ["evaluation.responses=8"], besides: file
    ).cells
    #expect(quick.map(\.seed) == [7, 7] && quick[0].scenario.ppo.iterations == 1)
    #expect(quick.allSatisfy { $0.scenario.evaluation.responses == 8 })
    #expect(try lesson.cells(seeds: "1-3", isQuick: true, besides: file).cells.count == 6)
  }

  @Test(
    "what a lesson cannot mean is refused with its line",
    arguments: [
      ("arm: two", "arm: three", "lesson.yaml:7: `claims[0].arm`: there is no arm `three`"),
      ("above: 0", "above: 0, below: 1", "lesson.yaml:7: `claims[0]`: a claim has one threshold"),
      (", arm: two", "", "lesson.yaml:7: `claims[0].arm`: the claim does not say of which arm"),
      ("seeds: 4-5", "answer: 3", "lesson.yaml:6: `answer`: there is no choice 3"),
      ("two: {", "two: { ppo.iteration: 3, ", "`ppo.iteration`: unknown key"),
    ])
  func refused(text: String, replacement: String, problem: String) throws {
    let error = try #require(throws: SettingsError.self) {
      let lesson = try read(self.lesson.replacing(text, with: replacement))
      _ = try lesson.cells(isQuick: false, besides: URL(filePath: "lesson.yaml"))
    }
    #expect("\(error)".contains(problem), "\(error)")
  }

  @Test("every lesson that ships can be run at both sizes, and has what a class needs")
  func shipped() throws {
    let names = ProjectFiles.lessonNames()
    #expect(names.contains("reference"))
    for name in names {
      let (lesson, file) = try ProjectFiles.lesson(name)
      for isQuick in [false, true] {
        let cells = try lesson.cells(isQuick: isQuick, besides: file).cells
        #expect(cells.count >= (isQuick ? 3 : 8), "\(name)")
      }
      #expect(lesson.choices.count >= 2 && !lesson.explanation.isEmpty, "\(name)")
      #expect(!lesson.reading.isEmpty && !lesson.next.isEmpty && !lesson.figures.isEmpty, "\(name)")
      for text in lesson.next {
        let words = text.split(separator: " ")
        if words.starts(with: ["rlhf-sim", "lesson"]) {
          #expect(names.contains(String(words[2])), "\(name): \(text)")
        }
      }
    }
  }
}
