import LanguageModels
import Numerics
import Preferences
import RLHF
import RunRecords
import Statistics
import TestSupport
import Testing

@testable import Experiments

/// Every response is scored after one end of sequence, by the same numbers, wherever that happens.
@Suite struct ScoringPathTests {
  /// A loop of which responses are cut off often, its policy, and a reward model.
  func cutLoop(
    _ assignments: [String] = []
  ) throws -> (loop: AlignmentLoop, policy: LanguageModel, reward: RewardModel) {
    let loop = try makeLoop(["ppo.maximum_tokens=3"] + assignments)
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let reward = try loop.trainReward(from: policy, training: training, heldOut: heldOut).model
    return (loop, policy, reward)
  }

  /// What the reward model says of responses that end here at the latest.
  func scores(
    of exchanges: [Exchange], by reward: RewardModel, in loop: AlignmentLoop
  ) throws -> [Double] {
    let end = loop.tokenizer.endOfSequence
    let ended = exchanges.map {
      Exchange(prompt: $0.prompt, response: $0.response.filter { $0 != end } + [end])
    }
    return try reward.rewards(ended, workers: loop.workers).map { reward.normalization($0) }
  }

  @Test("PPO and evaluation score cut-off responses as if they had ended")
  func cutOff() throws {
    let (loop, policy, reward) = try cutLoop()
    let judged = try loop.judge(
      policy, reference: policy, reward: reward, prompts: loop.evaluationPrompts())
    #expect(Set(judged.map(\.ended)).count == 2)
    let exchanges = judged.map(\.exchange)
    let expected = try scores(of: exchanges, by: reward, in: loop)
    let charged = try loop.scorer(reward).scores(of: exchanges)
    for (index, score) in expected.enumerated() {
      #expect(abs((judged[index].score ?? .nan) - score) < .decoderRounding)
      #expect(abs(charged[index] - score) < .decoderRounding)
    }
    #expect(Summary(expected).standardDeviation > 0.1)
  }

  @Test("rewards are normalised by those of responses that end")
  func normalization() throws {
    let (loop, policy, reward) = try cutLoop(["evaluation.normalization_responses=400"])
    let prompts = loop.prompts(SeededGenerator(seed: 5), count: 400)
    let exchanges = zip(
      prompts,
      try loop.sample(policy, prompts: prompts, SeededGenerator(seed: 99), temperature: 1)
    ).map { Exchange(prompt: $0, response: $1.tokens) }
    let ended = Summary(try scores(of: exchanges, by: reward, in: loop))
    #expect(abs(ended.mean) < 0.4 && abs(ended.standardDeviation - 1) < 0.3)
  }

