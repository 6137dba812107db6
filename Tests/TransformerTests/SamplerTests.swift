import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@Suite("Sampling")
struct SamplerTests {
  private let endOfSequence: Int32 = 0
  private let prompts: [[Int32]] = [
    [3, 1, 4], [3, 1, 4], [7], [9, 2], [3, 1, 4], [18, 18, 5, 6],
  ]

  private func sample(
    _ model: LanguageModel, _ prompts: [[Int32]], threads: Int = 1, seed: UInt64 = 1,
    _ change: (inout SamplingOptions) -> Void
  ) throws -> [SampledResponse] {
    var options = SamplingOptions()
    options.maximumTokens = 6
    change(&options)
    let root = SeededGenerator(seed: seed)
    return try Sampler(options, endOfSequence: endOfSequence).responses(
      from: model, to: prompts,
      generators: prompts.indices.map { root.stream("sample", $0) },
      workers: Workers(count: threads))
  }

  @Test(
    "temperature 0 takes the likeliest token of the uncached logits at every step",
    arguments: TestModels.families)
  func greedy(family: DecoderConfiguration.Family) throws {
    let model = try TestModels.language(family)
    for (prompt, response) in zip(prompts, try sample(model, prompts) { $0.temperature = 0 }) {
      var sequence = prompt
      for token in response.tokens {
        let last = try #require(uncachedLogits(model, sequence).last)
        #expect(last[Int(token)] == last.max())
        sequence.append(token)
      }
      #expect(response.tokens.count == 6 || response.ended)
    }
  }

  @Test(
    "a response is the same bits alone, among others and at any number of threads",
    arguments: TestModels.families)
  func independence(family: DecoderConfiguration.Family) throws {
    let model = try TestModels.language(family)
    let many = (0..<40).map { prompts[$0 % prompts.count] }
    func bits(_ responses: [SampledResponse]) -> [[UInt32]] {
      responses.map { $0.tokens.map(UInt32.init) + $0.logProbabilities.map(\.bitPattern) }
    }
    let all = bits(try sample(model, many, threads: 1) { _ in })
    for threads in [2, 3, 7, 64] {
      #expect(bits(try sample(model, many, threads: threads) { _ in }) == all)
    }
    #expect(bits(try sample(model, Array(many[..<1])) { _ in }) == Array(all[..<1]))
    #expect(bits(try sample(model, Array(many[..<9])) { _ in }) == Array(all[..<9]))
  }

  @Test("responses of one token, and of none", arguments: TestModels.families)
  func shortest(family: DecoderConfiguration.Family) throws {
    let model = try TestModels.language(family)
    let one = try sample(model, prompts) { $0.maximumTokens = 1 }
    #expect(one.map(\.tokens.count) == prompts.map { _ in 1 })
    #expect(one.map(\.logProbabilities.count) == prompts.map { _ in 1 })
    let none = try sample(model, prompts) { $0.maximumTokens = 0 }
    #expect(none.count == prompts.count)
    #expect(none.allSatisfy { $0.tokens.isEmpty && !$0.ended })
    #expect(try sample(model, []) { _ in }.isEmpty)
  }

  @Test("top-k of 1 is temperature 0", arguments: TestModels.families)
  func topOne(family: DecoderConfiguration.Family) throws {
    let model = try TestModels.language(family)
    let greedy = try sample(model, prompts) { $0.temperature = 0 }
    let top = try sample(model, prompts) { $0.topK = 1 }
    #expect(top.map(\.tokens) == greedy.map(\.tokens))
  }

  private struct Truncation: Sendable, CustomTestStringConvertible {
    var temperature = 1.0
    var topK = 0
    var topP = 1.0
    var testDescription: String { "T \(temperature), top-k \(topK), top-p \(topP)" }

    /// softmax(logits / T), cut off and made to sum to 1 again.
    func probabilities(_ logits: [Float]) -> [Double] {
      let all = softmax(logits, temperature: temperature)
      var order = all.indices.sorted { all[$0] > all[$1] }
      if topK > 0 { order = Array(order.prefix(topK)) }
      let total = order.reduce(0) { $0 + all[$1] }
      var kept: [Int] = []
      var reached = 0.0
      for index in order where reached < topP * total {
        kept.append(index)
        reached += all[index]
      }
      return all.indices.map { kept.contains($0) ? all[$0] / reached : 0 }
    }
  }

