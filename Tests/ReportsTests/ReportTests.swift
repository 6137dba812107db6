import Foundation
import Preferences
import RunRecords
import Testing

@testable import Reports
@testable import Statistics

@Suite("A report")
struct ReportTests {
  private func withRun(_ body: (RunDirectory) throws -> Void) throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("rlhf-sim-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    try body(try ExampleRun.write(to: url))
  }

  private func sections(_ page: ParsedPage) -> [String] {
    page.elements.filter { $0.name == "section" }.compactMap { $0.attributes["id"] }
  }

  private func parsed(_ records: ReportRecords) -> ParsedPage {
    let page = ParsedPage(Report.page(of: records))
    #expect(page.failure == nil)
    return page
  }

  @Test("shows the comparisons among a run's held-out rows; rankings are passed over")
  func judgements() throws {
    try withRun { run in
      let records = try ReportRecords(reading: run)
      #expect(records.judgements == ExampleRun.judgements)
      #expect(records.judgements.prefix(2).map(\.goldMargin) == [-1.75, 0.75])
      try FileManager.default.removeItem(at: run.preferences(.eval))
      #expect(try ReportRecords(reading: run).judgements.isEmpty)
    }
  }

  @Test("of a whole run is well-formed, self-contained, and tells the story in order")
  func whole() throws {
    try withRun { run in
      try Report.write(runDirectory: run)
      let text = try String(contentsOf: run.report, encoding: .utf8)
      let page = ParsedPage(text)
      #expect(page.failure == nil)
      #expect(
        sections(page) == [
          "outcome", "frontier", "samples", "reward", "world", "preferences", "headline", "ppo",
          "sft", "tokens", "models", "time", "metrics", "scenario", "glossary",
        ])
      #expect(page.values(of: "src").isEmpty)
      #expect(page.values(of: "href").allSatisfy { $0.hasPrefix("#") })
      #expect(!text.contains("http://") && !text.contains("https://") || onlyNamespaces(text))
      #expect(text.utf8.count < 500_000)
      let identifiers = page.values(of: "id")
      #expect(Set(identifiers).count == identifiers.count)
      let pictures = page.elements.filter { $0.name == "svg" && $0.attributes["role"] == "img" }
      #expect(page.count("title") == pictures.count + 1)
    }
  }

  /// Whether the only addresses are names of markup languages, which nothing fetches.
  private func onlyNamespaces(_ text: String) -> Bool {
    !text.replacing("http://www.w3.org/2000/svg", with: "").contains(/https?:\/\//)
  }

  @Test("says what the optimization was warned of, where it is shown")
  func warnings() throws {
    try withRun { run in
      var records = try ReportRecords(reading: run)
      #expect(!parsed(records).text.contains("the run warned"))
      let warning = "iteration 12: KL rose past 1 < 2 nats"
      records.information.add(.init(.risingKL, iteration: 12, text: warning))
      let text = parsed(records).text
      let chart = try #require(text.range(of: "Clipping and step size"))
      #expect(try #require(text.range(of: warning)).lowerBound < chart.lowerBound)
    }
  }

  @Test("shows the final figures with their spread")
  func figures() throws {
    var records = ReportRecords(information: ExampleRun.information)
    records.evaluation = ExampleRun.evaluation
    let text = parsed(records).text
    for figure in [
      "+1.40 sd", "−0.12\u{A0}±\u{A0}1.45 (n = 512)",
      "87.3\u{A0}%",
      "84.2–89.9\u{A0}%", "3.42 nats", "75.4\u{A0}%", "allows 80.1\u{A0}%", "0.021",
    ] {
      #expect(text.contains(figure), "\(figure)")
    }
  }

  @Test("shows what is known of the reward model: figures, four charts and the probes")
  func rewardModel() throws {
    var information = ExampleRun.information
    information.stageSeconds = []
    var records = ReportRecords(information: information)
    records.evaluation = EvaluationSummary(reward: ExampleRun.reward)
    let page = parsed(records)
    for figure in [
      "Agreement with gold", "86.3\u{A0}%", "+1.8 points", "Accuracy on length-balanced pairs",
      "Reliability", "The mean gap, 0.021,", "Margins", "The mean is 1.21.",
      "Accuracy by difficulty", "difference of gold", "Bayes ceiling", "Reward and length",
      "Length raises no alert: correlation of reward with length −0.12",
      "Common words are appended", "−0.62 (−0.67 to −0.57)",
      "+0.03 (−0.01 to +0.07)", "−0.97 (−0.99 to −0.94)", "991",
    ] {
      #expect(page.text.contains(figure), "\(figure)")
    }
    #expect(page.values(of: "class").count { $0 == "chart" } == 4)
    // Bars against the judgement, and with it; one swatch each in the legend.
    #expect(page.values(of: "class").count { $0 == "bar s2" } == 9)
    #expect(page.values(of: "class").count { $0 == "bar s1" } == 16)
    // Responses of the sample are marks without a line between them.
    #expect(page.values(of: "class").count { $0 == "mark s1" } >= 200)
    #expect(page.values(of: "class").count { $0 == "trail s1" } == 2)
  }

  @Test("leaves out what is not known of the reward model, and takes empty lists", arguments: 0..<4)
  func partialReward(part: Int) throws {
    var reward = EvaluationSummary.RewardModel()
    switch part {
    case 0: reward.probes = []
    case 1:
      (reward.reliability, reward.difficulty) = ([], [])
      reward.marginHistogram = .init(lower: 0, width: 0, counts: [])
      let none = Proportion(value: 0, low: 0, high: 1, count: 0)
      reward.length = .init(
        correlation: 0, longerChosen: none, longerPreferred: none, balancedAccuracy: none,
        sampleLengths: [], sampleScores: [])
    case 2:
      reward.probes = [
        .init(name: "filler", change: .init(mean: 1, low: 0, high: 2), goldChange: nil, count: 3)
      ]
    default: reward.marginHistogram = .init(lower: 1, width: 0.5, counts: [0, 3])
    }
    var information = ExampleRun.information
    information.stageSeconds = []
    var records = ReportRecords(information: information)
    records.evaluation = EvaluationSummary(reward: reward)
    let page = parsed(records)
    #expect(sections(page).contains("reward") == (part > 0))
    #expect(page.values(of: "class").count { $0 == "chart" } == (part == 3 ? 1 : 0))
    #expect(page.elements.contains { $0.attributes["data-label"] == "gold" } == false)
  }

  @Test("of a run that only began has its heading and the picture, and nothing empty")
  func nothingRecorded() {
    var information = ExampleRun.information
    information.stageSeconds = []
    information.status = .running
    information.ended = nil
    let page = parsed(ReportRecords(information: information))
    #expect(sections(page) == ["models"])
    #expect(page.text.contains("not finished"))
    #expect(page.values(of: "href") == ["#models"])
  }

  @Test("leaves out every figure that the evaluation lacks", arguments: 0..<4)
  func partialEvaluation(part: Int) {
    var records = ReportRecords(information: ExampleRun.information)
    let full = ExampleRun.evaluation
    var reward = EvaluationSummary.RewardModel()
    reward.accuracy = full.reward?.accuracy
    records.evaluation =
      [
        EvaluationSummary(), EvaluationSummary(sft: full.sft),
        EvaluationSummary(ppo: .init(gold: full.ppo?.gold)),
        EvaluationSummary(reward: reward),
      ][part]
    let page = parsed(records)
    #expect(page.values(of: "class").count { $0 == "card" } == [0, 1, 1, 1][part])
  }

  @Test("shows text as text, whatever it contains")
  func escaping() {
    let hostile = "<script>alert(\"1\")</script> & ]]> '\u{1}\u{B}"
    var information = ExampleRun.information
    information.scenario = hostile
    information.commandLine = ["rlhf-sim", hostile]
    information.status = .failed
    information.error = hostile
    var records = ReportRecords(information: information)
    records.scenario = hostile
    records.samples = [SampleComparison(prompt: hostile, before: hostile, after: hostile)]
    let page = parsed(records)
    #expect(page.count("script") == 1)
    let shown = hostile.replacing("\u{1}\u{B}", with: "\u{FFFD}\u{FFFD}")
    #expect(page.text.ranges(of: shown).count >= 6)
    #expect(page.values(of: "role").contains("alert"))
  }

  @Test("explains every metric it shows, and shows every metric it was given")
  func glossary() throws {
    try withRun { run in
      let records = try ReportRecords(reading: run)
      let page = parsed(records)
      let recorded = Set(records.tables.flatMap(\.table.names))
      #expect(recorded.contains("policy/gradient_norm"))
      #expect(recorded.subtracting(Metric.all.map(\.name)) == [])
      for name in recorded { #expect(page.text.contains(name)) }
    }
  }

  @Test("knows every metric of the contract")
  func contract() {
    let names = Set(Metric.all.map(\.name))
    let contract = [
      "objective/score", "objective/gold", "objective/kl", "objective/kl_exact",
      "objective/penalized_reward", "objective/entropy", "policy/approximate_kl",
      "policy/clip_fraction", "policy/ratio_max", "policy/loss", "policy/gradient_norm",
      "value/loss", "value/clip_fraction", "value/explained_variance", "kl/coefficient",
      "response/length", "response/eos_fraction", "time/rollout", "time/score", "time/update",
      "reward/loss", "reward/accuracy", "eval/loss", "eval/accuracy", "eval/ece",
      "eval/margin_mean", "eval/length_correlation", "memory/policy", "memory/reference",
      "memory/reward", "memory/value", "memory/optimizer", "memory/activations",
    ]
    #expect(Set(contract).subtracting(names) == [])
  }

  @Test("names the file and line of a broken record, and leaves an earlier report alone")
  func broken() throws {
    try withRun { run in
      try AtomicFile.write("earlier", to: run.report)
      try AtomicFile.write("{\"step\": 1}\nnonsense\n", to: run.metrics(.ppo))
      #expect(
        throws: RunRecordsError.malformed(
          path: run.metrics(.ppo).path, line: 2, reason: "this is not JSON")
      ) {
        try Report.write(runDirectory: run)
      }
      #expect(try String(contentsOf: run.report, encoding: .utf8) == "earlier")
    }
  }
}
