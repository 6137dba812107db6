import ArgumentParser
import Foundation
import Numerics
import Statistics

/// Times every microbenchmark beside a matrix product and compares with a saved run.
@main
struct Command: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "microbenchmarks",
    abstract: "Times small pieces of rlhf-sim, in times of a 256 × 256 matrix product.")

  @Option(help: "Only those whose name contains this.")
  var filter = ""

  @Option(help: "A file of figures to compare with.")
  var baseline = "Benchmarks/Baselines/relative.json"

  @Option(help: "Writes the figures of this run to a file.")
  var save: String?

  func validate() throws {
    if save != nil, !filter.isEmpty {
      throw ValidationError("--save writes all figures: leave out --filter")
    }
  }

  func run() throws {
    NumericalLibraries.prepare()  // BLAS on one thread, as in the program
    let saved = try baselineFigures()
    let stopwatch = Stopwatch()
    var figures: [String: Double] = [:]
    print(Row.header)
    for benchmark in try Microbenchmark.all()
    where filter.isEmpty || benchmark.name.contains(filter) {
      let measurement = try stopwatch.measure(benchmark)
      figures[benchmark.name] = measurement.relative
      print(Row(benchmark, measurement, baseline: saved[benchmark.name]))
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

/// A line of the table.
struct Row: CustomStringConvertible {
  static let header =
    columns("", "a run", "rate", "in products", "of baseline")

  let description: String

  init(_ benchmark: Microbenchmark, _ measurement: Measurement, baseline: Double?) {
    let rate = benchmark.amount / measurement.seconds
    description = Self.columns(
      benchmark.name, NumberText.plain(measurement.seconds * 1e6, 1) + " µs",
      Self.scaled(rate) + benchmark.unit.rawValue + "/s",
      NumberText.plainShort(measurement.relative),
      baseline.map { NumberText.plain(measurement.relative / $0, 2) + " ×" } ?? "–")
  }

  private static func scaled(_ rate: Double) -> String {
    for (size, prefix) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] where rate >= size {
      return "\(NumberText.plain(rate / size, 1)) \(prefix)"
    }
    return NumberText.plain(rate, 1) + " "
  }

  private static func columns(_ name: String, _ figures: String...) -> String {
    let cells = zip(figures, [12, 18, 12, 12]).map { text, width in
      String(repeating: " ", count: max(1, width - text.count)) + text
    }
    return name.padding(toLength: 38, withPad: " ", startingAt: 0) + cells.joined()
  }
}
