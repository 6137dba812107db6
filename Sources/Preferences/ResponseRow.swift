package import Foundation
import OrderedJSON

/// A row of `score` and `logprobs`: a prompt and a response, and whatever else the row holds,
/// which is written back as it was.
package struct ResponseRow: Sendable, Equatable {
  package enum Content: Sendable, Equatable {
    /// To be encoded, each by itself.
    case text(prompt: String, response: String)
    /// To be used exactly as given.
    case ids(prompt: [Int32], response: [Int32])
  }

  package let content: Content
  /// Where the row stands, for messages: file and line, such as `rows.jsonl:3`.
  package let place: String
  private var object: JSONObject

  init(_ fields: RowFields) throws(PreferenceError) {
    if fields.has("prompt_ids") || fields.has("response_ids") {
      content = .ids(
        prompt: try fields.ids("prompt_ids"), response: try fields.ids("response_ids"))
    } else {
      let prompt = try fields.text("prompt")
      let response = try fields.text("response").rendered(after: prompt)
      content = .text(prompt: prompt.rendered, response: response)
    }
    object = fields.object
    place = "\(fields.path):\(fields.line)"
  }

  /// Sets a key; a new one is put last.
  package mutating func set(_ key: String, to number: Double) { object[key] = .double(number) }

  /// Sets a key; a new one is put last.
  package mutating func set(_ key: String, to numbers: [Double]) {
    object[key] = .array(numbers.map { .double($0) })
  }

  /// Sets a key; a new one is put last.
  package mutating func set(_ key: String, to ids: [Int32]) {
    object[key] = .array(ids.map { .int(Int($0)) })
  }

  /// The row as one line of JSON, without the newline.
  ///
  /// - Throws: ``PreferenceError`` when a number that was set is not finite.
  package func line() throws(PreferenceError) -> String {
    do { return try JSONValue.object(object).text() } catch {
      throw .file(path: place, problem: "\(error); check the model that made it")
    }
  }

  /// Calls `body` with every row, one at a time: memory does not grow with the file.
  ///
  /// - Throws: ``PreferenceError`` naming file, line and key, and whatever `body` throws.
  package static func forEachRow(
    in file: URL, _ body: (ResponseRow) throws -> Void
  ) throws {
    var interruption: (any Error)?
    do throws(PreferenceError) {
      try JSONLines.forEach(in: file) { (fields) throws(PreferenceError) in
        let row = try ResponseRow(fields)
        do { try body(row) } catch {
          interruption = error
          throw .file(path: file.path, problem: "reading was interrupted")
        }
      }
    } catch {
      throw interruption ?? error
    }
  }
}
