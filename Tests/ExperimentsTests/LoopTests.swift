import Foundation
import LanguageModels
import Numerics
import Preferences
import RLHF
import Statistics
import TestSupport
import Testing

@testable import Experiments
@testable import Worlds

@Suite struct LoopTests {
  @Test("one seed gives the same bytes at one, two and three threads, another seed others")
  func determinism() throws {
    let one = try outputs(threads: 1)
    for threads in 2...3 {
      let other = try outputs(threads: threads)
      for part in Part.allCases { #expect(one[part] == other[part], "\(part), \(threads) threads") }
    }
    let reseeded = try outputs(seed: 2)
    for part in Part.allCases { #expect(one[part] != reseeded[part], "\(part)") }
  }

  @Test("gold counts a special token inside a response, but not EOS")
  func specialTokens() throws {
    let loop = try makeLoop([])
    let prompt = loop.encode(["the", "soup"])
    let response = loop.encode(["was", "good"]) + [loop.tokenizer.endOfSequence]
    #expect(loop.words(response) == ["was", "good"])
    let unknown = try #require(loop.tokenizer.unknown)
    let broken = response.dropLast() + [unknown, loop.tokenizer.endOfSequence]
    let clean = loop.worldGold(Exchange(prompt: prompt, response: response), ended: true)
    #expect(
      loop.worldGold(Exchange(prompt: prompt, response: Array(broken)), ended: true) < clean - 0.5)
  }

  @Test("held-out prompts are in no training pair, and there are as many pairs as asked for")
  func heldOut() throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      let loop = try makeLoop(["preferences.pairs=200"], seed: seed)
      let (training, heldOut, _) = try loop.comparePreferences(of: loop.trainPolicy())
      #expect(training.count == 200 && heldOut.count == 48)
      let (seen, kept) = (Set(training.map(\.prompt)), Set(heldOut.map(\.prompt)))
      #expect(seen.isDisjoint(with: kept))
      #expect(seen.count > 1 && kept.count >= 1)
    }
  }

  @Test("comparisons have gold rewards and the probability of the choice, in words of the world")
  func comparisons() throws {
    let loop = try makeLoop(["preferences.pairs=2000", "preferences.held_out_pairs=1000"])
    let training = try loop.comparePreferences(of: loop.trainPolicy()).training
    let vocabulary = Set(loop.world.vocabulary + ["<unk>", "<pad>"])
    var (likelier, expected, variance) = (0.0, 0.0, 0.0)
    for case .comparison(let row) in training {
      let (prompt, chosen, rejected) = (words(row.prompt), words(row.chosen), words(row.rejected))
      #expect(row.chosen != row.rejected && !chosen.isEmpty && !rejected.isEmpty)
      #expect(vocabulary.isSuperset(of: prompt + chosen + rejected), "no end among the words")
      #expect(chosen.count <= 9 && rejected.count <= 9)
      func gold(_ response: [String]) -> Double {
        loop.world.goldReward(prompt: prompt, response: response, ended: true)
      }
      #expect(row.chosenGold == gold(chosen) && row.rejectedGold == gold(rejected))
      #expect(["ann", "bob"].contains(row.annotator))
      let probability = try #require(row.probability)
      let other = loop.world.preferenceProbability(
        prompt: prompt, first: Response(words: rejected), second: Response(words: chosen))
      #expect(abs(probability + other - 1) < .float64Solutions)
      let best = max(probability, 1 - probability)
      likelier += probability > 0.5 ? 1 : probability == 0.5 ? 0.5 : 0
      expected += best
      variance += best * (1 - best)
    }
    // Choices follow their probabilities: the likelier response wins as often as it should.
    #expect(abs(likelier - expected) < 4.5 * variance.squareRoot())
    #expect(expected > 0.55 * Double(training.count))
  }

  @Test("responses to rank are all different, and a ranking names each once")
  func rankings() throws {
    let loop = try makeLoop()
    var rows: [PreferenceRow] = []
    try loop.annotate(loop.trainPolicy(), count: 10, responses: 4) { rows += $0 }
    #expect(rows.count == 10)
    for row in rows {
      guard case .ranking(let ranking) = row else {
        Issue.record("four responses make a ranking")
        continue
      }
      #expect(Set(ranking.responses).count == 4)
      #expect(ranking.ranking.sorted() == [0, 1, 2, 3])
    }
  }

  @Test("a policy with a single response leaves nothing to compare, and a message says so")
  func nothingToCompare() throws {
    let loop = try makeLoop(["preferences.temperature=0.000001", "preferences.pairs=3"])
    let error = try #require(throws: LoopError.self) {
      try loop.comparePreferences(of: loop.trainPolicy())
    }
    #expect("\(error)".contains("raise `preferences.temperature`"))
  }

  @Test("new responses of the reference have scores of mean 0 and sd 1, within chance")
  func normalization() throws {
    let loop = try makeLoop(["evaluation.normalization_responses=800"])
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let reward = try loop.trainReward(from: policy, training: training, heldOut: heldOut).model
    let prompts = (0..<2_000).map { loop.encode(words(training[$0 % training.count].prompt)) }
    let responses = try loop.sample(
      policy, prompts: prompts, SeededGenerator(seed: 99), temperature: 1)
    let scores = try reward.scores(
      zip(prompts, responses).map { reward.ended(Exchange(prompt: $0, response: $1.tokens)) },
      workers: loop.workers)
    let summary = Summary(scores)
    let inverseCounts = 1.0 / 800 + 1.0 / 2_000
    #expect(abs(summary.mean) < 4.5 * inverseCounts.squareRoot())
    let kurtosis = scores.reduce(0) { $0 + pow($1 - summary.mean, 4) } / 2_000
    let deviationError = (max(0, kurtosis - 1) / 4 * inverseCounts).squareRoot()
    #expect(abs(summary.standardDeviation - 1) < 4.5 * deviationError)
    #expect(reward.normalization != RewardNormalization())
  }

  @Test("a policy compared with itself has no KL, wins half, and is judged as the world judges")
  func judging() throws {
    let loop = try makeLoop()
    let policy = try loop.trainPolicy()
    var generator = SeededGenerator(seed: 5)
    let head = ScalarModel.rewardHead(width: 16, using: &generator)
    let reward = RewardModel(
      model: ScalarModel(trunkOf: policy, head: head), specialTokens: loop.specialTokens)
    let prompts = loop.evaluationPrompts()
    let judged = try loop.judge(policy, reference: policy, reward: reward, prompts: prompts)
    #expect(judged.map(\.exchange.prompt) == prompts)
    for response in judged {
      #expect(abs(response.exactKL) < .float32Rounding)
      let text = (
        prompt: loop.words(response.exchange.prompt).joined(separator: " "),
        response: loop.words(response.exchange.response).joined(separator: " ")
      )
      #expect(
        response.gold
          == loop.world.goldReward(
            prompt: words(text.prompt), response: words(text.response), ended: response.ended))
      #expect(response.ended == (response.exchange.response.last == loop.tokenizer.endOfSequence))
      #expect(
        response.isGrammatical
          == (loop.world.grammarBreaks(
            prompt: words(text.prompt), response: words(text.response), ended: response.ended) == 0)
      )
    }
    let wins = try #require(AlignmentLoop.winRate(of: judged, against: judged))
    #expect(wins.value == 0.5 && wins.count == judged.count)
  }

  @Test("comparisons longer than the model's positions are left out, with a note")
  func longComparisons() throws {
    let recording = Recording()
    let loop = try makeLoop(observer: recording)
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let long = Comparison(
      prompt: "the soup", chosen: Array(repeating: "good", count: 20).joined(separator: " "),
      rejected: "was bad")
    _ = try loop.trainReward(
      from: policy, training: training + [.comparison(long)], heldOut: heldOut)
    #expect(recording.notes.contains { $0.contains("1 of 97 training rows are left out") })
    #expect(throws: LoopError.self) {
      try loop.trainReward(from: policy, training: [.comparison(long)], heldOut: heldOut)
    }
  }

  @Test("prompts too long for a response and its EOS are refused before the run")
  func longPrompts() throws {
    let loop = try makeLoop()
    let policy = try loop.trainPolicy()
    let head = Tensor(repeating: 0, shape: [1, 16])
    let reward = RewardModel(
      model: ScalarModel(trunkOf: policy, head: head), specialTokens: loop.specialTokens)
    // 13 positions: a response of 9, its EOS and a prompt of 3.
    for length in 4...5 {
      let prompts = [[Int32]](repeating: .init(repeating: 2, count: length), count: 4)
      let refusals = [
        #expect(throws: ModelError.self) {
          try makeLoop(prompts: .files(prompts)).optimize(policy, reward: reward)
        },
        #expect(throws: ModelError.self) {
          try loop.judge(policy, reference: policy, reward: reward, prompts: prompts)
        },
      ]
      for error in refusals { #expect("\(error, default: "")".contains("positions")) }
    }
  }

  @Test("a loss that is not finite stops its stage and names stage, step and tensor")
  func notFinite() throws {
    let loop = try makeLoop()
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let reward = try loop.trainReward(from: policy, training: training, heldOut: heldOut).model

    var poisoned = policy
    poisoned.parameters.tensors[0] = Tensor(
      repeating: .nan, shape: policy.parameters.tensors[0].shape)
    let broken = poisoned
    let rewardError = try #require(throws: NonFiniteError.self) {
      try loop.trainReward(from: broken, training: training, heldOut: heldOut)
    }
    #expect(rewardError.stage == "reward model" && rewardError.step == 1)

    var poison = reward
    poison.model.head = Tensor(repeating: .infinity, shape: reward.model.head.shape)
    let infinite = poison
    let policyError = try #require(throws: NonFiniteError.self) {
      try loop.optimize(policy, reward: infinite)
    }
    #expect("\(rewardError)".contains("reward model step 1: the loss is not finite (training el"))
    #expect("\(policyError)".contains("PPO step 1: the score is not finite (episodes "))
  }
}

func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
