import Foundation
import LanguageModels
import Numerics
import RLHF
import Testing

@testable import Experiments

@Suite struct GradientCoverageTests {
  /// The root of the package, from where this file is.
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  let listed = GradientChecks.operations

  /// The names of all types in a source text that declare themselves differentiable operations.
  func declared(in source: String) -> [String] {
    let declaration = /(?:struct|class|enum|extension)\s+(\w+)\s*:[^{]*\bDifferentiableOperation\b/
    return source.matches(of: declaration).map { String($0.output.1) }
  }

  @Test("every differentiable operation in the sources is listed, and every listed one is there")
  func everyOperationIsListed() throws {
    let sources = root.appending(path: "Sources").resolvingSymlinksInPath()
    let files = try #require(
      FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
    ).compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
    #expect(files.count > 50)
    let names = try files.flatMap { declared(in: try String(contentsOf: $0, encoding: .utf8)) }
    #expect(names.sorted() == listed.map { "\($0)" }.sorted())
  }

  @Test("every listed operation has gradient checks")
  func everyOperationIsChecked() {
    for operation in listed { #expect(!operation.gradientChecks.isEmpty, "\(operation)") }
  }

  @Test("the scan sees declarations however they are written")
  func scan() {
    let source = """
      package struct One: DifferentiableOperation {
      struct Two: Sendable,
        DifferentiableOperation {
      extension Three: DifferentiableOperation {}
      package protocol DifferentiableOperation {
      struct Four { let operation: any DifferentiableOperation }
      """
    #expect(declared(in: source) == ["One", "Two", "Three"])
  }
}
