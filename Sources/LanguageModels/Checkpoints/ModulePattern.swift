/// A regular expression over names of modules, in the part of Python's `re` that settings of adapters use:
/// literals, `.`, classes, groups, `|`, repetition, `^`, `$`, `\b` and looking ahead.
///
/// It only says whether a whole name matches, and follows all ways at once; a pattern that takes too many
/// steps nevertheless is given up.
struct ModulePattern {
  private indirect enum Node {
    case one(CharacterTest)
    case sequence([Node])
    case either([Node])
    case repeated(Node, atLeast: Int, atMost: Int?)
    case start, end
    case boundary(Bool)
    case ahead(Node, Bool)
  }

  private struct CharacterTest {
    var isNegated = false
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    var kinds: [(kind: Unicode.Scalar, isNegated: Bool)] = []

    func accepts(_ scalar: Unicode.Scalar) -> Bool {
      let isIn =
        ranges.contains { $0.contains(scalar) }
        || kinds.contains { Self.isKind($0.kind, scalar) != $0.isNegated }
      return isIn != isNegated
    }

    static func isKind(_ kind: Unicode.Scalar, _ scalar: Unicode.Scalar) -> Bool {
      switch kind {
      case "d": scalar.properties.numericType == .decimal
      case "s": scalar.properties.isWhitespace
      default:
        scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
      }
    }
  }

  private let root: Node

  /// Nil for what is no regular expression, or one that is not read here.
  init?(_ text: String) {
    var parser = Parser(rest: Array(text.unicodeScalars)[...])
    guard text.unicodeScalars.count <= 4_096, let node = parser.alternatives(depth: 0),
      parser.rest.isEmpty
    else { return nil }
    root = node
  }

  /// Whether a whole name matches; nil when it takes too many steps to say.
  func matches(_ name: String) -> Bool? {
    Search(name).reachesEnd(root, from: [0])
  }

  /// The same of a name, or of any end of it behind a dot.
  func matchesEnd(of name: String) -> Bool? {
    let search = Search(name)
    let dots = search.name.indices.filter { search.name[$0] == "." }
    return search.reachesEnd(root, from: Set([0] + dots.map { $0 + 1 }))
  }

  private final class Search {
    let name: [Unicode.Scalar]
    private var steps = 20_000

    init(_ name: String) { self.name = Array(name.unicodeScalars) }

    func reachesEnd(_ node: Node, from starts: Set<Int>) -> Bool? {
      let isReached = ends(node, starts).contains(name.count)
      return steps > 0 ? isReached : nil
    }

    /// Where what a node matches can end.
    private func ends(_ node: Node, _ starts: Set<Int>) -> Set<Int> {
      steps -= 1
      guard steps > 0 else { return [] }
      switch node {
      case .one(let test):
        return Set(starts.filter { $0 < name.count && test.accepts(name[$0]) }.map { $0 + 1 })
      case .sequence(let parts):
        return parts.reduce(starts) { $0.isEmpty ? $0 : ends($1, $0) }
      case .either(let parts):
        return parts.reduce(into: []) { $0.formUnion(ends($1, starts)) }
      case .repeated(let part, let least, let most):
        var (current, found) = (starts, least == 0 ? starts : [])
        var count = 0
        while !current.isEmpty, count < most ?? .max {
          let next = ends(part, current)
          count += 1
          if count < least {
            current = next
            continue
          }
          current = next.subtracting(found)  // from the others all ways are known
          found.formUnion(next)
        }
        return found
      case .start: return starts.intersection([0])
      case .end: return starts.intersection([name.count])
      case .boundary(let isThere):
        func isWord(_ place: Int) -> Bool {
          name.indices.contains(place) && CharacterTest.isKind("w", name[place])
        }
        return starts.filter { (isWord($0 - 1) != isWord($0)) == isThere }
      case .ahead(let part, let isThere):
        return starts.filter { ends(part, [$0]).isEmpty != isThere }
      }
    }
  }

  private struct Parser {
    var rest: ArraySlice<Unicode.Scalar>

    private mutating func take(_ text: String) -> Bool {
      guard rest.starts(with: text.unicodeScalars) else { return false }
      rest = rest.dropFirst(text.unicodeScalars.count)
      return true
    }

