/// Turns one piece of text into token ids.
enum TokenModel: Sendable, Equatable {
  /// A piece is a token, or else the unknown token.
  case wordLevel(unknown: Int32)
  case bytePair(BytePairModel)

  func encode(
    _ pieces: TextPieces, _ vocabulary: Vocabulary, _ scratch: inout BytePairModel.Scratch,
    into ids: inout [Int32]
  ) {
    for range in pieces.ranges {
      let piece = pieces.scalars[range]
      switch self {
      case .wordLevel(let unknown): ids.append(vocabulary.id(of: piece) ?? unknown)
      case .bytePair(let model): model.encode(piece, vocabulary, &scratch, into: &ids)
      }
    }
  }
}

/// Byte-pair encoding (Sennrich et al. 2016): beginning with single characters, the pair learned
/// first is joined first, from left to right, until no pair is left.
struct BytePairModel: Sendable, Equatable {
  private var merges = MergeTable()
  private var rank: Int32 = 0
  /// Whether a piece that is a token stays whole whatever the merges say, as in Llama 3.
  let keepsWholeTokens: Bool
  /// What stands for a character that is no token; without it such characters are left out, as
  /// the `tokenizers` library does.
  let unknown: Int32?
  /// Whether unknown characters beside each other become one token.
  let fusesUnknown: Bool
  /// The tokens `<0x00>` to `<0xFF>`, which spell characters that are no token.
  let bytes: [Int32?]?

  init(
    keepsWholeTokens: Bool = false, unknown: Int32? = nil, fusesUnknown: Bool = false,
    bytes: [Int32?]? = nil
  ) {
    self.keepsWholeTokens = keepsWholeTokens
    self.unknown = unknown
    self.fusesUnknown = fusesUnknown
    self.bytes = bytes
  }

  /// Pairs in the order in which they were learned; of two equal ones the last counts.
  mutating func append(_ left: Int32, _ right: Int32, makes id: Int32) {
    merges.insert(left, right, MergeTable.Merge(rank: rank, id: id))
    rank += 1
  }

  /// What encoding needs for a moment, used again and again.
  struct Scratch {
    /// A linked list; an id below 0 is of a symbol that was joined to the one before it.
    fileprivate var ids: [Int32] = []
    fileprivate var next: [Int] = []
    fileprivate var previous: [Int] = []
    fileprivate var queue: [Candidate] = []
  }

  /// A pair that may be joined, the first learned and leftmost first.
  fileprivate struct Candidate {
    let rank: Int32
    let id: Int32
    let position: Int

    func precedes(_ other: Candidate) -> Bool {
      rank != other.rank ? rank < other.rank : position < other.position
    }
  }

  fileprivate func encode(
    _ piece: ArraySlice<Unicode.Scalar>, _ vocabulary: Vocabulary, _ scratch: inout Scratch,
    into ids: inout [Int32]
  ) {
    if keepsWholeTokens, let id = vocabulary.id(of: piece) { return ids.append(id) }
    scratch.ids.removeAll(keepingCapacity: true)
    spell(piece, vocabulary, into: &scratch.ids)
    if scratch.ids.count > 1 { join(&scratch) }
    for id in scratch.ids where id >= 0 { ids.append(id) }
  }

  /// A token for each character. An unknown one is put down when the next known one comes, after
  /// bytes that were spelled meanwhile: so does the `tokenizers` library.
  private func spell(
    _ piece: ArraySlice<Unicode.Scalar>, _ vocabulary: Vocabulary, into ids: inout [Int32]
  ) {
    var pending = false
    for scalar in piece {
      if let id = vocabulary.id(of: scalar) {
        if pending, let unknown { ids.append(unknown) }
        pending = false
        ids.append(id)
        continue
      }
      if let bytes, let encoded = UTF8.encode(scalar) {
        let spelled = encoded.compactMap { bytes[Int($0)] }
        if spelled.count == encoded.count {
          ids += spelled
          continue
        }
      }
      if pending, !fusesUnknown, let unknown { ids.append(unknown) }
      pending = true
    }
    if pending, let unknown { ids.append(unknown) }
  }

