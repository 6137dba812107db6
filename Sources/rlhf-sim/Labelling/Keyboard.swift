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

/// Standard input in a mode in which every key arrives at once and unseen, for the time of a body.
///
/// The mode is taken back when the body ends or throws, when a signal ends the program, and while it
/// is suspended. Input that is no terminal is left as it is.
enum RawTerminal {
  /// The modes before and during. Written once, before any handler that reads them is set, so that
  /// no two threads and no handler meet a change.
  nonisolated(unsafe) private static let modes = {
    let modes = UnsafeMutablePointer<termios>.allocate(capacity: 2)
    modes.initialize(repeating: termios(), count: 2)
    return modes
  }()

  private static let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

  static func during<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, modes) == 0 else { return try body() }
    modes[1] = modes[0]
    // Signals of the keyboard stay: Ctrl-C ends, Ctrl-Z suspends.
    modes[1].c_lflag &= ~tcflag_t(ICANON | ECHO)
    withUnsafeMutableBytes(of: &modes[1].c_cc) { characters in
      characters[Int(VMIN)] = 1
      characters[Int(VTIME)] = 0
    }
    for number in ending {
      signal(number) { number in
        tcsetattr(STDIN_FILENO, TCSANOW, RawTerminal.modes)
        signal(number, SIG_DFL)
        raise(number)
      }
    }
    suspend()
    signal(SIGCONT) { _ in
      tcsetattr(STDIN_FILENO, TCSANOW, RawTerminal.modes + 1)
      RawTerminal.suspend()
    }
    tcsetattr(STDIN_FILENO, TCSANOW, modes + 1)
    defer {
      tcsetattr(STDIN_FILENO, TCSANOW, modes)
      for number in ending + [SIGTSTP, SIGCONT] { signal(number, SIG_DFL) }
    }
    return try body()
  }

  /// Sets what Ctrl-Z does: the terminal goes back to its mode, then the program stops.
  private static func suspend() {
    signal(SIGTSTP) { number in
      tcsetattr(STDIN_FILENO, TCSANOW, RawTerminal.modes)
      signal(number, SIG_DFL)
      raise(number)
    }
  }
}
