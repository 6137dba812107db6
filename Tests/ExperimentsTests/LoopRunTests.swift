import Foundation
import LanguageModels
import Numerics
import Preferences
import RLHF
import RunRecords
import Settings
import Statistics
import TestSupport
import Testing

@testable import Experiments

@Suite struct LoopRunTests {
  /// Runs the whole loop into a new directory, which is removed after `body`.
  func demo(
    _ assignments: [String] = [], seed: UInt64 = 1, threads: Int = 2,
    _ body: (RunDirectory, EvaluationSummary) throws -> Void
  ) throws {
    let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: url) }
    let directory = try RunDirectory.create(at: url, force: false)
    let recorder = try RunRecorder(
      directory: directory, information: information,
      terminal: Terminal(isInteractive: false, isQuiet: true))
    let run = try LoopRun(
      makeLoop(assignments, seed: seed, threads: threads, observer: recorder), in: directory)
    let summary = try run.demo()
    try recorder.close()
    try body(directory, summary)
  }

  let information = RunInformation(
    version: "0", command: .demo, commandLine: ["rlhf-sim", "demo"], scenario: "tiny", seed: 1,
    threads: 2,
    cpu: "", blasCore: "", allocator: "", started: Date(timeIntervalSince1970: 0))

  @Test("prompts of files are drawn at random and evaluated in turn; they have no gold")
  func promptsOfFiles() throws {
    let source = PromptSource.files([[2], [3, 2], [4]])
    let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: url) }
    let directory = try RunDirectory.create(at: url, force: false)
    #expect(try directory.promptSource() == .world)
    let run = try LoopRun(makeLoop(prompts: source), in: directory)
    #expect(try directory.promptSource() == source)
    let prompts = run.loop.evaluationPrompts()
    #expect(prompts.count == 48 && prompts.prefix(4) == [[2], [3, 2], [4], [2]])
    let drawn = run.loop.prompts(SeededGenerator(seed: 3), count: 60)
    #expect(drawn.count == 60 && Set(drawn) == [[2], [3, 2], [4]])
    #expect(drawn.prefix(6) != prompts.prefix(6))
    let exchange = Exchange(prompt: [2], response: [3])
    #expect(run.loop.gold(exchange, ended: true) == nil)
    #expect(try makeLoop().gold(exchange, ended: true) != nil)
  }

  @Test(
    "judgements that the reward model cannot learn from are refused before anything is trained",
    arguments: [
      ["reward.read=steps", "reward.objective=binary"], ["preferences.responses=1"],
    ])
  func judgementsOfNoUse(assignments: [String]) throws {
    let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: url) }
    let directory = try RunDirectory.create(at: url, force: false)
    let run = try LoopRun(makeLoop(assignments), in: directory)
    let error = try #require(throws: SettingsError.self) { _ = try run.demo() }
    #expect(error.path == "preferences.responses" && !directory.has(.sft))
  }

  @Test("a whole loop saves its figures, over as many responses as asked for")
  func figures() throws {
    try demo { directory, summary in
      #expect(try EvaluationSummary.read(from: directory) == summary)
      let (sft, ppo) = (try #require(summary.sft), try #require(summary.ppo))
      for policy in [sft, ppo] {
        for distribution in [
          policy.gold, policy.score, policy.klExact, policy.length, policy.entropy,
        ] {
          #expect(try #require(distribution).count == 48)
        }
        let (grammatical, ended) = (policy.grammaticalFraction, policy.eosFraction)
        #expect((0...1).contains(try #require(grammatical)))
        #expect((0...1).contains(try #require(ended)))
      }
      #expect(abs(try #require(sft.klExact).mean) < .float32Rounding)
      #expect(try #require(ppo.klExact).mean > 1e-6)
      #expect(try #require(summary.winRate).count == 48)
      let reward = try #require(summary.reward)
      let accuracy = try #require(reward.accuracy)
      #expect(
        accuracy.count == 48 && accuracy.low <= accuracy.value && accuracy.value <= accuracy.high)
      #expect((0.5...1).contains(try #require(reward.ceiling)))
      #expect((0...1).contains(try #require(reward.ece)))
      #expect((-1...1).contains(try #require(reward.goldCorrelation)))
    }
  }

  @Test("a whole loop saves scenario, metrics of every step, comparisons, samples and checkpoints")
  func records() throws {
    try demo(["preferences.held_out_pairs=1000"]) { directory, _ in
      let scenario = try ProjectFiles.scenario(directory.scenario.path)
      #expect(scenario.node == (try makeScenario()).node)

      let supervised = try MetricsTable(stage: .sft, in: directory)
      #expect(supervised.steps == Array(1...12), "both phases in one table")
      #expect(try MetricsTable(stage: .reward, in: directory).steps == Array(1...6))
      let ppo = try MetricsTable(stage: .ppo, in: directory)
      #expect(ppo.steps == [1, 2, 3])
      for name in [
        "objective/score", "objective/gold", "objective/kl", "objective/kl_exact",
        "objective/penalized_reward", "objective/entropy", "policy/approximate_kl",
        "policy/clip_fraction", "policy/ratio_max", "policy/loss", "policy/gradient_norm",
        "value/loss", "value/clip_fraction", "value/explained_variance", "kl/coefficient",
        "response/length", "response/eos_fraction", "time/rollout", "time/score", "time/update",
      ] {
        #expect(ppo[name]?.compactMap(\.self).count == 3, "\(name)")
      }
      #expect(ppo["objective/kl_exact"]?.allSatisfy { ($0 ?? -1) > -1e-6 } ?? false)

      for (set, count) in [(RunPreferences.train, 96), (.eval, 1_000)] {
        var rows = 0
        try PreferenceSource(directory.preferences(set)).survey { _ in rows += 1 }
        #expect(rows == count)
      }
      let samples = try SampleComparison.read(from: directory)
      #expect(samples.count == 48)
      let byToken = samples.prefix(SampleComparison.countByToken)
      #expect(samples.map { $0.tokensAfter != nil }.firstIndex(of: false) == byToken.count)
      for sample in byToken {
        let tokens = try #require(sample.tokensAfter)
        #expect(tokens.filter { !$0.hasPrefix("<") }.joined(separator: " ") == sample.after)
        #expect(sample.exactKLTokensAfter?.count == tokens.count)
        #expect(sample.exactKLTokensAfter?.reduce(0, +) == sample.klAfter)
        let logRatios = try #require(sample.logRatioTokensAfter)
        #expect(logRatios.count == tokens.count && logRatios.contains { $0 != 0 })
      }

      for checkpoint in [RunCheckpoint.sft, .policy, .reference] {
        _ = try LanguageModel(directory: directory.checkpoint(checkpoint))
      }
      let (reference, sft) = (
        try LanguageModel(directory: directory.checkpoint(.reference)),
        try LanguageModel(directory: directory.checkpoint(.sft))
      )
      #expect(bits(reference.parameters) == bits(sft.parameters))
      let value = try ScalarModel(directory: directory.checkpoint(.value))
      #expect(value.head.values.contains { $0 != 0 })
      #expect(try ScalarModel.normalization(directory: directory.checkpoint(.reward)) != nil)

      let information = try RunInformation.read(from: directory)
      #expect(information.status == .finished && information.error == nil)
      // This world is too large to list its responses.
      let stages = RunStage.allCases.filter { ![.rewardTrunk, .exactOptimum, .dpo].contains($0) }
      #expect(information.stageSeconds.map(\.stage) == stages.map(\.rawValue))
    }
  }

  /// The contents of a run's files, without times.
  func contents(of directory: RunDirectory) throws -> [String: Data] {
    let files = try #require(
      FileManager.default.enumerator(at: directory.url, includingPropertiesForKeys: nil)
    ).compactMap { $0 as? URL }
    var contents: [String: Data] = [:]
    for file in files where !file.hasDirectoryPath {
      let path = file.path.replacing(directory.url.path, with: "")
      let hasTimes = ["/metrics/", "/events/", "/run.json"].contains { path.hasPrefix($0) }
      if !hasTimes { contents[path] = try Data(contentsOf: file) }
    }
    return contents
  }

  @Test("two runs of one seed leave equal files at one thread and at three, another seed others")
  func sameFiles() throws {
    var first: [String: Data] = [:]
    try demo(threads: 1) { directory, _ in first = try contents(of: directory) }
    #expect(first.count > 20)
    try demo(threads: 3) { directory, _ in
      let other = try contents(of: directory)
      #expect(other.keys.sorted() == first.keys.sorted())
      #expect(first.keys.filter { other[$0] != first[$0] } == [])
    }
    try demo(seed: 2) { directory, _ in
      let other = try contents(of: directory)
      #expect(other.keys.sorted() == first.keys.sorted())
      for path in first.keys where path.hasSuffix(".safetensors") || path.hasSuffix(".jsonl") {
        #expect(other[path] != first[path], "\(path)")
      }
    }
  }

  @Test("a run that fails says so and why in its record")
  func failure() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: url) }
    let directory = try RunDirectory.create(at: url, force: false)
    let recorder = try RunRecorder(
      directory: directory, information: information,
      terminal: Terminal(isInteractive: false, isQuiet: true))
    #expect(try RunInformation.read(from: directory).status == .running)
    try recorder.close(
      error: NonFiniteError(stage: "PPO policy", step: 7, tensor: "the gradient of final_norm.gain")
    )
    let read = try RunInformation.read(from: directory)
    #expect(read.status == .failed)
    #expect(
      read.error?.contains("PPO policy step 7: the gradient of final_norm.gain is not finite")
        ?? false)
  }
}