  private func join(_ scratch: inout Scratch) {
    let count = scratch.ids.count
    scratch.next.removeAll(keepingCapacity: true)
    scratch.previous.removeAll(keepingCapacity: true)
    scratch.queue.removeAll(keepingCapacity: true)
    for position in 0..<count {
      scratch.next.append(position + 1)
      scratch.previous.append(position - 1)
    }
    for position in 0..<(count - 1) { push(position, position + 1, &scratch) }
    while let top = pop(&scratch.queue) {
      let right = scratch.next[top.position]
      guard scratch.ids[top.position] >= 0, right < count else { continue }
      // The pair may have become another since it was put into the queue. As in `tokenizers`, it is
      // joined all the same when it makes the same token.
      let merge = merges.find(scratch.ids[top.position], scratch.ids[right])
      guard merge?.id == top.id else { continue }
      scratch.ids[top.position] = top.id
      scratch.ids[right] = -1
      let after = scratch.next[right]
      scratch.next[top.position] = after
      if after < count { scratch.previous[after] = top.position }
      let before = scratch.previous[top.position]
      if before >= 0 { push(before, top.position, &scratch) }
      if after < count { push(top.position, after, &scratch) }
    }
  }

  // MARK: The queue, a binary heap

  private func push(_ left: Int, _ right: Int, _ scratch: inout Scratch) {
    guard let merge = merges.find(scratch.ids[left], scratch.ids[right]) else { return }
    scratch.queue.append(Candidate(rank: merge.rank, id: merge.id, position: left))
    var child = scratch.queue.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard scratch.queue[child].precedes(scratch.queue[parent]) else { return }
      scratch.queue.swapAt(child, parent)
      child = parent
    }
  }

  private func pop(_ queue: inout [Candidate]) -> Candidate? {
    guard let top = queue.first else { return nil }
    let last = queue.removeLast()
    if queue.isEmpty { return top }
    queue[0] = last
    var parent = 0
    while true {
      var first = 2 * parent + 1
      guard first < queue.count else { return top }
      if first + 1 < queue.count, queue[first + 1].precedes(queue[first]) { first += 1 }
      guard queue[first].precedes(queue[parent]) else { return top }
      queue.swapAt(first, parent)
      parent = first
    }
  }
}

/// Merges by pair of ids: a hash table with linear probing, several times as fast as a dictionary.
private struct MergeTable: Equatable, Sendable {
  struct Merge: Equatable, Sendable {
    let rank: Int32
    let id: Int32
  }

  private static let empty = UInt64.max  // ids are not negative
  private var keys = [UInt64](repeating: empty, count: 16)
  private var merges = [Merge](repeating: Merge(rank: 0, id: 0), count: 16)
  private var count = 0

  func find(_ left: Int32, _ right: Int32) -> Merge? {
    let key = Self.key(left, right)
    let slot = slot(of: key)
    return keys[slot] == key ? merges[slot] : nil
  }

  mutating func insert(_ left: Int32, _ right: Int32, _ merge: Merge) {
    if 2 * count >= keys.count { grow() }
    let key = Self.key(left, right)
    let slot = slot(of: key)
    if keys[slot] != key { count += 1 }
    keys[slot] = key
    merges[slot] = merge
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// Chosen anew by every process, so that no file can be made to fill one place of the table.
  private static let multiplier = UInt64.random(in: .min ... .max) | 1

  private func slot(of key: UInt64) -> Int {
    let mask = keys.count - 1
    let mixed = (key ^ key >> 31) &* Self.multiplier
    var slot = Int(truncatingIfNeeded: mixed >> 32) & mask
    while keys[slot] != key, keys[slot] != Self.empty { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func grow() {
    var larger = MergeTable()
    larger.keys = Array(repeating: Self.empty, count: 2 * keys.count)
    larger.merges = Array(repeating: Merge(rank: 0, id: 0), count: 2 * keys.count)
    for (key, merge) in zip(keys, merges) where key != Self.empty {
      let slot = larger.slot(of: key)
      larger.keys[slot] = key
      larger.merges[slot] = merge
    }
    larger.count = count
    self = larger
  }
}
