import Foundation

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
