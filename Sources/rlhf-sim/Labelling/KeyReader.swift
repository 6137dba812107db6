import Foundation

/// What a key means while pairs are judged.
enum LabelKey: Equatable {
  case left, right, tie, skip, undo, quit
  /// A key without a meaning.
  case other

  init(byte: UInt8) {
    self =
      switch UnicodeScalar(byte) {
      case "h", "H", "1": .left
      case "l", "L", "2": .right
      case "t", "T", "=", "0": .tie
      case "s", "S", " ": .skip
      case "u", "U", "\u{8}", "\u{7F}": .undo
      case "q", "Q", "\u{4}": .quit
      default: .other
      }
  }
}

/// Keys from standard input, one at a time: pressed on a terminal in raw mode, or from a pipe.
struct KeyReader {
  /// The next key; `quit` when there will be none.
  func next() -> LabelKey {
    guard let byte = read(waiting: nil) else { return .quit }
    guard byte == 0x1B else { return LabelKey(byte: byte) }
    // An arrow is ESC [ C or ESC O C, its bytes in one piece; alone, ESC means nothing.
    guard let second = read(waiting: 50),
      second == UInt8(ascii: "[") || second == UInt8(ascii: "O"),
      var last = read(waiting: 50)
    else { return .other }
    // Longer sequences (Ctrl-arrow, Delete) go on up to a letter or ~.
    while !(0x40...0x7E).contains(last), let next = read(waiting: 50) { last = next }
    return switch last {
    case UInt8(ascii: "D"): .left
    case UInt8(ascii: "C"): .right
    default: .other
    }
  }

  /// One byte; `nil` at the end, or when none comes for so many milliseconds.
  private func read(waiting milliseconds: Int32?) -> UInt8? {
    if let milliseconds {
      var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
      guard poll(&descriptor, 1, milliseconds) > 0 else { return nil }
    }
    var byte: UInt8 = 0
    while true {
      let count = Foundation.read(STDIN_FILENO, &byte, 1)
      if count == 1 { return byte }
      // A signal that did not end the program, such as a change of the window's size.
      if count < 0, errno == EINTR { continue }
      return nil
    }
  }
}
