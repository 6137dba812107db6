import LanguageModels
import RLHF
import RunRecords
import Testing

@testable import Experiments

@Suite("Fixed prompts")
struct FixedPromptTests {
  @Test("the same prompts and random numbers at every iteration, and training undisturbed")
  func sameAtEveryIteration() throws {
    let loop = try makeLoop()
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let reward = try loop.trainReward(from: policy, training: training, heldOut: heldOut).model
    var records: [FixedPromptRecord] = []
    let tuned = try loop.optimize(
      policy, reward: reward, rollouts: RolloutSink(writeFixed: { records += $0 })
    ).policy
    let alone = try loop.optimize(policy, reward: reward).policy
    #expect(bits(tuned.parameters) == bits(alone.parameters))

    // The policy at the start and after each of three iterations.
    let count = loop.fixedPrompts().count
    #expect((2...8).contains(count) && Set(loop.fixedPrompts()).count == count)
    #expect(records.map(\.iteration) == (0...3).flatMap { Array(repeating: $0, count: count) })
    #expect(records.map(\.index) == (0...3).flatMap { _ in 0..<count })
    let first = Array(records.prefix(count))
    #expect(first.allSatisfy { $0.klExact == 0 && $0.length >= 1 && $0.gold != nil })
    #expect(Set(records.map(\.prompt)).count <= count)

    // What the first and the last policy answer when they are asked again.
    func answers(_ policy: LanguageModel, _ iteration: Int) throws -> [FixedPromptRecord] {
      try loop.fixedResponses(
        of: policy, after: iteration, to: loop.fixedPrompts(), reference: alone, reward: reward,
        scorer: loop.evaluationScorer(reward))
    }
    #expect(try answers(policy, 0).map(\.tokens) == first.map(\.tokens))
    #expect(try answers(policy, 0).map(\.score) == first.map(\.score))
    #expect(try answers(tuned, 3).map(\.tokens) == records.suffix(count).map(\.tokens))
    #expect(first.map(\.tokens) != records.suffix(count).map(\.tokens))
  }

  @Test("an ensemble's members score every response, and their disagreement is a metric")
  func members() throws {
    let recording = Recording()
    let loop = try makeLoop(
      ["reward.ensemble=2", "reward.combine=mean"], observer: recording)
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let (reward, report) = try loop.trainReward(
      from: policy, training: training, heldOut: heldOut)
    #expect(report.members?.count == 2)
    #expect(try #require(report.disagreement) > 0)
    var records: [FixedPromptRecord] = []
    _ = try loop.optimize(
      policy, reward: reward, rollouts: RolloutSink(writeFixed: { records += $0 }))
    for record in records {
      let members = try #require(record.memberScores)
      #expect(members.count == 2 && members[0] != members[1])
      #expect(abs((members[0] + members[1]) / 2 - (record.score ?? 0)) < 1e-12)
    }
    let metrics = try #require(recording.metrics[.ppo])
    #expect(metrics.allSatisfy { $0.contains("\"objective/disagreement\"") })

    let prompts = Array(repeating: try #require(loop.evaluationPrompts().first), count: 8)
    var responses = try loop.judge(policy, reference: policy, reward: reward, prompts: prompts)
    let scored = responses.map { reward.ended($0.exchange) }
    #expect(
      try responses.map(\.memberScores) == reward.memberScores(scored, workers: loop.workers))
    // Both prefer the later response, or one the earlier.
    for (sign, agreement) in [(1.0, 1.0), (-1, 0)] {
      for index in responses.indices {
        responses[index].memberScores = [10 + Double(index), 10 + sign * Double(index)]
      }
      #expect(EvaluationSummary.Policy(responses).memberAgreement == agreement)
    }
    #expect(EvaluationSummary.Policy([responses[0], responses[0]]).memberAgreement == nil)
  }
}
