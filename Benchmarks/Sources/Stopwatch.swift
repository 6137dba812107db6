import Experiments

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
