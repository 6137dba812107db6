import Foundation
import LanguageModels
package import Numerics

/// One measurement of production code: the trainers and the sampler themselves, with random weights
/// and tokens, on the shapes and amounts that the peers are measured on.
package struct Benchmark: Sendable {
  let size: BenchmarkSize
  let work: BenchmarkWork
  let workers: Workers
  /// How often the work is done; the first times are not counted.
  let repeats: Int

  /// - Parameter repeats: at least 1; nil for as many as the peers do.
  package init(
    _ work: BenchmarkWork, size: BenchmarkSize, workers: Workers, repeats: Int? = nil
  ) {
    self.work = work
    self.size = size
    self.workers = workers
    self.repeats = max(1, repeats ?? work.defaultRepeats)
  }

  package func run() throws -> BenchmarkResult {
    let measurement =
      switch work {
      case .reward: try rewardSteps()
      case .generate: try generation()
      case .ppo: try policyOptimization()
      case .gemm: try matrixProducts()
      }
    let seconds = median(measurement.seconds)
    return BenchmarkResult(
      what: work.rawValue, size: size.rawValue, threads: workers.count,
      figures: figures(seconds), peakBytes: ProcessMemory.peakBytes,
      modelBytes: measurement.modelBytes)
  }

  private func figures(_ seconds: Double) -> [String: Double] {
    switch work {
    case .reward:
      [
        "s_per_step": seconds, "pairs_per_s": Double(Amounts.pairs) / seconds,
        "gflop_per_s": RewardArithmetic(size.shape).operations / seconds / 1e9,
      ]
    case .generate:
      [
        "s_per_batch": seconds,
        "tokens_per_s": Double(Amounts.episodes * Amounts.responseTokens) / seconds,
      ]
    case .ppo: ["s_per_iteration": seconds]
    case .gemm: ["gflop_per_s": 2 * pow(Double(Amounts.matrix), 3) / seconds / 1e9]
    }
  }

  /// The upper median of the repeats after the warm-up, as the peers take it; of all when there are
  /// no more.
  private func median(_ seconds: [Double]) -> Double {
    let counted = seconds.dropFirst(min(work.warmUp, seconds.count - 1)).sorted()
    return counted[counted.count / 2]
  }
}

/// What is timed.
package enum BenchmarkWork: String, Sendable, CaseIterable {
  /// A step of reward-model training: gradients, clipping, AdamW.
  case reward
  /// Sampling a batch of responses with a key-value cache.
  case generate
  /// An iteration of PPO with its four models.
  case ppo
  /// One product of two 1024 × 1024 matrices: what the machine can do.
  case gemm

  /// Repeats when nothing else is asked for, as many as the peers'.
  var defaultRepeats: Int {
    switch self {
    case .reward: 25
    case .generate: 8
    case .ppo: 6
    case .gemm: 60
    }
  }

  /// First repeats that are not counted: caches are cold, and memory comes from the kernel.
  var warmUp: Int {
    switch self {
    case .reward: 5
    case .generate, .ppo: 2
    case .gemm: 10
    }
  }
}

/// A GPT-2 shape on which this program and its peers do the same work.
package enum BenchmarkSize: String, Sendable, CaseIterable {
  case toy, small, medium

  /// Layer norm, learned positions, GELU, biases, tied embeddings; a feed-forward block four times
  /// as wide as the residual stream.
  var shape: DecoderConfiguration {
    let (layers, heads, width, vocabulary) =
      switch self {
      case .toy: (4, 4, 128, 256)
      case .small: (6, 8, 256, 1024)
      case .medium: (12, 12, 768, 4096)
      }
    var shape = DecoderConfiguration(.gpt2)
    (shape.layers, shape.heads, shape.keyValueHeads) = (layers, heads, heads)
    (shape.width, shape.headWidth, shape.feedForwardWidth) = (width, width / heads, 4 * width)
    (shape.vocabularySize, shape.maximumPositions) = (vocabulary, 128)
    shape.tiedEmbeddings = true
    return shape
  }
}

/// What a benchmark found, under the keys of one JSON object.
package struct BenchmarkResult: Sendable, Encodable {
  var what: String
  var size: String
  var threads: Int
  /// The figures of the work: seconds of the median repeat, and rates that follow from it.
  var figures: [String: Double]
  /// The most bytes of memory that the process has ever had.
  var peakBytes: Int
  /// Bytes of the weights, and of the gradients and moments of the models that learn.
  var modelBytes: Int

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(what, forKey: Key("what"))
    try container.encode(size, forKey: Key("size"))
    try container.encode(threads, forKey: Key("threads"))
    try container.encode(peakBytes, forKey: Key("peak_bytes"))
    try container.encode(modelBytes, forKey: Key("model_bytes"))
    for (name, value) in figures.sorted(by: { $0.key < $1.key }) {
      try container.encode(value, forKey: Key(name))
    }
  }
}
