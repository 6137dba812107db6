import Foundation
import LanguageModels
import Numerics
import Preferences
import RLHF
import RunRecords
import Settings
import Statistics
import Testing

@testable import Experiments

@Suite("Rows with labels, of responses and of steps")
struct LabelRowTests {
  /// A directory that goes with the test.
  private final class Place {
    let url = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appending(path: "LabelRowTests-\(UUID().uuidString)")
    init() throws {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(at: url) }

    func file(_ name: String, _ rows: [PreferenceRow]) throws -> URL {
      let file = url.appending(path: name)
      try PreferenceFile.write(rows, to: file)
      return file
    }

    func base(_ loop: AlignmentLoop, _ policy: LanguageModel) throws -> LoadedModel<LanguageModel> {
      try policy.save(to: url, specialTokens: loop.specialTokens)
      try loop.tokenizer.save(to: url)
      return try LoadedModel(policy: url)
    }
  }

  private static let binary = ["reward.objective=binary", "reward.epochs=2"]

  private func label(_ prompt: String, _ response: String, _ label: Bool) -> PreferenceRow {
    .rating(Rating(prompt: prompt, response: response, label: label))
  }

  @Test("annotators label single responses where the scenario says so, and as many are held out")
  func world() throws {
    let recording = Recording()
    let loop = try makeLoop(
      Self.binary + ["preferences.responses=1", "preferences.pairs=60"], observer: recording)
    let policy = try loop.trainPolicy()
    let (training, heldOut, labels) = try loop.comparePreferences(of: policy)
    #expect(training.count == 60 && heldOut.count == 48 && labels.count == 48)
    let given = (training + labels).compactMap { row in
      if case .rating(let rating) = row, rating.isLabel { rating.rating } else { nil }
    }
    #expect(given.count == 108 && Set(given) == [0, 1])
    let (seen, kept) = (Set(training.map(\.prompt)), Set(labels.map(\.prompt)))
    #expect(seen.isDisjoint(with: kept.union(heldOut.map(\.prompt))))
    let report = try loop.trainReward(
      from: policy, training: training, heldOut: heldOut, labels: labels
    ).report
    #expect(report.accuracy?.count == 48 && report.labels?.accuracy.count == 48)
    let area = try #require(report.labels?.areaUnderCurve)
    #expect((0...1).contains(area) && report.steps == nil)
    let last = try #require(recording.metrics[.reward]?.last)
    for name in ["eval/accuracy", "eval/label_loss", "eval/label_accuracy", "eval/auc"] {
      #expect(last.contains("\"\(name)\""))
    }
  }

  @Test("annotators label the steps of sums where the scenario reads steps")
  func stepsOfWorld() throws {
    let loop = try makeLoop(
      Self.binary + [
        "reward.read=steps", "reward.step_separator=;", "preferences.responses=1",
        "preferences.pairs=60", "world.prompt={rule: sum, maximum_response_words: 5}",
        "world.response.rule=say", "ppo.maximum_tokens=6",
        "world.grammar.rules={sum: [\"<digit> + <digit> + <digit>\"], digit: [1, 2, 3], "
          + "say: [\"<digit> ; <digit>\"]}",
        "world.gold=[{feature: arithmetic, credit: steps, separator: ;}]",
        "world.annotators=[{name: ann}]",
      ])
    let policy = try loop.trainPolicy()
    let (training, heldOut, labels) = try loop.comparePreferences(of: policy)
    for row in training + labels {
      guard case .steps(let row) = row else {
        Issue.record("\(row)")
        continue
      }
      let digits = row.prompt.split(separator: " ").compactMap { Int($0) }
      let results = [digits[0] + digits[1], digits.reduce(0, +)]
      for (index, (step, label)) in zip(row.steps, row.labels).enumerated() {
        // Of steps with one number, which is what nearly all are.
        if let number = Int(step), index < 2 { #expect(label == (number == results[index])) }
      }
    }
    let (reward, report) = try loop.trainReward(
      from: policy, training: training, heldOut: heldOut, labels: labels)
    #expect(reward.stepSeparator == ";" && report.steps != nil)
    let error = try #require(throws: SettingsError.self) {
      try makeScenario(Self.binary + ["reward.read=steps", "preferences.responses=1"])
    }
    #expect(error.path == "reward.read" && error.problem.contains("label no steps"))
  }

