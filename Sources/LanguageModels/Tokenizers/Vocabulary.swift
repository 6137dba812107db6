/// Tokens and their ids. Tokens are compared byte by byte: two spellings of `é` are two tokens.
struct Vocabulary: Sendable, Equatable {
  /// By id; empty where a file leaves an id out.
  private(set) var tokens: [String] = []
  private var ids: [[UInt8]: Int32] = [:]

  var count: Int { tokens.count }

  func id(of token: some Sequence<UInt8>) -> Int32? { ids[Array(token)] }

  func token(_ id: Int32) -> String? {
    tokens.indices.contains(Int(id)) ? tokens[Int(id)] : nil
  }

  /// The ids that have a token, in order.
  var entries: [(token: String, id: Int32)] {
    tokens.enumerated().compactMap { index, token in
      let id = Int32(index)
      return ids[Array(token.utf8)] == id ? (token, id) : nil
    }
  }

  /// Adds a token; false when the id or the token is taken by another, or the id is absurd.
  mutating func insert(_ token: String, id: Int) -> Bool {
    guard id >= 0, id < 1 << 24 else { return false }
    let key = Array(token.utf8)
    if let present = ids[key] { return Int(present) == id }
    while tokens.count <= id { tokens.append("") }
    if ids[Array(tokens[id].utf8)] == Int32(id) { return false }
    tokens[id] = token
    ids[key] = Int32(id)
    return true
  }
}
