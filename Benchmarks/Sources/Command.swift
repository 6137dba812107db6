import ArgumentParser
import Experiments
import Foundation

/// Times every microbenchmark beside a matrix product and compares with a run that was kept.
@main
struct Command: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "microbenchmarks",
    abstract: "Times small pieces of rlhf-sim, in times of a 256 × 256 matrix product.")

  @Option(help: "Only those whose name contains this.")
  var filter = ""

  @Option(help: "A file of figures to compare with.")
  var baseline = "Baselines/relative.json"

  @Option(help: "Writes the figures of this run to a file.")
  var save: String?

  func validate() throws {
    if save != nil, !filter.isEmpty {
      throw ValidationError("--save keeps all figures: leave out --filter")
    }
  }

  func run() throws {
    Microbenchmark.prepare()
    let kept = try baselineFigures()
    let stopwatch = Stopwatch()
    var figures: [String: Double] = [:]
    print(Row.header)
    for benchmark in try Microbenchmark.all()
    where filter.isEmpty || benchmark.name.contains(filter) {
      let measurement = try stopwatch.measure(benchmark)
      figures[benchmark.name] = measurement.relative
      print(Row(benchmark, measurement, baseline: kept[benchmark.name]))
    }
    if let save {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      let rounded = figures.mapValues { Double(String(format: "%.4g", $0)) ?? $0 }
      try encoder.encode(rounded).write(to: URL(filePath: save), options: .atomic)
    }
  }

  private func baselineFigures() throws -> [String: Double] {
    guard FileManager.default.fileExists(atPath: baseline) else {
      FileHandle.standardError.write(
        Data("note: no figures to compare with at \(baseline)\n".utf8))
      return [:]
    }
    return try JSONDecoder().decode(
      [String: Double].self, from: Data(contentsOf: URL(filePath: baseline)))
  }
}
