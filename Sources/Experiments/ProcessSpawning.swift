import Foundation

/// How a process ended.
enum ProcessEnd: Equatable, CustomStringConvertible {
  case exit(status: Int32)
  case signal(Int32)

  /// - Parameter status: as `waitpid` gives it.
  init(waitStatus status: Int32) {
    let number = status & 0x7F
    self = number == 0 ? .exit(status: (status >> 8) & 0xFF) : .signal(number)
  }

  var description: String {
    switch self {
    case .exit(127): "exit status 127 (the shell did not find a program)"
    case .exit(126): "exit status 126 (the shell found a program that cannot be run)"
    case .exit(let status): "exit status \(status)"
    case .signal(let number): "signal \(number) (\(String(cString: strsignal(number))))"
    }
  }
}

#if canImport(Darwin)
  typealias SpawnFileActions = posix_spawn_file_actions_t?
#else
  typealias SpawnFileActions = posix_spawn_file_actions_t
#endif

/// Starts a program in a process group of its own, with this program's environment and directory and
/// with signals as a program expects them. Ctrl-C in a terminal reaches this program alone.
///
/// - Parameters:
///   - program: its path.
///   - files: says what its standard input, output and error are.
/// - Throws: `POSIXError` when the system does not start it.
func spawnProcess(
  _ program: String, _ arguments: [String], files: (inout SpawnFileActions) -> Void
) throws -> pid_t {
  #if canImport(Darwin)
    var (actions, attributes): (SpawnFileActions, posix_spawnattr_t?) = (nil, nil)
  #else
    var (actions, attributes) = (SpawnFileActions(), posix_spawnattr_t())
  #endif
  posix_spawn_file_actions_init(&actions)
  posix_spawnattr_init(&attributes)
  defer {
    posix_spawn_file_actions_destroy(&actions)
    posix_spawnattr_destroy(&attributes)
  }
  files(&actions)
  var (none, usual) = (sigset_t(), sigset_t())
  sigemptyset(&none)
  sigemptyset(&usual)
  for number in [SIGPIPE, SIGINT, SIGTERM, SIGXFSZ] { sigaddset(&usual, number) }
  posix_spawnattr_setsigmask(&attributes, &none)
  posix_spawnattr_setsigdefault(&attributes, &usual)
  posix_spawnattr_setflags(
    &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

  func strings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
    texts.map { strdup($0) } + [nil]
  }
  let words = strings([program] + arguments)
  let variables = strings(ProcessInfo.processInfo.environment.map { "\($0)=\($1)" })
  defer { for string in words + variables { free(string) } }
  var process: pid_t = 0
  let failure = posix_spawn(&process, program, &actions, &attributes, words, variables)
  guard failure == 0 else { throw POSIXError(POSIXErrorCode(rawValue: failure) ?? .EIO) }
  return process
}
