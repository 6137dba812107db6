package import Foundation

/// `state/stage.json`: how far the stage that was running had come.
package struct StageState: Codable, Sendable, Equatable {
  /// The stage's name.
  package var stage: String
  /// Its steps that are done, as its metrics count them.
  package var step: Int
  /// What the stage keeps beside tensors, such as the coefficient of a controller.
  package var numbers: [String: Double]

  package init(stage: String, step: Int, numbers: [String: Double]) {
    self.stage = stage
    self.step = step
    self.numbers = numbers
  }

  /// Writes the file into a directory that becomes the run's `state/`.
  ///
  /// - Throws: `unwritable`, or `notFinite` for a number that is none.
  package func write(to url: URL) throws(RunRecordsError) {
    let data = try RecordJSON.encode(self, pretty: true, for: url)
    try AtomicFile.write(data + Data("\n".utf8), to: url)
  }

  /// - Throws: `unreadable` or `malformed`.
  package static func read(from run: RunDirectory) throws(RunRecordsError) -> StageState {
    let url = run.stageState
    let state = try RecordJSON.decode(StageState.self, from: AtomicFile.read(url), at: url)
    guard state.step >= 0 else {
      throw .malformed(path: url.path, line: nil, reason: "`step` is \(state.step), below 0")
    }
    return state
  }
}
