import LanguageModels
import Numerics
import RLHF
import RunRecords
import Settings
import Testing

@testable import Experiments

/// Size, steps and data of a reward model, each of which varies by itself.
@Suite struct RewardSizeTests {
  private func trained(
    _ assignments: [String], observer: Recording = Recording()
  ) throws -> RewardModel {
    let loop = try makeLoop(assignments, observer: observer)
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    return try loop.trainReward(from: policy, training: training, heldOut: heldOut).model
  }

  @Test("steps are as many as asked for, whatever the epochs would make")
  func steps() throws {
    for (assignments, count) in [([], 6), (["reward.steps=4"], 4), (["reward.steps=10"], 10)] {
      let recording = Recording()
      _ = try trained(assignments, observer: recording)
      #expect(recording.metrics[.reward]?.count == count)
    }
    // As long as they agree, they are the same batches.
    let one = try trained(["reward.steps=6"])
    #expect(bits(one.model.parameters) == bits(try trained([]).model.parameters))
  }

  @Test("only the first rows are used, and a note says where there are fewer")
  func pairsUsed() throws {
    let loop = try makeLoop(["reward.steps=3"])
    let policy = try loop.trainPolicy()
    let (rows, heldOut, _) = try loop.comparePreferences(of: policy)
    let some = try makeLoop(["reward.steps=3", "reward.pairs_used=40"])
    let expected = try loop.trainReward(
      from: policy, training: Array(rows.prefix(40)), heldOut: heldOut)
    let found = try some.trainReward(from: policy, training: rows, heldOut: heldOut)
    #expect(bits(found.model.model.parameters) == bits(expected.model.model.parameters))
    #expect(found.report.trainingAccuracy == expected.report.trainingAccuracy)
    let recording = Recording()
    _ = try trained(["reward.pairs_used=97"], observer: recording)
    #expect(recording.notes.contains { $0.contains("`reward.pairs_used` is 97") })
  }

  @Test("a size of its own leaves that of policy and value model as it is")
  func size() throws {
    let recording = Recording()
    let loop = try makeLoop(
      ["reward.model={width: 8, layers: 1}", "model.key_value_heads=1"], observer: recording)
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let reward = try loop.trainReward(from: policy, training: training, heldOut: heldOut).model
    #expect(recording.stages.contains(.rewardTrunk))
    let shape = reward.model.configuration
    #expect(shape.width == 8 && shape.layers == 1 && shape.headWidth == 4)
    #expect(shape.keyValueHeads == 1 && shape.feedForwardWidth == 24)
    let (tuned, value, _) = try loop.optimize(policy, reward: reward)
    #expect(tuned.configuration.width == 16 && value.configuration.width == 16)
  }

  @Test("a size that is none is refused where it is written")
  func refusals() throws {
    let error = try #require(throws: SettingsError.self) {
      try makeScenario(["reward.model.width=15"])
    }
    #expect(error.path == "reward.model.heads" && error.problem.contains("do not divide"))
    let unused = try #require(throws: SettingsError.self) {
      try makeScenario(["reward.steps=4", "reward.epochs=3"])
    }
    #expect(unused.path == "reward.epochs" && unused.problem.contains("unused"))
  }
}