  @Test("held-out pairs and training rows are tokenised alike, with one end each")
  func pairs() throws {
    let loop = try makeLoop()
    let row = Comparison(
      prompt: "the soup", chosen: "was good", rejected: "was not bad", margin: 0.75)
    let training = try loop.tokenize(
      [PreferenceRow.comparison(row)], positions: 13, purpose: "training")
    let heldOut = try loop.heldOutRows([row], positions: 13)
    let end = loop.tokenizer.endOfSequence
    #expect(
      training[0].responses
        == [loop.encode(["was", "good"]) + [end], loop.encode(["was", "not", "bad"]) + [end]])
    #expect(Array(heldOut.pairs) == [training[0]])
    #expect(training[0].margin == 0.75)
  }

  @Test("a text that ends with EOS gets no second one, wherever it is scored")
  func ownEnd() throws {
    let loop = try makeLoop()
    func row(_ chosen: String) -> Comparison {
      Comparison(prompt: "the soup", chosen: chosen, rejected: "was not bad")
    }
    let training = try loop.tokenize(
      ["was good", "was good <eos>"].map { PreferenceRow.comparison(row($0)) }, positions: 13,
      purpose: "training")
    #expect(training[0] == training[1] && training[0].responses[0].count == 3)
    let heldOut = try loop.heldOutRows([row("was good"), row("was good <eos>")], positions: 13)
    #expect(heldOut.pairs[0] == heldOut.pairs[1])
    #expect(heldOut.pairs[0] == training[0])
    // The same text twice, then, and nothing to learn from.
    let alike = Comparison(prompt: "the soup", chosen: "was good <eos>", rejected: "was good")
    #expect(throws: LoopError.self) { try loop.heldOutRows([alike], positions: 13) }
  }

  @Test("best of n takes the highest score of ended responses, and their gold with it")
  func bestOfN() throws {
    let (loop, policy, reward) = try cutLoop(["evaluation.best_of=4", "evaluation.responses=32"])
    let prompts = loop.evaluationPrompts().flatMap { Array(repeating: $0, count: 4) }
    let responses = try loop.sample(
      policy, prompts: prompts, loop.generator.stream("best of n", 0), temperature: 1)
    let exchanges = zip(prompts, responses).map { Exchange(prompt: $0, response: $1.tokens) }
    let all = try scores(of: exchanges, by: reward, in: loop)
    let best = stride(from: 0, to: all.count, by: 4).compactMap { start in
      (start..<start + 4).max { all[$0] < all[$1] }
    }
    let points = try #require(try loop.bestOfN(policy, reward: reward))
    let last = try #require(points.last)
    #expect(last.n == 4)
    #expect(abs(last.score.mean - Summary(best.map { all[$0] }).mean) < .decoderRounding)
    #expect(abs(points[0].score.mean - Summary(all).mean) < .decoderRounding)
    let gold = zip(exchanges, responses).map { loop.worldGold($0, ended: $1.ended) }
    // Responses that are alike have the same gold, so which of them is the best does not matter.
    #expect(
      abs((last.gold?.mean ?? .nan) - Summary(best.map { gold[$0] }).mean) < .float64Solutions)
  }

  @Test("a verifier says 1 from its threshold on, and 0 below")
  func verifier() throws {
    let plain = try makeLoop(["ppo.reward.source=gold"])
    let reward = try cutLoop().reward
    let end = plain.tokenizer.endOfSequence
    let exchanges = [["was", "good"], ["was", "bad"], ["was", "very", "good"]].map {
      Exchange(prompt: plain.encode(["the", "soup"]), response: plain.encode($0) + [end])
    }
    let gold = try plain.scorer(reward).scores(of: exchanges)
    #expect(gold[1] < gold[0] && gold[0] < gold[2])
    let strict = try makeLoop(["ppo.reward.source=verifier", "ppo.reward.threshold=\(gold[0])"])
    #expect(try strict.scorer(reward).scores(of: exchanges) == [1, 0, 1])
  }

  @Test("DPO raises what annotators preferred against what they did not")
  func directPreference() throws {
    let (loop, policy, reward) = try cutLoop([
      "ppo.maximum_tokens=9", "dpo.optimizer.learning_rate=0.01", "dpo.epochs=3",
    ])
    let training = try loop.comparePreferences(of: policy).training
    let tuned = try loop.optimizeDirectly(policy, rows: training, reward: reward)
    let rows = try loop.tokenize(training, positions: 13, purpose: "training")
    let comparison = DistributionComparison(policy: tuned, reference: policy, temperature: 1)
    let gains = comparison.compare(rows.flatMap(\.exchanges)).map {
      zip($0.logProbabilities, $0.referenceLogProbabilities).reduce(0) { $0 + $1.0 - $1.1 }
    }
    let margins = stride(from: 0, to: gains.count, by: 2).map { Double(gains[$0] - gains[$0 + 1]) }
    #expect(Summary(margins).mean > 0.1)
  }

  @Test("a policy's own pairs are ordered by the score, missing ends included")
  func ownPairs() throws {
    let (loop, policy, reward) = try cutLoop(["ppo.reward.source=gold"])
    let score = try loop.scorer(reward)
    let pairs = try loop.ownPairs(of: policy, count: 100, SeededGenerator(seed: 4), score)
    let end = loop.tokenizer.endOfSequence
    var turned = 0
    for pair in pairs {
      let responses = [pair.chosen, pair.rejected]
      let scores = try score.scores(
        of: responses.map { Exchange(prompt: pair.prompt, response: $0) })
      let final = zip(scores, responses).map { $1.last == end ? $0 : -1 }
      #expect(final[0] > final[1])
      turned += scores[0] < scores[1] ? 1 : 0
    }
    #expect(pairs.count > 20 && turned > 0, "a missing end decides some of them")
  }

  @Test("texts of the pretraining mix end as the fine-tuned ones do")
  func pretrainingMix() throws {
    let loop = try makeLoop()
    let texts = loop.corpus(SeededGenerator(seed: 6))
    #expect(texts.count == 16)
    let end = loop.tokenizer.endOfSequence
    #expect(texts.allSatisfy { $0.response.last == end && !$0.response.dropLast().contains(end) })
  }
}
