/// Tokens and their ids. Tokens are compared byte by byte: two spellings of `é` are two tokens.
struct Vocabulary: Sendable, Equatable {
  /// By id; empty where a file leaves an id out.
  private(set) var tokens: [String] = []
  private var ids: [[UInt8]: Int32] = [:]
  /// Added tokens that the model does not know.
  private var added = Set<Int32>()
  /// The model's tokens of one scalar, from which byte-pair encoding begins.
  private var scalars: [Unicode.Scalar: Int32] = [:]
  private var commonScalars = [Int32](repeating: -1, count: 0x200)

  var count: Int { tokens.count }

  func id(of token: some Sequence<UInt8>) -> Int32? { ids[Array(token)] }

  /// The id of a token of the model.
  func id(of scalar: Unicode.Scalar) -> Int32? {
    if scalar.value < 0x200 {
      let id = commonScalars[Int(scalar.value)]
      return id < 0 ? nil : id
    }
    return scalars[scalar]
  }

  /// The id of a token of the model.
  func id(of token: ArraySlice<Unicode.Scalar>) -> Int32? {
    if token.count == 1, let scalar = token.first { return id(of: scalar) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(2 * token.count)
    for scalar in token { bytes += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter }
    return ids[bytes].flatMap { added.contains($0) ? nil : $0 }
  }

  func token(_ id: Int32) -> String? {
    tokens.indices.contains(Int(id)) ? tokens[Int(id)] : nil
  }

  /// Adds a token; false when the id or the token is taken by another, or the id is absurd.
  mutating func insert(_ token: String, id: Int, isAdded: Bool = false) -> Bool {
    guard id >= 0, id < 1 << 24 else { return false }
    let key = Array(token.utf8)
    if let present = ids[key] { return Int(present) == id }
    while tokens.count <= id { tokens.append("") }
    if ids[Array(tokens[id].utf8)] == Int32(id) { return false }
    tokens[id] = token
    ids[key] = Int32(id)
    if isAdded {
      added.insert(Int32(id))
      return true
    }
    let scalars = token.unicodeScalars
    if let scalar = scalars.first, scalars.count == 1 {
      self.scalars[scalar] = Int32(id)
      if scalar.value < 0x200 { commonScalars[Int(scalar.value)] = Int32(id) }
    }
    return true
  }
}
