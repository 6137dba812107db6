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
    // Arm two alone sets it; where all do, a setting of all arms would do nothing.
    let set = ["ppo.iterations=3"]
    #expect(
      try lesson.cells(isQuick: false, overrides: set, besides: file).cells.map(
        \.scenario.ppo.iterations) == [3, 3, 2, 2])
    let all = try read(self.lesson.replacing("one: {}", with: "one: { ppo.iterations: 1 }"))
    let error = try #require(throws: SettingsError.self) {
      _ = try all.cells(isQuick: false, overrides: set, besides: file)
    }
    #expect("\(error)".contains("ppo.iterations=3") && "\(error)".contains("the axis `arm` sets"))
  }

  @Test(
    "what a lesson cannot mean is refused with its line",
    arguments: [
      ("arm: two", "arm: three", "lesson.yaml:7: `claims[0].arm`: there is no arm `three`"),
      ("above: 0", "above: 0, below: 1", "lesson.yaml:7: `claims[0]`: a claim has one threshold"),
      (", arm: two", "", "lesson.yaml:7: `claims[0].arm`: the claim does not say of which arm"),
      ("seeds: 4-5", "answer: 3", "lesson.yaml:6: `answer`: there is no choice 3"),
      ("two: {", "two: { ppo.iteration: 3, ", "`ppo.iteration`: unknown key"),
      (
        "gain_sd.gold", "gain_sd.golt",
        "lesson.yaml:7: `claims[0].figure`: no run has a figure `gain_sd.golt`; did you mean `gain_sd.gold`?"
      ),
      (
        "arm: two,", "arm: two, minus: two,",
        "lesson.yaml:7: `claims[0].minus`: the claim subtracts an arm from itself"
      ),
      (
        "arm: two,", "arm: two, minus_figure: reward.accuracy,",
        "lesson.yaml:7: `claims[0].minus_figure`: no run has a figure `reward.accuracy`; did "
          + "you mean `reward.accuracy.value`?"
      ),
      (
        "seeds: 4-5", "figures: [gain_sd.gold, objective/golt]",
        "lesson.yaml:6: `figures[1]`: no run has a metric of PPO `objective/golt`; did you mean "
          + "`objective/gold`?"
      ),
      (
        "seeds: 4-5", "figures: [source/2]",
        "lesson.yaml:6: `figures[0]`: the runs of `one` have no metric of PPO `source/2`"
      ),
      (
        "quick:", "exercises: [{ task: t, claims: [{ claim: c, figure: x, above: 0 }] }]\nquick:",
        "lesson.yaml:8: `exercises[0].claims[0].figure`: no run has a figure `x`"
      ),
      (
        "quick:",
        "exercises: [{ task: t, claims: [{ claim: c, figure: gain_sd.gold, arm: no, above: 0 }] }]\nquick:",
        "lesson.yaml:8: `exercises[0].claims[0]`: an exercise is judged by one run"
      ),
      (
        "gain_sd.gold", "reward.members.1.value",
        "lesson.yaml:7: `claims[0].figure`: the runs of `two` have no figure "
          + "`reward.members.1.value`; `reward.ensemble` is 1"
      ),
      (
        "gain_sd.gold", "course.gold.drop",
        "the runs of `two` have no figure `course.gold.drop`; raise `ppo.iterations`"
      ),
      (
        "gain_sd.gold", "objective/gold",
        "lesson.yaml:7: `claims[0].figure`: no run has a figure `objective/gold`"
      ),
      (
        "two: { ppo.iterations: 2 } }", "two: { reward.epochs: 2 } }\nrun: train-reward",
        "the runs of `two` have no figure `gain_sd.gold`; `run: train-reward` writes none of these"
      ),
    ])
  func refused(text: String, replacement: String, problem: String) throws {
    let error = try #require(throws: SettingsError.self) {
      let lesson = try read(self.lesson.replacing(text, with: replacement))
      _ = try lesson.cells(isQuick: false, besides: URL(filePath: "lesson.yaml"))
    }
    #expect("\(error)".contains(problem), "\(error)")
  }

  @Test("members judge no responses where a run has no reward model, and the advice says so")
  func membersWithoutResponses() throws {
    let command = ["ppo.reward.source=command", "ppo.reward.command=cat"]
    for (run, settings) in [(SweepRun.sft, []), (.dpo, command), (.demo, []), (.dpo, [])] {
      let cell = SweepCell(
        labels: [], seed: 1, run: run, scenario: try makeScenario(["reward.ensemble=2"] + settings))
      let isJudged = run == .demo || (run == .dpo && settings.isEmpty)
      let names = FigureNames(of: cell)
      #expect(names.contains("sft.member_agreement", isDrawn: false) == isJudged)
      guard !isJudged else { continue }
      let error = #expect(throws: SettingsError.self) {
        try names.require("sft.member_agreement", at: .unwritten)
      }
      #expect("\(try #require(error))".contains("use `run: demo`"))
    }
  }

  @Test(
    "the figures and metrics that a lesson may name are those that its runs write",
    arguments: [
      ["reward.ensemble=2"], ["reward.objective=binary", "evaluation.best_of=8"],
      ["ppo.iterations=4", "evaluation.best_of=1"],
    ])
  func foreseen(assignments: [String]) throws {
    let settings = ["ppo.iterations=5"] + assignments
    let cell = SweepCell(
      labels: [], seed: 1, run: .demo, scenario: try makeScenario(settings))
    let names = FigureNames(of: cell)
    try LoopRunTests().demo(settings) { directory, _ in
      let written = try SweepResults.figures(of: directory).map(\.name)
      #expect(Set(written) == Set(names.figures))
      let recorded = try MetricsTable(stage: .ppo, in: directory).names
      #expect(Set(recorded).subtracting(names.metrics).isEmpty)
      for name in written + recorded {
        #expect(FigureNames.any.contains(name, isDrawn: true), "\(name)")
      }
    }
  }

  @Test("names are taken from an evaluation in which nothing is left out")
  func complete() {
    func absent(in value: Any, _ path: String) -> [String] {
      let mirror = Mirror(reflecting: value)
      if mirror.displayStyle == .optional, mirror.children.isEmpty { return [path] }
      return mirror.children.flatMap { absent(in: $0.value, path + "." + ($0.label ?? "")) }
    }
    #expect(absent(in: EvaluationSummary.complete(members: 2, bestOf: [1, 2]), "") == [])
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