    mutating func alternatives(depth: Int) -> Node? {
      guard depth < 32 else { return nil }
      var parts: [Node] = []
      repeat {
        var sequence: [Node] = []
        while let next = rest.first, next != "|", next != ")" {
          guard let node = repetition(depth: depth) else { return nil }
          sequence.append(node)
        }
        parts.append(.sequence(sequence))
      } while take("|")
      return parts.count == 1 ? parts[0] : .either(parts)
    }

    private mutating func repetition(depth: Int) -> Node? {
      guard let node = atom(depth: depth) else { return nil }
      let (least, most): (Int, Int?)
      if take("*") {
        (least, most) = (0, nil)
      } else if take("+") {
        (least, most) = (1, nil)
      } else if take("?") {
        (least, most) = (0, 1)
      } else if take("{") {
        guard let close = rest.firstIndex(of: "}") else { return nil }
        let bounds = String(String.UnicodeScalarView(rest[..<close]))
          .split(separator: ",", omittingEmptySubsequences: false)
        rest = rest[(close + 1)...]
        guard (1...2).contains(bounds.count), let first = Int(bounds[0]), (0...100).contains(first)
        else { return nil }
        let last = bounds.count == 1 ? first : bounds[1].isEmpty ? nil : Int(bounds[1]) ?? -1
        guard last.map({ (first...100).contains($0) || $0 == first }) ?? true else { return nil }
        (least, most) = (first, last)
      } else {
        return node
      }
      _ = take("?")  // how much it prefers to take decides nothing here
      guard !["*", "+", "?", "{"].contains(rest.first) else { return nil }
      return .repeated(node, atLeast: least, atMost: most)
    }

    private mutating func atom(depth: Int) -> Node? {
      guard let scalar = rest.popFirst() else { return nil }
      switch scalar {
      case "(":
        var look: Bool?
        if take("?=") {
          look = true
        } else if take("?!") {
          look = false
        } else if take("?:") {
        } else if take("?") {
          return nil
        }
        guard let node = alternatives(depth: depth + 1), take(")") else { return nil }
        return look.map { .ahead(node, $0) } ?? node
      case "[": return characters().map { .one($0) }
      case ".": return .one(CharacterTest(isNegated: true, ranges: ["\n"..."\n"]))
      case "^": return .start
      case "$": return .end
      case "\\": return escape()
      case "*", "+", "?", "{": return nil
      default: return .one(CharacterTest(ranges: [scalar...scalar]))
      }
    }

    private mutating func escape() -> Node? {
      guard let scalar = rest.popFirst() else { return nil }
      switch scalar {
      case "b", "B": return .boundary(scalar == "b")
      case "A": return .start
      case "Z": return .end
      default:
        var test = CharacterTest()
        return Self.add(scalar, to: &test) ? .one(test) : nil
      }
    }

    /// What a letter or sign behind a backslash stands for.
    private static func add(_ scalar: Unicode.Scalar, to test: inout CharacterTest) -> Bool {
      switch scalar {
      case "d", "s", "w": test.kinds.append((scalar, false))
      case "D": test.kinds.append(("d", true))
      case "S": test.kinds.append(("s", true))
      case "W": test.kinds.append(("w", true))
      default:
        guard !scalar.properties.isAlphabetic, scalar.properties.numericType == nil else {
          return false
        }
        test.ranges.append(scalar...scalar)
      }
      return true
    }

    private mutating func characters() -> CharacterTest? {
      var test = CharacterTest(isNegated: take("^"))
      var isFirst = true
      while let scalar = rest.popFirst() {
        if scalar == "]", !isFirst { return test }
        isFirst = false
        if scalar == "\\" {
          guard let escaped = rest.popFirst(), Self.add(escaped, to: &test) else { return nil }
        } else if rest.first == "-", let last = rest.dropFirst().first, last != "]" {
          guard last != "\\", scalar <= last else { return nil }
          rest = rest.dropFirst(2)
          test.ranges.append(scalar...last)
        } else {
          test.ranges.append(scalar...scalar)
        }
      }
      return nil
    }
  }
}
