import ArgumentParser
import Experiments
import Formats
import Foundation
import Numerics
import RunRecords
import Statistics

/// Whether the mathematics and the libraries under it are right on this machine.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check gradients, invariants and libraries on this machine.",
    discussion: """
      Compares every gradient with finite differences. Exit code 1 if anything is wrong.

      Example: rlhf-sim check
      """)

  @OptionGroup var machine: MachineOptions

  @Flag(help: "Print the findings as JSON.")
  var json = false

  private struct Finding: Encodable {
    let kind: String
    let name: String
    let error: Double
    let tolerance: Double
    var holds: Bool { error <= tolerance }
  }

  private struct Findings: Encodable {
    let libraries: [String: String]
    let allocatorServesProcess: Bool
    let findings: [Finding]
    let holds: Bool

    private enum CodingKeys: String, CodingKey {
      case libraries, findings, holds
      case allocatorServesProcess = "allocator_serves_process"
    }
  }

  func run() throws {
    let threads = try machine.workers.count
    let findings = try gradients() + invariants()
    let servesProcess = NumericalLibraries.allocatorServesProcess
    let holds = servesProcess && findings.allSatisfy(\.holds)
    let libraries = [
      ("rlhf-sim", programVersion), ("Swift", Machine.swiftVersion),
      ("OpenBLAS", NumericalLibraries.blasVersion), ("OpenBLAS core", NumericalLibraries.blasCore),
      ("jemalloc", NumericalLibraries.allocatorVersion),
      ("large pages", NumericalLibraries.largePages), ("processor", Machine.processor),
      ("threads", "\(threads)"),
    ]
    if json {
      try Output.writeJSON(
        Findings(
          libraries: Dictionary(libraries) { first, _ in first },
          allocatorServesProcess: servesProcess, findings: findings, holds: holds))
    } else {
      for (name, text) in libraries {
        try Output.write(name.padding(toLength: 15, withPad: " ", startingAt: 0) + text + "\n")
      }
      try Output.write(
        "jemalloc " + (servesProcess ? "serves" : "DOES NOT SERVE") + " the whole process\n\n")
      try Output.write(table(findings).rendered())
      let wrong = findings.count { !$0.holds }
      try Output.write(
        wrong == 0
          ? "\nAll \(findings.count) checks hold.\n" : "\n\(wrong) of \(findings.count) FAIL.\n")
    }
    if !holds { throw ExitCode.failure }
  }

  private func gradients() throws -> [Finding] {
    let checks = GradientChecks.all
    let errors = try machine.workers.map(checks.count) { checks[$0].largestError() }
    return zip(checks, errors).map {
      Finding(kind: "gradient", name: $0.name, error: $1, tolerance: GradientCheck.tolerance)
    }
  }

  private func invariants() throws -> [Finding] {
    try Invariant.all(workers: machine.workers).map {
      Finding(
        kind: "invariant", name: $0.name, error: $0.largestError, tolerance: $0.tolerance)
    }
  }

  private func table(_ findings: [Finding]) -> TextTable {
    var table = TextTable(columns: [
      ("", .leading), ("what", .leading), ("largest error", .trailing), ("allowed", .trailing),
      ("", .leading),
    ])
    for finding in findings {
      table.append([
        finding.kind, finding.name, NumberText.plainScientific(finding.error, 1),
        NumberText.plainScientific(finding.tolerance, 0), finding.holds ? "ok" : "WRONG",
      ])
    }
    return table
  }
}
