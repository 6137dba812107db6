import Foundation
import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite struct RolloutTests {
  /// log softmax(logits / T) for the state before each response token, in Float64, from one
  /// unpacked pass over prompt and response.
  func slowDistributions(
    _ model: LanguageModel, _ exchange: Exchange, temperature: Double
  ) -> [[Double]] {
    let tape = Tape(recording: false)
    let batch = PackedBatch(sequences: [exchange.prompt + exchange.response])
    let logits = model.logits(model.hiddenStates(of: batch, on: tape), on: tape).value
    let width = logits.columns
    return exchange.response.indices.map { index in
      let row = exchange.prompt.count - 1 + index
      let scaled = logits.values[row * width..<(row + 1) * width].map { Double($0) / temperature }
      let logSum = log(scaled.reduce(0) { $0 + exp($1) })
      return scaled.map { $0 - logSum }
    }
  }

  @Test(
    "log-probabilities, exact KL and entropy are those of softmax(logits / T) at response tokens",
    arguments: [0.7, 1, 1.3])
  func figures(temperature: Double) throws {
    let configuration = configured { $0.temperature = temperature }
    let (policy, reference) = (try makePolicy(seed: 4), try makePolicy(seed: 5))
    let (experience, _) = try makeRollout(configuration, reference: reference).collect(
      policy: policy, value: makeValue(on: policy), prompts: makePrompts(8),
      using: SeededGenerator(seed: 6), coefficient: 0.2)
    for episode in experience.episodes {
      let own = slowDistributions(policy, episode.exchange, temperature: temperature)
      let other = slowDistributions(reference, episode.exchange, temperature: temperature)
      let tokens = episode.exchange.response.map(Int.init)
      #expect(
        isClose(episode.logProbabilities, zip(own, tokens).map { $0[$1] }, within: .decoderRounding)
      )
      #expect(
        isClose(
          episode.referenceLogProbabilities, zip(other, tokens).map { $0[$1] },
          within: .decoderRounding))
      let kl = zip(own, other).map { zip($0, $1).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) } }
      #expect(isClose(episode.exactKL, kl, within: .decoderRounding))
      let entropies = own.map { -$0.reduce(0) { $0 + exp($1) * $1 } }
      #expect(isClose(episode.entropies, entropies, within: .decoderRounding))
      let expected = zip(own, other).enumerated().map { $1.0[tokens[$0]] - $1.1[tokens[$0]] }
      #expect(
        isClose(episode.kl, expected, within: .trainingRounding), "one KL per response token")
    }
  }

  @Test(
    "the sampler's log-probabilities are those that the update computes",
    arguments: [0.7, 1, 1.3])
  func samplerAgrees(temperature: Double) throws {
    let policy = try makePolicy()
    let prompts = makePrompts(16)
    var options = SamplingOptions()
    options.temperature = temperature
    options.maximumTokens = 6
    let generator = SeededGenerator(seed: 7)
    let samples = try Sampler(options, endOfSequence: endOfSequence).responses(
      from: policy, to: prompts, generators: prompts.indices.map { generator.stream("one", $0) },
      workers: Workers(count: 2))
    let exchanges = zip(prompts, samples).map { Exchange(prompt: $0, response: $1.tokens) }
    let (logProbabilities, logits) = policy.responseLogProbabilities(
      exchanges, temperature: temperature, on: Tape(recording: false))
    let again = logProbabilities.value.values
    let rounding = ratioRounding(logits.value.values, temperature: temperature)
    let drawn = samples.flatMap(\.logProbabilities)
    #expect(drawn.count == again.count)
    #expect(zip(drawn, again).allSatisfy { abs(exp(Double($0 - $1)) - 1) < rounding })
  }

  @Test("values are those of the value model, one for the state before each response token")
  func values() throws {
    let policy = try makePolicy()
    let value = makeValue(on: policy)
    let (experience, _) = try makeRollout(configured(), reference: policy).collect(
      policy: policy, value: value, prompts: makePrompts(8), using: SeededGenerator(seed: 6),
      coefficient: 0.2)
    for episode in experience.episodes {
      let tape = Tape(recording: false)
      let (prompt, response) = (episode.exchange.prompt, episode.exchange.response)
      let batch = PackedBatch(sequences: [prompt + response])
      let all = value.scalars(value.hiddenStates(of: batch, on: tape), on: tape).value.values
      let expected = all[(prompt.count - 1)...].dropLast().map(Double.init)
      #expect(isClose(episode.values, expected, within: .decoderRounding))
    }
  }

  /// Responses of a rollout in which every score is 5.
  func scores(_ change: (inout PPOConfiguration) -> Void) throws -> (
    ended: Set<Double>, cut: Set<Double>
  ) {
    let configuration = configured {
      $0.maximumTokens = 3
      $0.missingEOSPenalty = 2
      change(&$0)
    }
    let policy = try makePolicy()
    let rollout = makeRollout(configuration, reference: policy) { $0.map { _ in 5 } }
    let (experience, _) = try rollout.collect(
      policy: policy, value: makeValue(on: policy), prompts: makePrompts(64),
      using: SeededGenerator(seed: 8), coefficient: 0.2)
    for episode in experience.episodes {
      #expect(episode.ended == (episode.exchange.response.last == endOfSequence))
      #expect(episode.ended || episode.length == 3)
      #expect(!episode.exchange.response.dropLast().contains(endOfSequence))
    }
    let (ended, cut) = (
      experience.episodes.filter(\.ended), experience.episodes.filter { !$0.ended }
    )
    #expect(!ended.isEmpty && !cut.isEmpty)
    return (Set(ended.map(\.score)), Set(cut.map(\.score)))
  }

  @Test(
    "the missing-EOS penalty replaces the score, is subtracted or left out; with EOS there is none")
  func missingEOS() throws {
    for (choice, expected) in [
      (PPOConfiguration.MissingEOS.replace, -2.0), (.subtract, 3), (.keep, 5),
    ] {
      let (ended, cut) = try scores { $0.missingEOS = choice }
      #expect(ended == [5] && cut == [expected], "\(choice)")
    }
  }

  @Test("scores are clipped before the penalty")
  func scoreClip() throws {
    let (ended, cut) = try scores {
      $0.scoreClip = 1.5
      $0.missingEOS = .subtract
    }
    #expect(ended == [1.5] && cut == [-0.5])
    #expect(
      try scores {
        $0.scoreClip = 1.5
        $0.missingEOS = .keep
      }.cut == [1.5])
    #expect(configured { $0.scoreClip = 1.5 }.finalScore(-5, ended: true) == -1.5)
  }

  @Test("an end-of-sequence token in the prompt does not end a response")
  func endInPrompt() throws {
    let configuration = configured {
      $0.maximumTokens = 2
      $0.missingEOS = .replace
      $0.missingEOSPenalty = 2
    }
    let policy = try makePolicy()
    let prompts = makePrompts(32).map { $0 + [endOfSequence] }
    let episodes = try makeRollout(configuration, reference: policy) { $0.map { _ in 5 } }.collect(
      policy: policy, value: makeValue(on: policy), prompts: prompts,
      using: SeededGenerator(seed: 8), coefficient: 0.2
    ).experience.episodes
    for episode in episodes {
      #expect(episode.ended == (episode.exchange.response.last == endOfSequence))
      #expect(episode.score == (episode.ended ? 5 : -2))
      #expect(episode.kl.count == episode.length, "no KL for the prompt")
    }
    #expect(Set(episodes.map(\.ended)).count == 2)
  }

  @Test("each score lands on its own episode, at its last token alone")
  func scoresInOrder() throws {
    let policy = try makePolicy()
    let rollout = makeRollout(configured(), reference: policy) { exchanges in
      exchanges.map { $0.response.reduce(0.0) { $0 * 8 + Double($1) } }
    }
    let (experience, _) = try rollout.collect(
      policy: policy, value: makeValue(on: policy), prompts: makePrompts(40),
      using: SeededGenerator(seed: 9), coefficient: 0.2)
    for episode in experience.episodes {
      let score = episode.exchange.response.reduce(0.0) { $0 * 8 + Double($1) }
      #expect(episode.score == score)
      // Policy and reference are the same model, so the KL is 0.
      #expect(episode.rewards == episode.kl.dropLast().map { _ in 0.0 } + [score])
    }
  }
}
