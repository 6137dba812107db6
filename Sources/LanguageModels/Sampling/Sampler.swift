import CKernels
import Foundation
package import Numerics
package import Statistics

/// How the next token is drawn.
package struct SamplingOptions: Sendable, Equatable {
  /// T: logits are divided by it; 0 takes the likeliest token.
  package var temperature = 1.0
  /// Only the k likeliest tokens; 0 for all.
  package var topK = 0
  /// Only the likeliest tokens that together reach this probability; 1 for all.
  package var topP = 1.0
  /// The longest response, in tokens.
  package var maximumTokens = 32

  package init() {}

  /// Whether samples come from softmax(logits / T) itself, so that their log-probabilities are those
  /// that training computes.
  package var isPureSampling: Bool { temperature > 0 && topK == 0 && topP >= 1 }
}

/// A response drawn from a policy.
package struct SampledResponse: Sendable {
  /// The tokens drawn, with the end token if one was.
  package var tokens: [Int32]
  /// log softmax(logits / T) of each token (T = 1 at temperature 0), as training computes it.
  package var logProbabilities: [Float]
  /// Whether it ended by an end token and not by its length.
  package var ended: Bool
}

/// Draws responses with a key-value cache, many sequences at a time.
package struct Sampler: Sendable {
  package let options: SamplingOptions
  /// Ends a response, as does every other end token of the checkpoint that a policy was loaded from.
  package let endOfSequence: Int32

  package init(_ options: SamplingOptions, endOfSequence: Int32) {
    self.options = options
    self.endOfSequence = endOfSequence
  }

  /// One response to each prompt; equal prompts that follow each other are computed once.
  ///
  /// - Parameters:
  ///   - prompts: each of at least one token.
  ///   - generators: one per prompt, so that a response depends on its own generator alone.
  /// - Throws: ``ModelError/input(_:)`` when prompt and response may not fit the positions.
  package func responses(
    from model: LanguageModel, to prompts: [[Int32]], generators: [SeededGenerator],
    workers: Workers
  ) throws -> [SampledResponse] {
    precondition(generators.count == prompts.count, "one generator per prompt")
    let longest = (prompts.map(\.count).max() ?? 0) + options.maximumTokens
    guard longest <= model.configuration.maximumPositions + 1 else {
      throw ModelError.input(
        "a prompt and \(options.maximumTokens) new tokens need \(longest - 1) positions, and the "
          + "model has \(model.configuration.maximumPositions); ask for fewer tokens")
    }
    guard prompts.allSatisfy({ !$0.isEmpty }) else {
      throw ModelError.input("a prompt is empty; give it at least one token")
    }
    guard !prompts.isEmpty, options.maximumTokens > 0 else {
      return prompts.map { _ in SampledResponse(tokens: [], logProbabilities: [], ended: false) }
    }
    let weights = try PackedWeights(model, workers: workers)
    let pieces = pieces(
      of: prompts.count, workers: workers,
      atOnce: Self.sequencesAtOnce(of: model, tokens: longest))
    let parts = try workers.map(pieces) { piece in
      let range = prompts.count * piece / pieces..<prompts.count * (piece + 1) / pieces
      var batch = SamplingBatch(
        sampler: self, model: model, weights: weights, prompts: Array(prompts[range]),
        generators: Array(generators[range]))
      return batch.run()
    }
    return parts.flatMap(\.self)
  }

  /// How many parts sequences are sampled in: the same number for each thread.
  ///
  /// This may depend on the threads, unlike shards of training: a response is the same to the bit
  /// whatever is sampled beside it, because every kernel on the way works row by row.
  private func pieces(of sequences: Int, workers: Workers, atOnce: Int) -> Int {
    let rounds = (sequences + atOnce * workers.count - 1) / (atOnce * workers.count)
    return min(sequences, rounds * workers.count)
  }

  /// How many sequences a thread samples side by side.
  ///
  /// Every token reads the keys and values of its sequence, and the sequences of a token share one
  /// reading of the weights. Where the weights stay in the cache between tokens, so many at once that
  /// keys and values do, too; where they do not, as many as there may be.
  static func sequencesAtOnce(of model: LanguageModel, tokens: Int) -> Int {
    let (least, most) = (16, 64)
    let cache = (1 << 22) / MemoryLayout<Float>.stride  // 4 MB, a thread's part of a laptop's
    let weights = model.parameters.tensors.reduce(0) { $0 + $1.count }
    guard weights <= cache else { return most }
    let shape = model.configuration
    let sequence = 2 * shape.layers * tokens * shape.attention.keyValueWidth
    return min(most, max(least, cache / sequence))
  }

  /// Draws one token from a row of logits; returns it with log softmax(logits / T) of it.
  ///
  /// - Parameters:
  ///   - logits: `count` scores.
  ///   - scratch: `count` floats.
  func draw(
    _ logits: UnsafePointer<Float>, count: Int, scratch: UnsafeMutablePointer<Float>,
    using generator: inout SeededGenerator
  ) -> (token: Int32, logProbability: Float) {
    let scale = Float(1 / (options.temperature > 0 ? options.temperature : 1))
    var target: Int32 = 0
    var logProbability: Float = 0
    var logSum: Float = 0
    if options.temperature == 0 {
      for index in 1..<count where logits[index] > logits[Int(target)] { target = Int32(index) }
    }
    // The log-sum does not depend on the target, which is not known yet when sampling.
    vm_log_probabilities(&logProbability, &logSum, nil, logits, &target, 1, count, scale)
    if options.temperature > 0 {
      for index in 0..<count { scratch[index] = scale * logits[index] - logSum }
      vm_exp(scratch, scratch, count)
      if !options.isPureSampling { keepLikeliest(scratch, count) }
      target = Int32(draw(weights: scratch, count, using: &generator))
      logProbability = scale * logits[Int(target)] - logSum
    }
    return (target, logProbability)
  }

  private func draw(
    weights: UnsafePointer<Float>, _ count: Int, using generator: inout SeededGenerator
  ) -> Int {
    var total = 0.0
    for index in 0..<count { total += Double(weights[index]) }
    var remainder = generator.uniform() * total
    var last = 0
    for index in 0..<count where weights[index] > 0 {
      remainder -= Double(weights[index])
      last = index
      if remainder < 0 { break }
    }
    return last
  }

  /// Sets to 0 what top-k and top-p leave out: first the k likeliest, then of them the fewest that
  /// reach the probability p of what is left.
  private func keepLikeliest(_ probabilities: UnsafeMutablePointer<Float>, _ count: Int) {
    var order = (0..<count).sorted {
      (probabilities[$1], $0) < (probabilities[$0], $1)
    }
    if options.topK > 0 { order = Array(order.prefix(options.topK)) }
    let total = order.reduce(0.0) { $0 + Double(probabilities[$1]) }
    var reached = 0.0
    var kept = 0
    for index in order {
      if kept > 0, reached >= options.topP * total { break }
      reached += Double(probabilities[index])
      kept += 1
    }
    let keep = Set(order.prefix(kept))
    for index in 0..<count where !keep.contains(index) { probabilities[index] = 0 }
  }
}

