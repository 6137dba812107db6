import Foundation
package import Numerics

/// One measurement of production code: the trainers and the sampler themselves, with random weights
/// and tokens, on the shapes and amounts that the peers are measured on.
package struct Benchmark: Sendable {
  package let size: BenchmarkSize
  package let work: BenchmarkWork
  package let workers: Workers
  /// How often the work is done; the first times are not counted.
  package let repeats: Int

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

/// What a piece of work took each time.
struct Measurement {
  var seconds: [Double]
  var modelBytes = 0
}

/// Seconds from one mark to the next.
struct Stopwatch {
  private let clock = ContinuousClock()
  private var last: ContinuousClock.Instant
  private(set) var seconds: [Double] = []

  init() { last = clock.now }

  mutating func mark() {
    let now = clock.now
    seconds.append((now - last) / .seconds(1))
    last = now
  }

  /// Leaves out what came since the last mark.
  mutating func skip() { last = clock.now }
}
