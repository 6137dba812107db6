import Foundation
import LanguageModels
import Numerics
import RunRecords
import Settings
import Statistics
import TestSupport
import Testing

@testable import Experiments
@testable import RLHF
@testable import Worlds

@Suite struct ExactWorldTests {
  func makeLoop(_ overrides: [String] = []) throws -> AlignmentLoop {
    let file = packageRoot.appending(path: "scenarios/exact.yaml")
    return try AlignmentLoop(
      ProjectFiles.scenario(file.path, overrides: overrides), seed: 5, workers: Workers(count: 2),
      observer: Recording())
  }

  /// Two different policies and a reward model with something to say, all without training.
  func models(
    _ loop: AlignmentLoop
  ) throws -> (policy: LanguageModel, reference: LanguageModel, reward: RewardModel) {
    func policy(_ seed: UInt64) throws -> LanguageModel {
      var generator = SeededGenerator(seed: seed)
      var model = try LanguageModel(
        loop.scenario.model.decoder(vocabularySize: loop.tokenizer.vocabularySize),
        using: &generator)
      for (index, name) in model.parameters.names.enumerated() where !name.hasSuffix("gain") {
        model.parameters.tensors[index].multiply(by: 6)
      }
      return model
    }
    var generator = SeededGenerator(seed: 8)
    let trunk = try policy(7)
    let head = ScalarModel.rewardHead(width: trunk.configuration.width, using: &generator)
    let reward = RewardModel(
      model: ScalarModel(trunkOf: trunk, head: head), specialTokens: loop.specialTokens)
    return (try policy(6), trunk, reward)
  }

  func agrees(_ values: [Double], _ mean: Double) -> Bool {
    let summary = Summary(values)
    return abs(summary.mean - mean)
      < 4.5 * summary.standardDeviation / Double(values.count).squareRoot()
  }

  @Test("the exact figures of policy and reference are what sampling tends to")
  func figures() throws {
    let loop = try makeLoop([
      "evaluation.responses=4000", "ppo.temperature=0.9", "ppo.maximum_tokens=3",
    ])
    let (policy, reference, reward) = try models(loop)
    let exact = try #require(
      try loop.compareWithOptimum(policy, reference: reference, reward: reward))
    #expect(exact.responses == 400)
    #expect(exact.prompts == Set(loop.evaluationPrompts()).count)
    for (model, figures) in [(policy, exact.policy), (reference, exact.reference)] {
      let judged = try loop.judge(
        model, reference: reference, reward: reward, prompts: loop.evaluationPrompts())
      #expect(
        agrees(
          try judged.map {
            loop.scenario.ppo.finalScore(try #require($0.score), ended: $0.ended)
          }, figures.score))
      #expect(agrees(try judged.map { try #require($0.gold) }, try #require(figures.gold)))
      let kl = judged.map(\.exactKL)
      #expect(figures.kl < 1e-9 ? kl.allSatisfy { $0 < .float32Rounding } : agrees(kl, figures.kl))
      #expect(
        abs(figures.objective - (figures.score - exact.coefficient * figures.kl))
          < .float64Solutions)
    }
    #expect(exact.policy.kl > 0.1)
  }

  @Test("J* − J(π) is β times the KL from the optimum, and no policy is above the curve")
  func optimum() throws {
    let loop = try makeLoop(["evaluation.responses=60", "ppo.maximum_tokens=3"])
    let (policy, reference, reward) = try models(loop)
    let exact = try #require(
      try loop.compareWithOptimum(policy, reference: reference, reward: reward))
    let lack = exact.optimum.objective - exact.policy.objective
    #expect(abs(lack - exact.coefficient * exact.klFromOptimum) < .float64Solutions)
    #expect(exact.optimum.objective > exact.reference.objective)
    let fraction = try #require(exact.fraction)
    let possible = exact.optimum.objective - exact.reference.objective
    #expect(abs(fraction - (possible - lack) / possible) < .float64Rounding)
    #expect(exact.scoreCeiling > exact.policy.score)
    // The curve rises, and passes the optimum at β.
    let curve = exact.frontier
    #expect(zip(curve, curve.dropFirst()).allSatisfy { $0.kl < $1.kl && $0.score < $1.score })
    let own = try #require(
      curve.first { abs($0.coefficient - exact.coefficient) < .float64Solutions })
    #expect(
      abs(own.kl - exact.optimum.kl) < .float64Solutions
        && abs(own.score - exact.optimum.score) < .float64Solutions)
    for (first, second) in zip(exact.likeliest, exact.likeliest.dropFirst())
    where first.prompt == second.prompt {
      #expect(first.optimum >= second.optimum)
    }
    #expect(exact.likeliest.count == 18)
    let itself = try #require(
      try loop.compareWithOptimum(reference, reference: reference, reward: reward))
    #expect(itself.fraction == 0)
  }

  @Test(
    "worlds too large to list and objectives without one optimum have no exact figures",
    arguments: ["ppo.kl.coefficient=0", "ppo.kl.controller=adaptive", "ppo.maximum_tokens=7"])
  func absent(assignment: String) throws {
    let loop = try makeLoop([assignment, "model.maximum_positions=12"])
    let (policy, reference, reward) = try models(loop)
    #expect(try loop.compareWithOptimum(policy, reference: reference, reward: reward) == nil)
  }

  @Test("melodies end with their first note, whatever lies between")
  func longRange() throws {
    let world = try makeLoop().world
    #expect(world.vocabulary.sorted() == ["do", "fa", "mi", "re", "sol"])
    var generator = SeededGenerator(seed: 9)
    for _ in 0..<2_000 {
      let (prompt, response) = world.samplePair(using: &generator)
      #expect((prompt + response).first == response.last)
      #expect((4...6).contains((prompt + response).count))
    }
    func breaks(_ text: String) -> Int {
      world.grammarBreaks(
        prompt: [], response: text.split(separator: " ").map(String.init), ended: true)
    }
    #expect(breaks("re mi fa mi re") == 0)
    #expect(breaks("re mi fa mi") == 1)
    #expect(breaks("mi sol do re mi") == 0)
    #expect(breaks("mi fa do mi") > 0, "no do after fa")
  }

  @Test("gold is not a sum over notes: the value of one depends on the others")
  func nonLinear() throws {
    let world = try makeLoop().world
    func gold(_ text: String) -> Double {
      world.goldReward(
        prompt: ["re", "mi", "re"], response: text.split(separator: " ").map(String.init),
        ended: true)
    }
    // A leap to sol pleases, but a do before it turns it round.
    let leap = gold("mi sol re") - gold("mi fa re")
    let turned = gold("do sol re") - gold("do fa re")
    #expect(leap > 1 && turned < 0)
  }
}
