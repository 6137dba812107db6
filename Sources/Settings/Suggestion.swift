/// Finding the name that was meant.
package enum Suggestion {
  /// The candidate with the smallest edit distance to `name`, if it is near enough to be a slip;
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
