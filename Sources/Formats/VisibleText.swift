extension String {
  /// The text with control characters written out, as `\u{1B}`, but for line feeds and tabs: shown on a
  /// terminal, texts of files could otherwise move its cursor, rename its window or hide what follows.
  package var withVisibleControls: String {
    guard unicodeScalars.contains(where: \.isControl) else { return self }
    var text = ""
    for scalar in unicodeScalars {
      if scalar.isControl {
        text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// The text without its middle where it is longer than `limit` characters: the place stands at the
  /// beginning of a message and what to do at its end.
  package func shortened(to limit: Int) -> String {
    let excess = count - limit
    guard excess > 0 else { return self }
    return "\(prefix(limit / 2)) … \(excess) characters … \(suffix(limit - limit / 2))"
  }
}

extension Unicode.Scalar {
  /// C0, C1 and delete, but for line feed and tab.
  fileprivate var isControl: Bool {
    switch value {
    case 0x09, 0x0A: false
    case 0..<0x20, 0x7F..<0xA0: true
    default: false
    }
  }
}
