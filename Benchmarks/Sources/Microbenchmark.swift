/// A small piece of production code that can be timed alone.
struct Microbenchmark: Sendable {
  /// The part, and what of it: `attention/backward`.
  let name: String
  /// What one run does: this many of ``unit``.
  let amount: Double
  /// What is counted: floating-point operations, bytes, tokens or operations of a tape.
  let unit: Unit
  private let body: @Sendable () throws -> Void

  /// What is counted of a run, so that a time becomes a rate.
  enum Unit: String, Sendable {
    case operations = "FLOP"
    case bytes = "B"
    case tokens, nodes
  }

  init(
    _ name: String, _ amount: Int, _ unit: Unit, body: @escaping @Sendable () throws -> Void
  ) {
    self.name = name
    self.amount = Double(amount)
    self.unit = unit
    self.body = body
  }

  /// Does the work once, on the calling thread.
  func run() throws { try body() }

  /// A product of two 256 × 256 matrices by BLAS: times of others are given in times of this one,
  /// so that figures of two machines, or of a busy one, can be compared.
  static let reference = productOfSquares(256)

  /// Every microbenchmark, in the order in which they are shown.
  static func all() throws -> [Microbenchmark] {
    try kernels + attention + tape + tokenizers() + checkpoints()
  }
}

/// Seconds of one run, and how many times as long that is as the reference took beside it.
struct Measurement {
  let seconds: Double
  let relative: Double
}

/// Takes turns between a benchmark and the reference, so that what slows the machine slows both.
struct Stopwatch {
  private let clock = ContinuousClock()
  private let samples = 15
  private let sampleSeconds = 0.02

  func measure(_ benchmark: Microbenchmark) throws -> Measurement {
    let count = try runs(of: benchmark)
    let referenceCount = try runs(of: .reference)
    var seconds: [Double] = []
    var ratios: [Double] = []
    for _ in 0..<samples {
      let reference = try time(.reference, referenceCount)
      let own = try time(benchmark, count)
      seconds.append(own)
      ratios.append(own / reference)
    }
    return Measurement(
      seconds: seconds.sorted()[samples / 2], relative: ratios.sorted()[samples / 2])
  }

  /// As many runs as fill a sample; doing so warms up.
  private func runs(of benchmark: Microbenchmark) throws -> Int {
    var count = 1
    while try time(benchmark, count) * Double(count) < sampleSeconds { count *= 2 }
    return count
  }

  /// Seconds of one run, over some.
  private func time(_ benchmark: Microbenchmark, _ count: Int) throws -> Double {
    let start = clock.now
    for _ in 0..<count { try benchmark.run() }
    return (clock.now - start) / .seconds(1) / Double(count)
  }
}
