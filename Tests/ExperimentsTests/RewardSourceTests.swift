import Foundation
import LanguageModels
import Numerics
import RLHF
import RunRecords
import Settings
import Statistics
import TestSupport
import Testing

@testable import Experiments

/// Rewards from anywhere: how sources are declared, added, asked and recorded.
@Suite struct RewardSourceTests {
  /// Bytes of the row a thousandth each, which any shell can count.
  private static let length = "while IFS= read -r row; do echo ${#row}e-3; done"
  private static let asCommand = ["ppo.reward.source=command", "ppo.reward.command=\(length)"]

  private func settingsError(_ assignments: [String]) throws -> SettingsError {
    try #require(throws: SettingsError.self) { try makeScenario(assignments) }
  }

  @Test("one source is given by its keys, several by a list, and never both")
  func declaration() throws {
    let list = "ppo.reward.sources=[{source: model}, {source: gold, weight: -0.5}]"
    let several = try makeScenario([list]).ppo.reward
    #expect(several.all.map(\.kind) == [.model, .gold] && several.all.map(\.weight) == [1, -0.5])
    #expect(try makeScenario().ppo.reward.all == [RewardSource()])
    let both = try settingsError([list, "ppo.reward.source=gold"])
    #expect(both.path == "ppo.reward.source" && both.advice.contains("`ppo.reward.sources` to []"))
    let command = try settingsError(["ppo.reward.source=command"])
    #expect(command.path == "ppo.reward.command" && command.advice.contains("reward_length.py"))
    #expect(
      try settingsError(["ppo.reward.sources=[{source: command, command: \" \"}]"]).path
        == "ppo.reward.sources[0].command")
    #expect(
      try settingsError(["ppo.reward.command=cat"]).problem.contains("`ppo.reward.source` is model")
    )
  }

  @Test("a key of another source is refused in a list, too, but for its default")
  func unusedInList() throws {
    let error = try settingsError([
      "ppo.reward.sources=[{source: gold}, {source: verifier, timeout: 5}]"
    ])
    #expect(error.path == "ppo.reward.sources[1].timeout")
    #expect(error.problem.contains("`ppo.reward.sources[1].source` is verifier"))
    let written = try makeScenario([
      "ppo.reward.sources=[{source: gold, timeout: 60, command: null, threshold: 0.0}]"
    ])
    #expect(written.ppo.reward.all.map(\.kind) == [.gold])
    // As a run writes it down, and reads it again to go on.
    let again = try Scenario.read(
      SettingsDocument(yaml: written.resolvedYAML(), file: "scenario.yaml"))
    #expect(again.ppo.reward == written.ppo.reward)
    // Of a file that --set overrides, it is left out.
    var base = try SettingsDocument(yaml: tinyScenario, file: "tiny.yaml")
    try base.set(
      "ppo.reward.sources=[{source: command, command: cat}]",
      source: .line(file: "tiny.yaml", 40))
    let (scenario, leftOut) = try Scenario.resolve(
      base, overrides: ["ppo.reward.sources.0.source=gold"])
    #expect(scenario.ppo.reward.all.map(\.kind) == [.gold])
    #expect(leftOut.map(\.path) == ["ppo.reward.sources[0].command"])
  }

  @Test("scores are added with their weights, and each source's mean is kept")
  func weights() throws {
    let lengths: RewardScorer.Source = { $0.map { Double($0.response.count) } }
    let scorer = RewardScorer([(1, lengths), (-0.5, { $0.map { Double($0.prompt.count) } })])
    let exchanges = [(1, 2), (4, 3)].map {
      Exchange(
        prompt: Array(repeating: 1, count: $0.0), response: Array(repeating: 1, count: $0.1))
    }
    // 2 − 0.5 · 1 and 3 − 0.5 · 4.
    #expect(try scorer.scores(of: exchanges) == [1.5, 1])
    #expect(try scorer.scores(of: [exchanges[0]]) == [1.5])
    let means = scorer.takeMeans()
    #expect(abs(means[0] - 7.0 / 3) < 1e-12 && means[1] == 2)
    #expect(scorer.takeMeans() == [0, 0])
    #expect(try RewardScorer([(1, lengths)]).scores(of: exchanges) == [2, 3])
    #expect(try RewardScorer([(2, lengths)]).scores(of: exchanges) == [4, 6])
  }

  /// A policy and a reward model of the tiny world, trained once.
  private static let models = Result {
    let loop = try makeLoop()
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let reward = try loop.trainReward(from: policy, training: training, heldOut: heldOut).model
    return (policy: policy, reward: reward)
  }

  @Test("all score by the same sum; where gold alone rewards, the reward model judges")
  func everywhere() throws {
    let (policy, reward) = try Self.models.get()
    let sum = try makeLoop([
      "ppo.reward.sources=[{source: model, weight: 2}, "
        + "{source: command, command: '\(Self.length)', weight: -0.1}]",
      "evaluation.best_of=4",
    ])
    let judged = try sum.judge(
      policy, reference: policy, reward: reward, prompts: sum.evaluationPrompts())
    let exchanges = judged.map(\.exchange)
    let expected = zip(
      try makeLoop().scorer(reward).scores(of: exchanges),
      try makeLoop(Self.asCommand).scorer(nil).scores(of: exchanges)
    ).map { 2 * $0 - 0.1 * $1 }
    #expect(Summary(expected).standardDeviation > 0.1)
    for (judged, expected) in zip(judged, expected) {
      #expect(abs((judged.score ?? .nan) - expected) < 1e-9)
    }
    #expect(try sum.scorer(reward).scores(of: exchanges) == judged.map(\.score))
    let only = try makeLoop(Self.asCommand + ["evaluation.best_of=4"])
    let best = try #require(try only.bestOfN(policy, reward: nil))
    // Rows have some 100 bytes.
    #expect((0.08...0.3).contains(best[0].score.mean) && best[0].score.mean < best[2].score.mean)

    let gold = try makeLoop(["ppo.reward.source=gold"])
    #expect(
      try gold.evaluationScorer(reward).scores(of: exchanges)
        == makeLoop().scorer(reward).scores(of: exchanges))
    #expect(!gold.scenario.ppo.reward.isScoreOfEvaluations)
  }

  /// The metrics of every iteration of PPO.
  private final class Iterations: StageObserver {
    private(set) var all: [StepMetrics] = []
    func begin(_ stage: RunStage, _ extent: StageExtent) {}
    func advance(_ stage: RunStage, to done: Int, metrics: StepMetrics?) {
      if stage == .ppo, let metrics { all.append(metrics) }
    }
    func end(_ stage: RunStage) {}
    func note(_ text: String) {}
    func warn(_ warning: TrainingWarning) {}
  }

  @Test(
    "the score of an iteration is in the spread of what the SFT policy earns by the same source")
  func unit() throws {
    let (policy, reward) = try Self.models.get()
    typealias Row = (score: Double, gold: Double, scoreInSD: Double, goldInSD: Double)
    func rows(_ assignments: [String]) throws -> [Row] {
      let iterations = Iterations()
      let loop = try makeLoop(assignments, observer: iterations)
      _ = try loop.optimize(policy, reward: reward)
      return iterations.all.map { step in
        let figures = [Metric.score, .gold, .scoreInSD, .goldInSD].map { step[$0] ?? .nan }
        return (figures[0], figures[1], figures[2], figures[3])
      }
    }
    // Both are (x − mean of gold) / sd of gold, so their difference is that of the raw ones over the sd.
    let gold = try rows(["ppo.reward.source=gold"])
    let (first, last) = (try #require(gold.first), try #require(gold.last))
    let sd = (last.gold - first.gold) / (last.goldInSD - first.goldInSD)
    for row in gold {
      #expect(abs(row.score - row.gold - (row.scoreInSD - row.goldInSD) * sd) < 1e-6)
    }
    // Relative to the reference, the SFT policy earns 0.
    let ratios = try rows(["ppo.reward.relative=true"]).map { $0.scoreInSD / $0.score }
    #expect(ratios.allSatisfy { $0 > 0 && abs($0 / ratios[0] - 1) < 1e-9 })
  }

  @Test("a command is told texts, ids and whether the response ended, in this order of keys")
  func rows() throws {
    let place = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: place) }
    let loop = try makeLoop([
      "ppo.reward.source=command",
      "ppo.reward.command='while IFS= read -r row; do echo \"$row\" >> \(place.path); echo 1; done'",
    ])
    let end = loop.tokenizer.endOfSequence
    let (prompt, response) = (loop.encode(["the", "soup"]), loop.encode(["was", "bad"]))
    let scores = try loop.scorer(nil).scores(of: [
      Exchange(prompt: prompt, response: response + [end]),
      Exchange(prompt: prompt, response: response),
    ])
    #expect(scores == [1, 1])
    func ids(_ ids: [Int32]) -> String { ids.map(String.init).joined(separator: ",") }
    let lines = try String(contentsOf: place, encoding: .utf8).split(separator: "\n")
    let texts = #""prompt":"the soup","response":"was bad","prompt_ids":[\#(ids(prompt))]"#
    #expect(
      lines == [
        #"{"id":0,\#(texts),"response_ids":[\#(ids(response + [end]))],"ended":true}"#,
        #"{"id":1,\#(texts),"response_ids":[\#(ids(response))],"ended":false}"#,
      ])
  }

  @Test("the same seed gives the same bytes at 1 and 2 threads, without a reward model too")
  func sameBytes() throws {
    let policy = try Self.models.get().policy
    func run(threads: Int, _ recording: Recording) throws -> [String] {
      let loop = try makeLoop(
        Self.asCommand + ["ppo.reward.relative=true"], threads: threads, observer: recording)
      let (tuned, value, _) = try loop.optimize(policy, reward: nil)
      return [bits(tuned.parameters), bits(value.parameters)]
    }
    let recordings = [Recording(), Recording()]
    #expect(try run(threads: 1, recordings[0]) == run(threads: 2, recordings[1]))
    #expect(recordings[0].metrics == recordings[1].metrics)
    #expect(recordings[0].notes.contains { $0.contains(Self.length) })
    #expect(recordings[0].metrics[.ppo]?.count == 3)
  }

  @Test("every source of a list is recorded, and one alone is the score itself")
  func recordedMeans() throws {
    let (policy, reward) = try Self.models.get()
    func metrics(_ assignments: [String]) throws -> [String] {
      let recording = Recording()
      _ = try makeLoop(assignments, observer: recording).optimize(policy, reward: reward)
      return recording.metrics[.ppo] ?? []
    }
    let one = try metrics(["ppo.missing_end=keep"])
    let listed = try metrics([
      "ppo.missing_end=keep", "ppo.reward.sources=[{source: model}, {source: gold, weight: 0}]",
    ])
    #expect(one.allSatisfy { !$0.contains("source/") })
    #expect(listed.allSatisfy { $0.contains("source/1") && $0.contains("source/2") })
    // A weight of 0 records and teaches nothing.
    func value(_ name: String, _ row: String) throws -> Double {
      let start = try #require(row.range(of: "\"\(name)\", value: ")).upperBound
      return try #require(Double(row[start...].prefix { $0 != ")" }))
    }
    for (one, listed) in zip(one, listed) {
      #expect(try value("objective/score", one) == value("objective/score", listed))
      #expect(
        try abs(value("objective/gold", listed) - value("source/2", listed)) < .float64Solutions)
    }
  }

  @Test("gold asks for the world's prompts, and a command works with any")
  func givenPrompts() throws {
    let prompts = PromptSource.files([[3, 4]])
    let policy = try Self.models.get().policy
    let gold = "ppo.reward.sources=[{source: command, command: cat}, {source: gold}]"
    let error = try #require(throws: LoopError.self) {
      try makeLoop([gold], prompts: prompts).optimize(policy, reward: nil)
    }
    #expect("\(error)".contains("source gold"))
    _ = try makeLoop(Self.asCommand, prompts: prompts).optimize(policy, reward: nil)
  }

  @Test("a failing command ends the stage with its own error")
  func failure() throws {
    let policy = try Self.models.get().policy
    let loop = try makeLoop([
      "ppo.reward.source=command", "ppo.reward.command=read -r row; echo 1; exit 5",
    ])
    let error = try #require(throws: RewardCommandError.self) {
      try loop.optimize(policy, reward: nil)
    }
    #expect(error.problem == .ended("exit status 5", answered: 1, of: 48, errors: []))
  }
}
