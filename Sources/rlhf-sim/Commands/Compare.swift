import ArgumentParser
import Foundation
import Reports
import RunRecords

/// `compare`: several runs on one page.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put several runs on one page, compare.html.",
    discussion: """
      Shows final figures with intervals, gold and score against KL, and the settings that differ, for \
      runs of several seeds, coefficients, presets or algorithms. Runs that differ in their seed alone \
      are shown as one: mean and spread over the seeds.

      Example: rlhf-sim compare runs/demo runs/demo-2 --out comparison
      """)

  @Argument(help: "The run directories.", completion: .directory)
  var runs: [String]

  @Option(
    help: "Directory for compare.html; an existing file is replaced.",
    completion: .directory)
  var out = "."

  func run() throws {
    var named: [(name: String, directory: RunDirectory)] = []
    for (run, name) in zip(runs, names) {
      named.append((name, try RunDirectory.open(URL(filePath: run))))
    }
    let page = URL(filePath: out).appending(path: "compare.html")
    try ComparisonReport.write(named, to: page)
    try Output.write(page.path + "\n")
  }

  /// The last parts of the paths, or the paths where those are not all different.
  private var names: [String] {
    let short = runs.map { URL(filePath: $0).lastPathComponent }
    return Set(short).count == short.count ? short : runs
  }
}
