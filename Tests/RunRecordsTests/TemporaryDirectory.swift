import Foundation

/// Runs `body` with a fresh directory that is gone afterwards.
func withTemporaryDirectory(_ body: (URL) throws -> Void) throws {
  let url = FileManager.default.temporaryDirectory
    .appendingPathComponent("rlhf-sim-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: url) }
  try body(url)
}

/// The content of a file as text.
func text(of url: URL) throws -> String {
  try String(contentsOf: url, encoding: .utf8)
}
