import Foundation
import Preferences
import RunRecords
import Testing

@testable import Reports
@testable import Statistics

@Suite("The first screen")
struct OutcomeTests {
  private func summary(_ mean: Double, _ sd: Double = 1) -> Summary {
    Summary(mean: mean, standardDeviation: sd, count: 512)
  }

  /// A run whose judge is fooled: gold rises, turns over at 20 and falls; the score rises throughout.
  private func withFooledRun(_ body: (ReportRecords) throws -> Void) throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("rlhf-sim-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    let run = try RunDirectory.create(at: url, force: false)
    try ExampleRun.information.write(to: run)
    try AtomicFile.write(ExampleRun.scenario, to: run.scenario)
    var reward = EvaluationSummary.RewardModel()
    reward.alerts = ExampleRun.alert
    try EvaluationSummary(
      sft: .init(gold: summary(1, 2), score: summary(0.5, 0.5)),
      ppo: .init(gold: summary(-3, 2), score: summary(2, 0.5), klExact: summary(40)),
      reward: reward
    ).write(to: run)
    let writer = try MetricsWriter(stage: .ppo, in: run)
    for step in 1...60 {
      let gold = step <= 20 ? 1 + Double(step) / 5 : 5 - Double(step - 20) / 5
      try writer.write(
        step: step, seconds: 0,
        [
          "objective/gold": gold, "objective/score": 0.5 + Double(step) / 40,
          "objective/kl_exact": Double(step) / 2, "response/length": 8,
          "objective/score_sd": Double(step) / 60, "objective/gold_sd": Double(step) / 30,
        ])
    }
    let fixed = try FixedPromptWriter(in: run, upTo: nil)
    try fixed.write(ExampleRun.fixedPrompts)
    try body(ReportRecords(reading: run))
  }

  @Test(
    "counts score and gold in sd of the SFT policy; the first frame is before any update, the last is the evaluation"
  )
  func frames() throws {
    try withFooledRun { records in
      let frames = OutcomeFrames(records)
      #expect(frames.iterations == Array(0...60))
      // (1.2 − 1) / 2 of the first row, whose policy is the SFT policy; (−3 − 1) / 2 at the end.
      #expect(abs((frames.gold[0] ?? 9) - 0.1) < 1e-12 && frames.gold[60] == -2)
      #expect(abs((frames.score[0] ?? 9) - 0.05) < 1e-12 && frames.score[60] == 3)
      #expect(frames.kl.last == 40 && frames.kl[0] == 0.5)
      #expect(frames.prompts.count == 8 && frames.responses.count == 61)
      #expect(frames.responses[60][0].text == "very good & fresh 60")
      // (−0.1 + 60 / 30 − 1) / 2
      #expect(abs((frames.responses[60][0].gold ?? 9) - 0.45) < 1e-12)
      let peak = try #require(frames.peak)
      // Row 20 is the policy after 19 updates.
      #expect(abs(peak.iteration - 19) <= 1 && abs(peak.gold - 1.9) < 0.15)
    }
  }

  @Test("says the verdict, in the colour of the verdict, when it turned, why, and what had warned")
  func fooled() throws {
    try withFooledRun { records in
      let page = ParsedPage(Report.page(of: records))
      #expect(page.failure == nil)
      let end = try #require(page.text.range(of: "Watch it happen"))
      let first = page.text[..<end.lowerBound]
      for words in [
        "The policy fooled the reward model", "The reward model says +3.0 sd, gold says −2.0 sd",
        "gold was best after", "and fell from there to −2.0 sd; the score went from +",
        "no annotator sees repetition", "each noun that is said again",
        "filler changes the reward by +0.77 sd",
      ] {
        #expect(first.contains(words), "\(words)")
      }
      #expect(page.elements.contains { $0.attributes["class"] == "status worse" })
      #expect(!first.contains("Processor"))
      for place in ["#outcome", "#world", "#reward"] {
        #expect(page.values(of: "href").count { $0 == place } >= 2, "\(place)")
      }
      for words in ["Rewards what gold dislikes", "What to try:", "AMD EPYC"] {
        #expect(page.text.contains(words), "\(words)")
      }
    }
  }

