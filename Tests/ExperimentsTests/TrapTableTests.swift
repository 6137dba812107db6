import Foundation
import Testing

/// The table of traps in `Tests/README.md`.
@Suite struct TrapTableTests {
  @Test("every test that the table of traps names exists")
  func tests() throws {
    let folder = packageRoot.appending(path: "Tests")
    let table = try String(contentsOf: folder.appending(path: "README.md"), encoding: .utf8)
    let rows = table.split(separator: "\n").filter { $0.hasPrefix("| ") && $0.contains("`") }
    #expect(rows.count > 60)
    let files = try #require(FileManager.default.enumerator(atPath: folder.path))
    var suites: [String: String] = [:]
    for case let path as String in files where path.hasSuffix("Tests.swift") {
      let text = try String(contentsOf: folder.appending(path: path), encoding: .utf8)
      for part in text.split(separator: "\n@Suite").dropFirst() {
        guard let name = part.firstMatch(of: /struct (\w+)/) else { continue }
        suites[String(name.output.1), default: ""] += part
      }
    }
    for row in rows {
      let named = row.matches(of: /`(\w+Tests)\.(\w+)`/)
      #expect(!named.isEmpty, "\(row)")
      for match in named {
        let (suite, test) = (String(match.output.1), match.output.2)
        #expect(suites[suite]?.contains("func \(test)(") == true, "\(suite).\(test)")
      }
    }
  }
}
