import Formats
import Foundation
import Numerics

/// The version of the program, as `--version` and run.json give it.
let version = "0.1.0"

/// What the program runs on, and what it was built with.
enum Machine {
  /// The processor's name, or what the system calls the machine.
  static var processor: String {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let name = lines.split(separator: "\n").first { $0.hasPrefix("model name") }?
      .split(separator: ":", maxSplits: 1).last
    return name.map { $0.trimmingCharacters(in: .whitespaces) }
      ?? ProcessInfo.processInfo.operatingSystemVersionString
  }

  /// The compiler's version, as far as a program can know it.
  static var swiftVersion: String {
    #if compiler(>=6.4)
      "6.4 or later"
    #elseif compiler(>=6.3)
      "6.3"
    #elseif compiler(>=6.2)
      "6.2"
    #else
      "6.1"
    #endif
  }
}

/// A limit of the address space under which nothing can be computed.
struct AddressSpaceError: EndingError, CustomStringConvertible {
  var exitStatus: ExitStatus { .failure }

  var description: String {
    "the address space is too small: a thread needs \(NumericalLibraries.bytesPerThread >> 20) MiB beside "
      + "the program and the model; raise `ulimit -v`"
  }
}
