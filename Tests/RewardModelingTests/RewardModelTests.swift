import Foundation
import LanguageModels
import Numerics
import TestSupport
import Testing

@testable import RLHF

@Suite("A reward")
struct RewardModelTests {
  private let model: RewardModel
  private let workers = Workers(count: 2)
  private let end = TestRewardModel.endOfSequence

  init() throws { model = try TestRewardModel.make() }

  @Test("does not depend on the batch around it, its order, or a prompt computed once")
  func batches() throws {
    let exchanges = TestRewardModel.comparisons(40).flatMap(\.exchanges)
    let together = try model.rewards(exchanges, workers: workers)
    let alone = try exchanges.flatMap { try model.rewards([$0], workers: workers) }
    let reversed = try model.rewards(exchanges.reversed(), workers: workers)
    // Apart from its pair, no exchange shares its prompt.
    let apart =
      exchanges.indices.filter { $0.isMultiple(of: 2) }
      + exchanges.indices.filter { !$0.isMultiple(of: 2) }
    let separated = try model.rewards(apart.map { exchanges[$0] }, workers: workers)
    #expect(ResponseBatch(exchanges).packed.count < exchanges.reduce(0) { $0 + $1.count })
    #expect(largestDifference(together, alone) < .decoderRounding)
    #expect(largestDifference(reversed.reversed(), alone) < .decoderRounding)
    #expect(largestDifference(separated, apart.map { alone[$0] }) < .decoderRounding)
    #expect((alone.max() ?? 0) - (alone.min() ?? 0) > 0.5)
  }

  @Test("of a large file comes out in pieces and in order")
  func chunks() throws {
    let exchanges = TestRewardModel.comparisons(6_000).flatMap(\.exchanges)
    // More than one piece of 4,096 tokens in each of the 16 shards.
    #expect(exchanges.reduce(0) { $0 + $1.count } > 16 * 4_800)
    let rewards = try model.rewards(exchanges, workers: workers)
    #expect(rewards.count == exchanges.count)
    for index in stride(from: 0, to: exchanges.count, by: 997) {
      let alone = try model.rewards([exchanges[index]], workers: workers)
      #expect(largestDifference([rewards[index]], alone) < .decoderRounding)
    }
  }

  @Test("is the head's product with the hidden state of the last token")
  func definition() throws {
    let exchange = Exchange(prompt: [3, 4], response: [5, 6, end])
    let batch = PackedBatch(sequences: [exchange.prompt + exchange.response])
    let states = model.model.hiddenStates(of: batch, on: Tape(recording: false)).value.values
    let last = states.suffix(TestRewardModel.width)
    let expected = zip(last, model.model.head.values).reduce(0.0) { $0 + Double($1.0 * $1.1) }
    let found = try model.rewards([exchange], workers: workers)
    #expect(abs(found[0] - expected) < .decoderRounding)
  }

  @Test("is read after exactly one end-of-sequence token")
  func ended() {
    let open = Exchange(prompt: [3, 4], response: [5, 6])
    let closed = Exchange(prompt: [3, 4], response: [5, 6, end])
    #expect(model.ended(open) == closed)
    #expect(model.ended(closed) == closed)
    #expect(model.ended(model.ended(open)) == closed)
    let empty = Exchange(prompt: [3, end], response: [])
    #expect(model.ended(empty) == Exchange(prompt: [3, end], response: [end]))
  }

  @Test("does not take an end-of-sequence token in the prompt for the end of the response")
  func endInPrompt() throws {
    let first = Exchange(prompt: [3, end, 4], response: [5, end])
    let second = Exchange(prompt: [3, end, 4], response: [6, end])
    let rewards = try model.rewards([first, second], workers: workers)
    #expect(abs(rewards[0] - rewards[1]) > 1e-3)
    #expect(model.ended(Exchange(prompt: [3, end, 4], response: [5])) == first)
    // The same tokens have the same reward wherever the response is said to begin.
    let moved = Exchange(prompt: [3], response: [end, 4, 5, end])
    let again = try model.rewards([moved], workers: workers)
    #expect(abs(rewards[0] - again[0]) < .decoderRounding)
  }

  @Test("and its normalization come back from files")
  func files() throws {
    let directory = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appending(path: "RewardModelingTests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    var normalized = model
    normalized.members[0].normalization = RewardNormalization(mean: -0.5, standardDeviation: 2)
    try normalized.save(to: directory)
    let restored = try RewardModel(directory: directory, specialTokens: model.specialTokens)
    #expect(restored.normalization == normalized.normalization)
    let exchanges = TestRewardModel.comparisons(3).flatMap(\.exchanges)
    let rewards = try model.rewards(exchanges, workers: workers)
    #expect(try restored.rewards(exchanges, workers: workers) == rewards)
    let scores = try restored.scores(exchanges, workers: workers)
    #expect(largestDifference(scores, rewards.map { ($0 + 0.5) / 2 }) < .float64Rounding)

    try model.model.save(to: directory, specialTokens: model.specialTokens)
    let plain = try RewardModel(directory: directory, specialTokens: model.specialTokens)
    #expect(plain.normalization == RewardNormalization(mean: 0, standardDeviation: 1))
  }
}
