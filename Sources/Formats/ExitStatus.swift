/// How the program ends after an error, by the codes of `sysexits.h`.
package enum ExitStatus: Int32, Sendable {
  case failure = 1
  case usage = 64
  case badData = 65
  case inputOutput = 74
}

/// An error that knows how it ends the program; all others end it with ``ExitStatus/failure``.
package protocol EndingError: Error {
  var exitStatus: ExitStatus { get }
}