  @Test(
    "first tokens are as frequent as softmax(logits / T) says, cut off and renormalised",
    arguments: [
      Truncation(), Truncation(temperature: 0.5), Truncation(temperature: 2),
      Truncation(temperature: 1.5, topK: 4), Truncation(temperature: 1.5, topP: 0.6),
      Truncation(temperature: 1.5, topK: 5, topP: 0.8),
    ])
  private func frequencies(truncation: Truncation) throws {
    let model = try TestModels.language(.llama)
    let prompt: [Int32] = [3, 1, 4]
    let draws = 6_000
    let responses = try sample(model, Array(repeating: prompt, count: draws)) {
      $0.maximumTokens = 1
      $0.temperature = truncation.temperature
      $0.topK = truncation.topK
      $0.topP = truncation.topP
    }
    var counts = Array(repeating: 0, count: 19)
    for response in responses { counts[Int(response.tokens[0])] += 1 }
    let logits = try #require(uncachedLogits(model, prompt).last)
    let expected = truncation.probabilities(logits)
    // Otherwise the distribution could not tell a right sampler from a wrong one.
    #expect(expected.count { $0 > 0.02 } >= 3)
    if truncation.topP < 1 || truncation.topK > 0 { #expect(expected.contains(0)) }
    for (token, p) in expected.enumerated() {
      let deviation = (Double(draws) * p * (1 - p)).squareRoot()
      #expect(abs(Double(counts[token]) - Double(draws) * p) <= 4 * deviation, "token \(token)")
    }
    // The log-probability is that of the whole distribution, as training computes it.
    let whole = softmax(logits, temperature: truncation.temperature)
    for response in responses.prefix(20) {
      let found = Double(response.logProbabilities[0])
      #expect(abs(found - logarithm(whole[Int(response.tokens[0])])) < .trainingRounding)
    }
  }

  @Test("log-probabilities are those that training computes", arguments: TestModels.families)
  func logProbabilities(family: DecoderConfiguration.Family) throws {
    let model = try TestModels.language(family)
    for temperature in [0, 0.7, 1, 1.6] {
      let responses = try sample(model, prompts) { $0.temperature = temperature }
      let exchanges = zip(prompts, responses).map { Exchange(prompt: $0, response: $1.tokens) }
      let expected = model.responseLogProbabilities(
        exchanges, temperature: temperature == 0 ? 1 : temperature, on: Tape(recording: false)
      ).logProbabilities.value.values
      #expect(
        largestDifference(responses.flatMap(\.logProbabilities), expected) < .trainingRounding)
    }
  }

  @Test("the same seed draws the same tokens at one and two threads, and another seed others")
  func reproducible() throws {
    let model = try TestModels.language(.llama)
    let many = (0..<40).map { prompts[$0 % prompts.count] }
    let single = try sample(model, many) { _ in }
    let double = try sample(model, many, threads: 2) { _ in }
    let other = try sample(model, many, seed: 2) { _ in }
    #expect(double.map(\.tokens) == single.map(\.tokens))
    #expect(double.map(\.logProbabilities) == single.map(\.logProbabilities))
    #expect(other.map(\.tokens) != single.map(\.tokens))
  }

  @Test("a response depends on its own generator, not on its neighbours")
  func neighbours() throws {
    let model = try TestModels.language(.gpt2)
    let together = try sample(model, prompts) { _ in }
    var options = SamplingOptions()
    options.maximumTokens = 6
    for (index, prompt) in prompts.enumerated() {
      let alone = try Sampler(options, endOfSequence: endOfSequence).responses(
        from: model, to: [prompt], generators: [SeededGenerator(seed: 1).stream("sample", index)],
        workers: Workers(count: 1))
      #expect(alone.map(\.tokens) == [together[index].tokens])
    }
  }

  @Test("a response ends at the first end-of-sequence token, or at its length")
  func ended() throws {
    let model = try TestModels.language(.llama)
    let many = (0..<120).map { prompts[$0 % prompts.count] }
    let responses = try sample(model, many) { $0.temperature = 1.5 }
    for response in responses {
      #expect(response.ended == response.tokens.contains(endOfSequence))
      #expect(!response.tokens.dropLast().contains(endOfSequence))
      if !response.ended { #expect(response.tokens.count == 6) }
      #expect(response.logProbabilities.count == response.tokens.count)
    }
    #expect(responses.contains { $0.ended && $0.tokens.count > 1 })
    #expect(responses.contains { $0.ended && $0.tokens.count == 6 })
    #expect(responses.contains { !$0.ended })
  }

  @Test("what does not fit the positions is refused, and what just fits is not")
  func tooLong() throws {
    let model = try TestModels.language(.llama)  // 16 positions
    let prompt = Array(repeating: Int32(5), count: 12)
    // The last token that is drawn needs no position.
    #expect(try sample(model, [prompt]) { $0.maximumTokens = 5 }.count == 1)
    let error = #expect(throws: ModelError.self) {
      _ = try sample(model, [[1], prompt]) { $0.maximumTokens = 6 }
    }
    #expect(
      error?.description == "a prompt and 6 new tokens need 17 positions, and the model has 16; "
        + "ask for fewer tokens")
    let empty = #expect(throws: ModelError.self) { _ = try sample(model, [[1], []]) { _ in } }
    #expect(empty?.description == "a prompt is empty; give it at least one token")
  }

  @Test("only plain sampling counts as pure")
  func pure() {
    #expect(SamplingOptions().isPureSampling)
    let changes: [(inout SamplingOptions) -> Void] = [
      { $0.temperature = 0 }, { $0.topK = 3 }, { $0.topP = 0.9 },
    ]
    for change in changes {
      var options = SamplingOptions()
      change(&options)
      #expect(!options.isPureSampling)
    }
  }
}