  @Test(
    "comparisons are split into a desirable response and another; other objectives have no labels")
  func comparisons() throws {
    for (settings, count) in [(Self.binary, 96 as Int?), ([], nil)] {
      let loop = try makeLoop(settings)
      let policy = try loop.trainPolicy()
      let (training, heldOut, labels) = try loop.comparePreferences(of: policy)
      #expect(labels.isEmpty)
      let report = try loop.trainReward(from: policy, training: training, heldOut: heldOut).report
      #expect(report.accuracy?.count == 48 && report.labels?.accuracy.count == count)
    }
  }

  @Test("a file of labels alone is trained on and judged by, and judged alike again")
  func files() throws {
    let place = try Place()
    let loop = try makeLoop(
      Self.binary + ["preferences.pairs=2000", "preferences.held_out_pairs=1000"])
    let policy = try loop.trainPolicy()
    let base = try place.base(loop, policy)
    let prompts = [
      "the soup", "the room", "the bed", "the view", "the tea", "the cake", "the pool",
    ]
    let rows = prompts.enumerated().map {
      label($1, $0.isMultiple(of: 2) ? "was good" : "was bad", $0.isMultiple(of: 2))
    }
    let given = try GivenPreferences(
      [place.file("labels.jsonl", rows)], for: base, scenario: loop.scenario, seed: 1)
    #expect(given.notes.contains { $0.contains("7 responses with a label") })
    let directory = try RunDirectory.create(at: place.url.appending(path: "run"), force: false)
    let run = try LoopRun(loop, in: directory)
    let summary = try run.trainReward(base: policy, given: given)
    let labels = try #require(summary.reward?.labels)
    #expect(summary.reward?.accuracy == nil && labels.accuracy.count >= 1)
    let again = try loop.report(
      of: run.loadReward(), onHeldOutRowsOf: directory.preferences(.eval), trainedOnRowsOf: nil)
    #expect(again.labels == labels)
    // A prompt with one label teaches nothing by comparison.
    #expect(throws: LoopError.self) {
      try GivenPreferences(
        [place.file("labels.jsonl", rows)], for: base, scenario: makeScenario(), seed: 1)
    }
  }

  private let steps = [
    StepLabels(
      prompt: "the soup", steps: ["was good", "and the tea", "was bad"],
      labels: [true, true, false]),
    StepLabels(
      prompt: "the bed", steps: ["was bad", "and the room was bad"], labels: [false, true]),
    StepLabels(prompt: "the room", steps: ["was very good"], labels: [true]),
  ]

  @Test("steps end with the separator, the last one where the response does")
  func stepEnds() throws {
    let loop = try makeLoop(Self.binary + ["reward.read=steps", "reward.step_separator=then"])
    let rows = steps.map { PreferenceRow.steps($0) }
    let elements = try loop.tokenize(rows, positions: 13, purpose: "training")
    let end = loop.tokenizer.endOfSequence
    #expect(
      elements.map(\.chosen)
        == [
          "was good then and the tea then was bad", "was bad then and the room was bad",
          "was very good",
        ]
        .map { loop.encode(words($0)) + [end] })
    #expect(elements.map(\.stepEnds) == [[2, 6, 9], [2, 8], [3]])
    #expect(elements.map(\.ratings) == [[1, 1, 0], [0, 1], [1]])
    // White space is no token here: a step ends with its own last word.
    let plain = try makeLoop(Self.binary + ["reward.read=steps"])
      .tokenize(rows, positions: 13, purpose: "training")
    #expect(plain.map(\.stepEnds) == [[1, 4, 7], [1, 7], [3]])
    #expect(throws: RewardModelingError.self) {
      try makeLoop().trainReward(
        from: loop.trainPolicy(), training: rows,
        heldOut: [Comparison(prompt: "the bed", chosen: "was good", rejected: "was bad")])
    }
  }

  @Test("a handful of steps is learned, judged by the first wrong one, and scored from files")
  func learnedSteps() throws {
    let settings = ["reward.objective=binary", "reward.epochs=150", "reward.batch_size=3"]
    let loop = try makeLoop(settings + ["reward.read=steps", "reward.step_separator=then"])
    let policy = try loop.trainPolicy()
    let rows = steps.map { PreferenceRow.steps($0) }
    let (model, report) = try loop.trainReward(
      from: policy, training: rows, heldOut: [Comparison](), labels: rows)
    #expect(report.labels?.accuracy.value == 1 && report.labels?.accuracy.count == 6)
    #expect(report.steps?.firstErrors == Proportion(successes: 2, of: 2))
    #expect(report.steps?.withoutErrors.value == 1 && report.steps?.f1 == 1)
    #expect(report.accuracy == nil && report.probes?.isEmpty == false)

    // The separator is kept with the model.
    let place = try Place()
    try model.save(to: place.url)
    try loop.tokenizer.save(to: place.url)
    let scored = try ResponseRows(rewardsOf: place.url, workers: loop.workers)
    var lines: [String] = []
    let summary = try scored.complete([place.file("rows.jsonl", rows)], as: RowReading()) {
      lines.append($0.line)
    }
    #expect(lines.count == 3 && lines[0].contains("\"rewards\":["))
    #expect(summary.steps.figures == report.steps && summary.labels.count == 0)

    // Read at the end, the same rows say which responses are right as a whole.
    let outcome = try makeLoop(settings).trainReward(
      from: policy, training: rows, heldOut: [Comparison](), labels: rows)
    #expect(outcome.model.stepSeparator == nil && outcome.report.steps == nil)
    #expect(outcome.report.labels?.accuracy == Proportion(successes: 3, of: 3))
  }

  @Test("KTO learns from labels, from comparisons split in two, and from nothing else")
  func kto() throws {
    let recording = Recording()
    let loop = try makeLoop(["dpo.loss=kto", "dpo.batch_size=4"], observer: recording)
    let policy = try loop.trainPolicy()
    let reward = RewardModel(
      model: ScalarModel(
        trunkOf: policy, head: .init(zeros: [1, policy.configuration.width])),
      specialTokens: loop.specialTokens)
    func steps(_ rows: [PreferenceRow]) throws -> Int {
      let before = recording.metrics[.dpo]?.count ?? 0
      let tuned = try loop.optimizeDirectly(policy, rows: rows, reward: reward)
      #expect(bits(tuned.parameters) != bits(policy.parameters))
      return (recording.metrics[.dpo]?.count ?? 0) - before
    }
    let labels = ["the soup", "the bed", "the tea", "the room", "the view"].map {
      label($0, "was good", $0 != "the bed")
    }
    #expect(try steps(labels) == 2)
    let pair = PreferenceRow.comparison(
      Comparison(prompt: "the soup", chosen: "was good", rejected: "was bad"))
    #expect(try steps([pair, pair, pair] + labels) == 3)
    #expect(try steps(self.steps.map { .steps($0) }) == 1)
    #expect(try #require(recording.metrics[.dpo]?.first).contains("\"dpo/kl\""))
    let rating = PreferenceRow.rating(Rating(prompt: "the soup", response: "was good", rating: 3))
    let ranking = PreferenceRow.ranking(
      Ranking(prompt: "the soup", responses: ["good", "bad", "very good"], ranking: [2, 0, 1]))
    for row in [rating, ranking] {
      #expect(throws: LoopError.self) {
        try loop.optimizeDirectly(policy, rows: [row], reward: reward)
      }
    }
  }
}