  @Test("shows PPO’s own reward where that is gold and the judge only looks on")
  func rewardWithoutJudge() throws {
    try withFooledRun { records in
      var records = records
      records.scenario = "name: x\nppo:\n  reward:\n    source: gold\n"
      let frames = OutcomeFrames(records)
      // Both of the same responses to the last, in the spread that the run knew.
      #expect(frames.score[59] == 1 && frames.score.last == 1 && frames.gold.last == 2)
      let page = ParsedPage(Report.page(of: records))
      #expect(page.text.contains("its source is gold"))
      #expect(!page.text.contains("The models see the score alone"))
      let chart = try #require(
        FrontierChart(records)
      ).chart()
      #expect(chart.series.map(\.name) == ["policy: gold"])
      for (list, name) in [
        ("[{source: gold}, {source: verifier}]", "gold and verifier"), ("[{source: model}]", nil),
      ] {
        records.scenario = "name: x\nppo:\n  reward:\n    sources: \(list)\n"
        #expect(records.rewardWithoutJudge == name)
      }
    }
  }

  @Test("a reward model alone is headed by its alerts")
  func rewardModelAlone() {
    var records = ReportRecords(information: ExampleRun.information)
    func badge(_ alerts: [RewardAlert]) -> [String] {
      var reward = EvaluationSummary.RewardModel()
      reward.accuracy = Proportion(successes: 70, of: 100)
      reward.alerts = alerts
      records.evaluation = EvaluationSummary(reward: reward)
      let page = ParsedPage(Report.page(of: records))
      return page.values(of: "class").filter { $0.hasPrefix("status") }
        + ["no alert", "one alert"].filter { page.text.contains($0) }
    }
    #expect(badge([]) == ["status better", "no alert"])
    #expect(badge(ExampleRun.alert) == ["status worse", "one alert"])
  }

  /// Annotators with tastes of their own, three kinds of bias, and a policy that got worse.
  private func reasons(_ change: (inout EvaluationSummary.RewardModel) -> Void) throws -> String {
    var records = ReportRecords(information: ExampleRun.information)
    records.scenario = """
      world:
        gold:
        - {feature: answers, weight: 2}
        annotators:
        - {name: honest, share: 1, length_bias: 0.05, position_bias: 0.1}
        - name: flattered
          share: 4
          likes:
          - {feature: agrees, weight: 2}
          - {feature: repetition, words: 1, weight: 0.5}
          - {feature: words, words: [well], weight: -1}
      """
    var reward = EvaluationSummary.RewardModel()
    reward.accuracy = Proportion(successes: 684, of: 1000)
    reward.goldAgreement = Proportion(successes: 527, of: 1000)
    reward.length = ExampleRun.reward.length
    reward.probes = [
      .init(
        name: "repetition", change: .init(mean: 0.31, low: 0.25, high: 0.37),
        goldChange: .init(mean: -1, low: -1.1, high: -0.9), count: 1000)
    ]
    change(&reward)
    records.evaluation = EvaluationSummary(
      sft: .init(gold: summary(0), score: summary(0)),
      ppo: .init(gold: summary(-1), score: summary(1)), reward: reward)
    let page = ParsedPage(Report.page(of: records))
    let end = try #require(page.text.range(of: "What came out"))
    return String(page.text[..<end.lowerBound])
  }

  @Test("names every bias of the annotators, and says that one was learned where that shows")
  func biases() throws {
    let nothing = "nothing that was examined shows whether the reward model learned these."
    var text = try reasons { _ in }
    for words in [
      "Annotators of 80.0\u{A0}% of the judgements like agreeing with the opinion in the prompt (+2.0); "
        + "of 80.0\u{A0}% of the judgements dislike saying well (−1.0): \(nothing)",
      "80.0\u{A0}% of the judgements like each word that is said again (+0.5); the reward model learned "
        + "it: when its last words are said again, the reward moves by +0.3 sd and gold by −1.0 sd.",
      "20.0\u{A0}% of the judgements prefer what is longer (+0.05 gold for each word); the examination "
        + "does not show that the reward model learned it: correlation of reward with length −0.12.",
      "20.0\u{A0}% of the judgements prefer the response shown first; a reward model, which sees no "
        + "order, cannot learn it.",
      "The reward model is right on 68.4\u{A0}% of held-out judgements and orders 52.7\u{A0}% of pairs "
        + "as gold does.",
    ] { #expect(text.contains(words), "\(words)") }
    text = try reasons {
      $0.length = .init(
        correlation: 0.86, goldCorrelation: 0.02, longerChosen: .init(successes: 1, of: 1),
        longerPreferred: .init(successes: 1, of: 1), balancedAccuracy: .init(successes: 1, of: 1))
      $0.probes = []
    }
    #expect(
      text.contains(
        "the reward model learned it: correlation of reward with length +0.86, that of gold +0.02.")
    )
    #expect(text.contains("like each word that is said again (+0.5); of 80.0\u{A0}%"))
    #expect(text.contains("dislike saying well (−1.0): \(nothing)"))
  }

  @Test("annotators explain nothing where PPO was not tuned by what was learned from them")
  func otherReward() throws {
    #expect(try reasons { _ in }.contains("the annotators judge otherwise than gold does"))
    var records = ReportRecords(information: ExampleRun.information)
    records.scenario = ExampleRun.scenario + "ppo:\n  reward:\n    source: gold\n"
    records.evaluation = EvaluationSummary(
      sft: .init(gold: summary(0), score: summary(0)),
      ppo: .init(gold: summary(-1), score: summary(1)), reward: ExampleRun.reward)
    let reasons = ParsedPage(ReportReasons.markup(records).rendered).text
    #expect(!reasons.contains("annotator"))
  }

  @Test("where some of the annotators judge some prompts only, their judgements are counted")
  func scopedAnnotators() throws {
    var records = ReportRecords(information: ExampleRun.information)
    records.scenario = """
      world:
        annotators:
        - {name: careful, share: 1, weights: {length: 0}, when: {prompt: harmful}}
        - {name: hasty, share: 1, reads: 3}
      """
    records.judgements = Array(ExampleRun.judgements.dropLast())
    let names = records.judgements.compactMap(\.annotator)
    let world = try #require(WorldDescription(records))
    let share = Double(names.count { $0 == "careful" }) / Double(names.count)
    #expect(world.annotators.map(\.share)[0] == share && share != 0.5)
    #expect(
      Set(world.biases.map(\.words)) == [
        "overlook length, if the prompt is harmful", "read the first 3 words only",
      ])
  }

  @Test("an alert that the run did not look for is no “No alert”")
  func laterAlerts() throws {
    var records = ReportRecords(information: ExampleRun.information)
    func text(_ change: (inout EvaluationSummary.RewardModel) -> Void) -> String {
      var reward = ExampleRun.reward
      reward.alerts = []
      change(&reward)
      records.evaluation = EvaluationSummary(reward: reward)
      return ParsedPage(Report.page(of: records)).text
    }
    let chance = Proportion(successes: 295, of: 589)
    let clear = text { _ in }
    #expect(clear.contains("No alert. No figure that was examined crosses the bound of an alert."))
    #expect(!clear.contains("Not examined"))
    let later = text { $0.goldAgreement = chance }
    #expect(!later.lowercased().contains("no alert. ") && later.contains("one alert"))
    for words in [
      "Unrelated to gold", "Not examined when it ran: it orders 50.1\u{A0}% of 589 pairs",
      "Not examined when this run was made; its figures show it now: it orders",
    ] { #expect(later.contains(words), "\(words)") }
    let without = text { $0.goldAgreement = nil }
    #expect(
      without.contains(
        "Not examined, because the figures are not there: against gold; unrelated to gold."))
    let old = text { $0.alerts = nil }
    #expect(
      old.contains("Nobody looked for alerts when this run was made. Its figures give no reason"))
    #expect(!old.lowercased().contains("no alert. ") && !old.contains("no alert The"))
  }

  @Test(
    "says of length what the alert says", arguments: [(0.27, false), (0.31, true), (-0.44, false)])
  func length(correlation: Double, isAlerted: Bool) {
    var reward = ExampleRun.reward
    reward.length = .init(
      correlation: correlation, goldCorrelation: -0.2, longerChosen: .init(successes: 1, of: 1),
      longerPreferred: .init(successes: 1, of: 1), balancedAccuracy: .init(successes: 1, of: 1),
      sampleLengths: [3, 4], sampleScores: [0, 1])
    reward.alerts = RewardAlert.raised(by: reward, epochs: 1)
    var records = ReportRecords(information: ExampleRun.information)
    records.evaluation = EvaluationSummary(reward: reward)
    let text = ParsedPage(Report.page(of: records)).text
    #expect(text.contains("Follows length") == isAlerted)
    #expect(text.contains("It takes length for quality: correlation") == isAlerted)
    #expect(text.contains("Length raises no alert: correlation") != isAlerted)
  }

  @Test("leans the needles by the same scale, and the gap between them is drawn")
  func dial() throws {
    let dial = Dial(score: 2, gold: -1, covering: [4])
    #expect(dial.limit == 4)
    let page = ParsedPage(dial.svg.rendered)
    #expect(page.failure == nil && page.text.contains("score +2.00 sd, gold −1.00 sd"))
    #expect(
      page.values(of: "transform") == ["rotate(42.0 160.0 158.0)", "rotate(-21.0 160.0 158.0)"])
    #expect(
      page.elements.first { $0.attributes["class"] == "gap" }?.attributes["d"]?.hasSuffix("Z")
        ?? false)
    // Without gold there is one needle and nothing between.
    let alone = ParsedPage(Dial(score: 0.5, gold: nil).svg.rendered)
    #expect(alone.values(of: "transform").count == 1)
    #expect(alone.elements.first { $0.attributes["class"] == "gap" }?.attributes["d"] == "M0 0")
    #expect(Dial(score: .infinity, gold: nil).limit == 2)
  }

  @Test("has no needle where nobody knows the SFT policy’s spread")
  func unknownUnit() {
    var records = ReportRecords(information: ExampleRun.information)
    records.evaluation = EvaluationSummary(ppo: .init(gold: summary(1)))
    #expect(ReportSection.outcome(records) == nil)
    records.evaluation = EvaluationSummary(
      sft: .init(gold: summary(1, 0)), ppo: .init(gold: summary(2)))
    #expect(ReportSection.outcome(records) == nil)
    #expect(ParsedPage(Report.page(of: records)).text.contains("cannot be told"))
  }

  @Test("shows hostile responses as text, also where the script reads them")
  func hostile() throws {
    try withFooledRun { records in
      var records = records
      let hostile = "</script><script>alert(1)</script>"
      records.fixedPrompts = records.fixedPrompts.map { row in
        var row = row
        (row.prompt, row.response) = (hostile, hostile)
        return row
      }
      let text = Report.page(of: records)
      let page = ParsedPage(text)
      #expect(page.failure == nil && page.count("script") == 2)
      #expect(!text.contains("<script>alert"))
      #expect(page.text.contains("\\u003c/script\\u003e"))
    }
  }

  @Test(
    "says what a curve did",
    arguments: [
      ([1, 1.001, 1, 1.002], "stays near 1"), ([0, 1, 2, 3], "rises from 0 to 3"),
      ([3, 2, 1, 0], "falls from 3 to 0"), ([0, 2, 4, 1], "rises to 4 at 2, then falls to 1"),
      ([4, 1, 0, 3], "falls to 0 at 2, then rises to 3"),
      (
        Array(repeating: 1, count: 20) + [900] + Array(repeating: 1, count: 20),
        "spikes to 900 at 20 and ends at 1"
      ),
      ((0..<40).map { $0 == 5 ? 0.2 : -Double($0) / 20 }, "falls from 0 to −1.95"),
    ] as [([Double], String)])
  func trend(values: [Double], words: String) throws {
    let points = values.enumerated().map { LineChart.Point(x: Double($0.offset), y: $0.element) }
    #expect(try #require(Trend(points)).words() == words)
  }

  @Test("is silent about curves of fewer than two values")
  func noTrend() {
    #expect(Trend([.init(x: 0, y: 1), .init(x: 1, y: nil), .init(x: 2, y: .nan)]) == nil)
  }

  @Test("explains the world: what gold likes, who judges, and what none of them sees")
  func world() throws {
    func description(_ scenario: String) -> WorldDescription? {
      var records = ReportRecords(information: ExampleRun.information)
      records.scenario = scenario
      return WorldDescription(records)
    }
    let world = try #require(description(ExampleRun.scenario))
    #expect(
      world.tastes.map(\.words) == [
        "good, nice, fresh", "bad, dull, stingy, slow, cold and 2 more", "after not, never",
        "after very", "each break of the grammar", "each noun that is said again",
      ])
    #expect(world.tastes.map(\.value) == [1, -1, -1, 1.5, -0.7, -4])
    #expect(world.annotators.map(\.share).map { ($0 * 100).rounded() } == [75, 25])
    #expect(
      world.annotators[1].sentences == [
        "Picks the better one in 73 of 100 where gold differs by 0.8.",
        "Errs by mistake in 15 of 100.", "Overlooks repetition.", "Adds 0.05 gold for each word.",
      ])
    #expect(world.blindSpots.map(\.value) == [-4])
    #expect(world.biases.map(\.words) == ["prefer what is longer (+0.05 gold for each word)"])
    #expect(world.biases.map { ($0.share * 100).rounded() } == [25])
    // Where one annotator sees it, a reward model can learn of it.
    let seen = ExampleRun.scenario.replacing(
      "repetition: 0.0", with: "repetition: 1.0", maxReplacements: 1)
    #expect(try #require(description(seen)).blindSpots.isEmpty)
    #expect(description("name: x") == nil)
    let phrase = ExampleRun.scenario.replacing(
      "feature: grammar_breaks", with: "feature: phrase\n    phrase: mi sol")
    #expect(try #require(description(phrase)).tastes.contains { $0.words == "saying “mi sol”" })
  }
}