/// One worker's sequences on their way through the sampler.
private struct SamplingBatch {
  let sampler: Sampler
  let ends: [Int32]
  let model: LanguageModel
  let prompts: [[Int32]]
  var generators: [SeededGenerator]
  var responses: [SampledResponse]
  let cache: KeyValueCache

  init(
    sampler: Sampler, model: LanguageModel, weights: PackedWeights, prompts: [[Int32]],
    generators: [SeededGenerator]
  ) {
    self.sampler = sampler
    ends = [sampler.endOfSequence] + (model.decoder.origin?.endTokens ?? [])
    self.model = model
    self.prompts = prompts
    self.generators = generators
    responses = prompts.map { _ in
      SampledResponse(tokens: [], logProbabilities: [], ended: false)
    }
    cache = KeyValueCache(
      for: model.configuration, slots: prompts.count,
      capacity: (prompts.map(\.count).max() ?? 0) + sampler.options.maximumTokens,
      weights: weights)
  }

  mutating func run() -> [SampledResponse] {
    readPrompts()
    var active = prompts.indices.filter { !responses[$0].ended }
    for _ in 1..<max(1, sampler.options.maximumTokens) {
      guard !active.isEmpty else { break }
      var batch = PackedBatch()
      for slot in active {
        batch.append(responses[slot].tokens.suffix(1), firstPosition: cache.length(of: slot))
      }
      cache.slots = active
      let logits = logits(of: batch, at: nil)
      for (row, slot) in active.enumerated() { draw(slot, from: logits, row: row) }
      active.removeAll { responses[$0].ended }
    }
    return responses
  }

  /// Reads each different prompt once and draws the first token of every response.
  private mutating func readPrompts() {
    let starts = prompts.indices.filter { $0 == 0 || prompts[$0] != prompts[$0 - 1] }
    let batch = PackedBatch(sequences: starts.map { prompts[$0] })
    cache.slots = starts
    let last = batch.segments.map { Int32($0.rows.upperBound - 1) }
    let logits = logits(of: batch, at: last)
    for (row, start) in starts.enumerated() {
      let end = row + 1 < starts.count ? starts[row + 1] : prompts.count
      cache.copy(slot: start, to: start..<end)
      for slot in start..<end { draw(slot, from: logits, row: row) }
    }
  }

  private func logits(of batch: PackedBatch, at rows: [Int32]?) -> Tensor {
    model.nextLogits(of: batch, at: rows, cache: cache)
  }

  private mutating func draw(_ slot: Int, from logits: Tensor, row: Int) {
    let count = logits.columns
    let (token, logProbability) = withUnsafeTemporaryAllocation(of: Float.self, capacity: count) {
      scratch in
      guard let scratch = scratch.baseAddress else {
        preconditionFailure("a vocabulary has at least one token")
      }
      return logits.read {
        sampler.draw(
          $0 + row * count, count: count, scratch: scratch, using: &generators[slot])
      }
    }
    responses[slot].tokens.append(token)
    responses[slot].logProbabilities.append(logProbability)
    responses[slot].ended = ends.contains(token)
  }
}
