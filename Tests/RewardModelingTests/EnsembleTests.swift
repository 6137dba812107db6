import Foundation
import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite("An ensemble of reward models")
struct EnsembleTests {
  private let workers = Workers(count: 2)
  private let exchanges = TestRewardModel.comparisons(5).flatMap(\.exchanges)

  /// Three models with other heads.
  private func members() throws -> [RewardModel.Member] {
    var model = try TestRewardModel.make().model
    var generator = SeededGenerator(seed: 3)
    return [(0.5, 2.0), (-1, 0.5), (0, 1)].map { mean, deviation in
      model.head = ScalarModel.rewardHead(width: TestRewardModel.width, using: &generator)
      return RewardModel.Member(
        model: model,
        normalization: RewardNormalization(mean: mean, standardDeviation: deviation))
    }
  }

  private func ensemble(_ rule: EnsembleRule, weight: Double = 0.3) throws -> RewardModel {
    RewardModel(
      members: try members(),
      combination: EnsembleCombination(rule: rule, uncertaintyWeight: weight),
      specialTokens: SpecialTokens(endOfSequence: 0, padding: 1))
  }

  @Test("combines three scores by mean, worst case and uncertainty")
  func rules() {
    let scores = [1.0, -2, 4]
    #expect(EnsembleCombination(rule: .mean)(scores) == 1)
    #expect(EnsembleCombination(rule: .worst)(scores) == -2)
    // Squared distances from 1 are 0, 9 and 9.
    #expect(EnsembleCombination(rule: .uncertainty, uncertaintyWeight: 0.5)(scores) == -2)
    for rule in EnsembleRule.allCases {
      #expect(EnsembleCombination(rule: rule, uncertaintyWeight: 7)([1.25]) == 1.25)
    }
  }

