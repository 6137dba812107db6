import Foundation

/// What the program runs on.
enum Machine {
  /// The processor's name, or what the system calls the machine.
  static var processor: String {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let name = lines.split(separator: "\n").first { $0.hasPrefix("model name") }?
      .split(separator: ":", maxSplits: 1).last
    return name.map { $0.trimmingCharacters(in: .whitespaces) }
      ?? ProcessInfo.processInfo.operatingSystemVersionString
  }
}
