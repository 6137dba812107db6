package import Formats

/// A place in the settings: a key path, what is written there, and where.
package struct SettingsLocation: Sendable {
  /// The full key path: `world.annotators[1].share`; empty at the top.
  package let path: String
  /// What is written there; `nil` where the default stands.
  package let node: SettingNode?
  /// Where it is written; for a key that is not, where the section around it is.
  package let source: SettingSource

  /// The top of settings that no file holds, for values built in code.
  package static let unwritten = SettingsLocation(path: "", node: nil, source: .unwritten)

  /// A value that is written elsewhere, such as after an option.
  package init(path: String, node: SettingNode?, source: SettingSource) {
    (self.path, self.node, self.source) = (path, node, source)
  }

  /// The place of a key of this section.
  package func key(_ name: String) -> SettingsLocation {
    let entry = node?.entry(name)
    return SettingsLocation(
      path: path.isEmpty ? name : "\(path).\(name)", node: entry?.value,
      source: entry?.source ?? source)
  }

  /// The place of an item of this list, counted from 0.
  package func item(_ index: Int) -> SettingsLocation {
    var item: SettingNode?
    if case .list(let items) = node?.content, items.indices.contains(index) { item = items[index] }
    return SettingsLocation(
      path: "\(path)[\(index)]", node: item, source: item?.source ?? source)
  }

  /// This key path, at the line where `other` is written.
  package func onLine(of other: SettingsLocation) -> SettingsLocation {
    SettingsLocation(path: path, node: node, source: other.source)
  }

  /// The error that says what is wrong here and what to do.
  package func error(_ problem: String, advice: String) -> SettingsError {
    SettingsError(source: source, path: path, problem: problem, advice: advice)
  }

  /// The error for a value of the wrong type.
  func mismatch(expected type: String, advice: String? = nil) -> SettingsError {
    error(
      "expected \(type), found \(node?.summary ?? "nothing")",
      advice: advice ?? "write \(type) here")
  }

  /// The items of the list written here.
  package func items(of type: String) throws(SettingsError) -> [SettingsLocation] {
    guard case .list(let items) = node?.content else {
      throw mismatch(expected: type, advice: "write it as `[a, b]` or one `- item` a line")
    }
    return items.indices.map(item)
  }

  /// The entries of the map written here; none where nothing is written.
  package func entries(of type: String) throws(SettingsError) -> [SettingEntry] {
    guard let node, !node.isNull else { return [] }
    guard case .map(let entries) = node.content else {
      throw mismatch(expected: type, advice: "write `key: value` lines below it")
    }
    return entries
  }
}

/// Why settings were refused: the place, the key, the problem and what to do about it.
///
/// Reads as `FILE:LINE: KEY.PATH: problem; advice`.
package struct SettingsError: EndingError, CustomStringConvertible, Sendable, Equatable {
  /// The line of a file, or the `--set` override, that is at fault.
  package let source: SettingSource
  /// The full key path, as in `ppo.kl.coefficient`; empty for the document as a whole.
  package let path: String
  /// What is wrong.
  package let problem: String
  /// What to do next.
  package let advice: String
  package let exitStatus: ExitStatus

  package init(
    source: SettingSource, path: String, problem: String, advice: String,
    exitStatus: ExitStatus = .badData
  ) {
    self.source = source
    self.path = path
    self.problem = problem
    self.advice = advice
    self.exitStatus = exitStatus
  }

  package var description: String {
    let place = [source.description, path.isEmpty ? "" : "`\(path)`"].filter { !$0.isEmpty }
    return (place + ["\(problem); \(advice)"]).joined(separator: ": ")
  }
}

/// Finding the name that was meant.
package enum Suggestion {
  /// The candidate with the smallest edit distance to `name`, if it is near enough to be a typing error;
  /// the first of equals.
  package static func nearest(to name: String, among candidates: [String]) -> String? {
    let limit = max(2, name.count / 3)
    let ranked = candidates.map { (candidate: $0, distance: distance(name, $0)) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= limit && best.distance < best.candidate.count ? best.candidate : nil
  }

  /// `did you mean …?` when a candidate is near, else the candidates themselves.
  package static func advice(
    for name: String, among candidates: [String], called kind: String
  ) -> String {
    if let nearest = nearest(to: name, among: candidates) { return "did you mean `\(nearest)`?" }
    if candidates.isEmpty { return "there are no \(kind) here, so remove it" }
    let shown = candidates.prefix(24).joined(separator: ", ")
    return "the \(kind) are \(shown)\(candidates.count > 24 ? ", …" : "")"
  }

  /// What to write where `name` is none of a few choices: all of them, after the nearest.
  package static func choice(for name: String, among choices: [String]) -> String {
    (nearest(to: name, among: choices).map { "did you mean `\($0)`? " } ?? "")
      + "use one of \(choices.joined(separator: ", "))"
  }

  /// The number of insertions, deletions and substitutions between two strings [Levenshtein 1966].
  static func distance(_ first: String, _ second: String) -> Int {
    let target = Array(second)
    var row = Array(0...target.count)
    for (position, character) in first.enumerated() {
      var diagonal = row[0]
      row[0] = position + 1
      for column in target.indices {
        let substitution = diagonal + (character == target[column] ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(substitution, diagonal + 1, row[column] + 1)
      }
    }
    return row[target.count]
  }
}