  @Test("normalises every member before it combines", arguments: EnsembleRule.allCases)
  func normalization(rule: EnsembleRule) throws {
    let ensemble = try ensemble(rule)
    let apart = try ensemble.members.map { member in
      try RewardModel(model: member.model, specialTokens: ensemble.specialTokens)
        .rewards(exchanges, workers: workers).map { member.normalization($0) }
    }
    let scores = try ensemble.scores(exchanges, workers: workers)
    for (index, score) in scores.enumerated() {
      let each = apart.map { $0[index] }
      let mean = (each[0] + each[1] + each[2]) / 3
      let spread = each.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 3
      let expected =
        switch rule {
        case .mean: mean
        case .worst: min(each[0], each[1], each[2])
        case .uncertainty: mean - 0.3 * spread
        }
      #expect(abs(score - expected) < .float64Rounding)
      #expect(Set(each).count == 3)
    }
    // Rewards are the scores in the members' units, and the normalization leads back.
    let rewards = try ensemble.rewards(exchanges, workers: workers)
    #expect(
      ensemble.normalization == RewardNormalization(mean: -0.5 / 3, standardDeviation: 3.5 / 3))
    #expect(
      largestDifference(rewards.map { ensemble.normalization($0) }, scores) < .float64Rounding)
  }

  @Test("of one is that model, every bit of it", arguments: EnsembleRule.allCases)
  func one(rule: EnsembleRule) throws {
    let member = try members()[0]
    let tokens = SpecialTokens(endOfSequence: 0, padding: 1)
    let alone = RewardModel(
      model: member.model, normalization: member.normalization, specialTokens: tokens)
    let ensemble = RewardModel(
      members: [member], combination: EnsembleCombination(rule: rule, uncertaintyWeight: 1),
      specialTokens: tokens)
    let rewards = try alone.rewards(exchanges, workers: workers)
    #expect(try ensemble.rewards(exchanges, workers: workers) == rewards)
    let scores = try ensemble.scores(exchanges, workers: workers)
    #expect(scores == rewards.map { member.normalization($0) })
  }

  private func withDirectory(_ body: (URL) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appending(path: "EnsembleTests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory)
  }

  @Test("comes back from files, of which the first member's are those of one model")
  func files() throws {
    try withDirectory { directory in
      let ensemble = try ensemble(.uncertainty)
      try ensemble.save(to: directory)
      let restored = try RewardModel(directory: directory, specialTokens: ensemble.specialTokens)
      #expect(restored.members.count == 3)
      #expect(restored.combination == ensemble.combination)
      #expect(restored.members.map(\.normalization) == ensemble.members.map(\.normalization))
      let scores = try ensemble.scores(exchanges, workers: workers)
      #expect(try restored.scores(exchanges, workers: workers) == scores)

      let first = try ScalarModel(directory: directory)
      #expect(first.head.values == ensemble.model.head.values)
      let other = try ScalarModel(directory: directory.appending(path: "member-2"))
      #expect(other.head.values == ensemble.members[2].model.head.values)
      let normalization = try ScalarModel.normalization(directory: directory)
      #expect(normalization == ensemble.members[0].normalization)
    }
  }

  @Test("of one leaves nothing of an ensemble in its files")
  func singleFiles() throws {
    try withDirectory { directory in
      try TestRewardModel.make().save(to: directory)
      let text = try String(contentsOf: directory.appending(path: "config.json"), encoding: .utf8)
      #expect(text.contains("reward_normalization") && !text.contains("reward_ensemble"))
      let entries = try FileManager.default.contentsOfDirectory(atPath: directory.path)
      #expect(entries.sorted() == ["README.md", "config.json", "model.safetensors"])
    }
  }

  @Test("is refused when its files do not belong together, with file and key")
  func damagedFiles() throws {
    try withDirectory { directory in
      let ensemble = try ensemble(.worst)
      try ensemble.save(to: directory)
      let configuration = directory.appending(path: "config.json")
      let text = try String(contentsOf: configuration, encoding: .utf8)
      for (written, wrong, key) in [
        ("\"worst\"", "\"best\"", "reward_ensemble.combine"),
        ("\"members\": 3", "\"members\": 0", "reward_ensemble.members"),
        ("\"members\": 3", "\"members\": 4", "member-3"),
      ] {
        let changed = text.replacingOccurrences(of: written, with: wrong)
        #expect(changed != text)
        try changed.write(to: configuration, atomically: true, encoding: .utf8)
        let error = try #require(throws: (any Error).self) {
          try RewardModel(directory: directory, specialTokens: ensemble.specialTokens)
        }
        #expect("\(error)".contains(key), "\(error)")
      }
    }
  }

  @Test("is trained member by member from one trunk; the first is the model trained alone")
  func training() throws {
    var generator = SeededGenerator(seed: 8)
    let trunk = try LanguageModel(TestRewardModel.make().model.configuration, using: &generator)
    let rows = TestRewardModel.comparisons(24)
    func train(
      _ count: Int, threads: Int = 1
    ) throws -> (models: [[[Float]]], steps: [StepMetrics]) {
      var configuration = RewardConfiguration()
      configuration.ensemble = count
      configuration.batchSize = 8
      var steps: [StepMetrics] = []
      let models = try RewardTrainer(configuration, workers: Workers(count: threads))
        .trainMembers(
          from: trunk, on: rows, using: SeededGenerator(seed: 1), evaluate: { _, _ in },
          report: { steps.append($0) })
      return (models.map { $0.parameters.tensors.map(\.values) }, steps)
    }
    let alone = try train(1)
    let three = try train(3)
    #expect(three.models.count == 3 && three.models[0] == alone.models[0])
    for a in 0..<3 {
      for b in 0..<a { #expect(three.models[a] != three.models[b]) }
    }
    #expect(alone.steps.map(\.step) == [1, 2, 3])
    #expect(alone.steps[0]["reward/member"] == nil)
    #expect(three.steps.map(\.step) == Array(1...9))
    #expect(three.steps.allSatisfy { $0.totalSteps == 9 })
    #expect(three.steps.map { $0["reward/member"] } == [0, 0, 0, 1, 1, 1, 2, 2, 2])
    // Another order of the rows, not only another head.
    #expect(three.steps[3]["reward/loss"] != three.steps[0]["reward/loss"])
    #expect(try train(3, threads: 2).models == three.models)
  }
}
