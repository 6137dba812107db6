import Foundation

/// The canonical forms of Unicode Standard Annex 15, as `tokenizers` has them.
///
/// It normalizes by Unicode 9, in which later scalars are unassigned: they stay as they are, and
/// nothing is joined or reordered across them. Foundation is asked for the decomposition of single
/// scalars alone: its forms of whole texts are slow, leave some marks unordered, and join old jamo
/// to syllables that they are no part of.
enum CanonicalForm {
  private static let version = 9

  private struct Pair: Hashable {
    let first: Unicode.Scalar
    let second: Unicode.Scalar
  }

  /// Full decompositions of what has one, Hangul apart.
  private static let decompositions: [Unicode.Scalar: [Unicode.Scalar]] = {
    // Where such scalars are.
    let ranges: [Range<UInt32>] = [
      0xC0..<0x3100, 0xF900..<0xFB50, 0x11000..<0x12000, 0x1D100..<0x1D200, 0x2F800..<0x2FA20,
    ]
    var found: [Unicode.Scalar: [Unicode.Scalar]] = [:]
    for scalar in ranges.joined().compactMap(Unicode.Scalar.init) {
      if scalar.isNewer(than: version) { continue }
      let text = String(Character(scalar)).decomposedStringWithCanonicalMapping
      let scalars = Array(text.unicodeScalars)
      if scalars != [scalar] { found[scalar] = scalars }
    }
    return found
  }()

  /// What two scalars make, the first of which may itself be made of two.
  private static let compositions: [Pair: Unicode.Scalar] = {
    let composites = decompositions.filter { !$0.key.properties.isFullCompositionExclusion }
    let bySpelling = Dictionary(composites.map { ($1, $0) }) { first, _ in first }
    var found: [Pair: Unicode.Scalar] = [:]
    for (composite, spelling) in composites {
      let start = Array(spelling.dropLast())
      guard let first = start.count == 1 ? start[0] : bySpelling[start], let last = spelling.last
      else { continue }
      found[Pair(first: first, second: last)] = composite
    }
    return found
  }()

  /// NFD.
  static func decomposed(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    if text.allSatisfy({ $0.value < 0xC0 }) { return text }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    decompose(text[...], into: &result)
    return result
  }

  /// NFC. Only what may join the scalar before it is looked at, with that scalar.
  static func composed(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard let first = text.firstIndex(where: mayCompose) else { return text }
    var start = max(0, first - 1)
    var result = Array(text[..<start])
    result.reserveCapacity(text.count)
    var run: [Unicode.Scalar] = []
    while start < text.count {
      var end = start + 1
      while end < text.count, mayCompose(text[end]) { end += 1 }
      if end - start > 1 || mayCompose(text[start]) {
        run.removeAll(keepingCapacity: true)
        decompose(text[start..<end], into: &run)
        compose(run, into: &result)
      } else {
        result.append(text[start])
      }
      start = end
    }
    return result
  }

  /// Whether NFC may change a scalar or join it to the one before it.
  private static func mayCompose(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value < 0x300 { return false }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: break
    default:
      let isJamo = (0x1160...0x11FF).contains(scalar.value)
      guard isJamo || scalar.properties.isFullCompositionExclusion else { return false }
    }
    return !scalar.isNewer(than: version)
  }

  /// 0 of a starter, and of what version 9 did not know.
  private static func combiningClass(_ scalar: Unicode.Scalar) -> UInt8 {
    if scalar.value < 0x300 { return 0 }
    let value = scalar.properties.canonicalCombiningClass.rawValue
    return value == 0 || scalar.isNewer(than: version) ? 0 : value
  }

  private static func decompose(
    _ text: ArraySlice<Unicode.Scalar>, into result: inout [Unicode.Scalar]
  ) {
    /// Marks since the last starter, to be put in order of their class.
    var marks: [(class: UInt8, scalar: Unicode.Scalar)] = []
    func append(_ scalar: Unicode.Scalar) {
      let kind = combiningClass(scalar)
      if kind > 0 { return marks.append((kind, scalar)) }
      flush()
      result.append(scalar)
    }
    func flush() {
      if marks.isEmpty { return }
      let sorted = marks.enumerated().sorted {
        ($0.element.class, $0.offset) < ($1.element.class, $1.offset)
      }
      result += sorted.map(\.element.scalar)
      marks.removeAll(keepingCapacity: true)
    }
    for scalar in text {
      if scalar.value < 0xC0 {
        append(scalar)
      } else if (Hangul.first...Hangul.last).contains(scalar.value) {
        flush()
        result += Hangul.decomposed(scalar)
      } else if let spelling = decompositions[scalar] {
        for scalar in spelling { append(scalar) }
      } else {
        append(scalar)
      }
    }
    flush()
  }

  private static func compose(_ text: [Unicode.Scalar], into result: inout [Unicode.Scalar]) {
    var starter: Int?  // in `result`
    var last: UInt8?  // the class of what follows it so far
    for scalar in text {
      let kind = combiningClass(scalar)
      let isBlocked = last.map { $0 >= kind } ?? false
      if let starter, !isBlocked, let composite = join(result[starter], scalar) {
        result[starter] = composite
        continue
      }
      if kind == 0 {
        starter = result.count
        last = nil
      } else {
        last = kind
      }
      result.append(scalar)
    }
  }

  private static func join(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
    Hangul.joined(first, second) ?? compositions[Pair(first: first, second: second)]
  }

  /// Syllables by arithmetic: the Unicode Standard, section 3.12.
  private enum Hangul {
    static let first: UInt32 = 0xAC00
    static let last: UInt32 = 0xD7A3
    private static let (leading, vowel, trailing): (UInt32, UInt32, UInt32) = (
      0x1100, 0x1161, 0x11A7
    )

    static func decomposed(_ syllable: Unicode.Scalar) -> [Unicode.Scalar] {
      let index = syllable.value - first
      let parts = [leading + index / 588, vowel + index % 588 / 28, trailing + index % 28]
      return parts.prefix(index % 28 == 0 ? 2 : 3).compactMap(Unicode.Scalar.init)
    }

    static func joined(_ one: Unicode.Scalar, _ other: Unicode.Scalar) -> Unicode.Scalar? {
      if (leading..<(leading + 19)).contains(one.value),
        (vowel..<(vowel + 21)).contains(other.value)
      {
        return Unicode.Scalar(first + ((one.value - leading) * 21 + other.value - vowel) * 28)
      }
      if (first...last).contains(one.value), (one.value - first) % 28 == 0,
        ((trailing + 1)..<(trailing + 28)).contains(other.value)
      {
        return Unicode.Scalar(one.value + other.value - trailing)
      }
      return nil
    }
  }
}

extension Unicode.Scalar {
  /// Whether a later version of Unicode assigned the scalar, or none has.
  func isNewer(than version: Int) -> Bool {
    if value < 0x370 { return false }
    return properties.age.map { $0.major > version } ?? true
  }
}
