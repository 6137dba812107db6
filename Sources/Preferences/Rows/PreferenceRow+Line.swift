import Formats

extension PreferenceRow {
  /// The row as one line of JSON, without the newline: what ``PreferenceFile`` writes.
  ///
  /// - Throws: ``PreferenceError`` when a number is not finite.
  package func line() throws(PreferenceError) -> String {
    do { return try JSONValue.object(json).text() } catch {
      throw .file(path: "a preference row", problem: "\(error); check the rewards that made it")
    }
  }
}
