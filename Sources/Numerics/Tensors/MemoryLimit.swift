import Foundation

/// How much memory the process may still take, and what says so: the least of what the machine has
/// left, the limits of its control groups, and that of its address space.
package struct MemoryLimit: Sendable, Equatable {
  package let bytes: Double
  /// In the words of an error, such as `the memory limit of its control group`.
  package let reason: String

  /// What may be taken on top of what is held now.
  package static var left: MemoryLimit {
    let limit = left(in: "/")
    return MemoryLimit(
      bytes: limit.bytes + Double(NumericalLibraries.reusableBytes), reason: limit.reason)
  }

  /// What the process may hold in all.
  package static var whole: MemoryLimit {
    least(
      of: [(Double(ProcessInfo.processInfo.physicalMemory), "the machine's memory")]
        + groups(in: "/").map { ($0.limit, groupReason) } + addressSpace.map { ($0, ulimit) })
  }

  /// - Parameter root: of the files of Linux that say it; where there are none, there is no limit.
  static func left(in root: String) -> MemoryLimit {
    let used = text(root + "proc/self/statm").split(separator: " ").first.flatMap { Double($0) }
    let page = Double(sysconf(Int32(_SC_PAGESIZE)))
    let available = text(root + "proc/meminfo").split(separator: "\n")
      .first { $0.hasPrefix("MemAvailable:") }?.split(separator: " ").dropFirst().first
      .flatMap { Double($0) }
    return least(
      of: (available.map { [($0 * 1024, "what the machine has left")] } ?? [])
        + groups(in: root).map { ($0.limit - $0.used, groupReason) }
        + addressSpace.map { ($0 - (used ?? 0) * page, ulimit) })
  }

  private static let groupReason = "the memory limit of its control group"
  private static let ulimit = "`ulimit -v`"

  private static func least(of limits: [(Double, String)]) -> MemoryLimit {
    let least = limits.min { $0.0 < $1.0 } ?? (.infinity, "")
    return MemoryLimit(bytes: max(0, least.0), reason: least.1)
  }

  private static var addressSpace: [Double] {
    var limit = rlimit()
    #if canImport(Glibc)
      let kind = __rlimit_resource_t(RLIMIT_AS.rawValue)
    #else
      let kind = RLIMIT_AS
    #endif
    guard getrlimit(kind, &limit) == 0, limit.rlim_cur != rlim_t.max else { return [] }
    return [Double(limit.rlim_cur)]
  }

  /// The control groups that the process is in, from its own to the outermost: version 2 in
  /// `memory.max`, version 1 in `memory.limit_in_bytes`. Files that were read count as used and are
  /// given back when memory is short.
  private static func groups(in root: String) -> [(limit: Double, used: Double)] {
    text(root + "proc/self/cgroup").split(separator: "\n").flatMap { line in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return [(limit: Double, used: Double)]() }
      let isSecond = fields[0] == "0"
      guard isSecond || fields[1].split(separator: ",").contains("memory") else { return [] }
      let base = root + "sys/fs/cgroup" + (isSecond ? "" : "/memory")
      let (limit, usage, cache) =
        isSecond
        ? ("memory.max", "memory.current", "inactive_file ")
        : ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ")
      // Inside a container the path may be that outside of it; its own group is then at the top.
      var path = String(fields[2])
      var found: [(limit: Double, used: Double)] = []
      while true {
        let place = base + (path == "/" ? "" : path) + "/"
        if let limit = Double(text(place + limit).trimmingCharacters(in: .whitespacesAndNewlines)),
          let used = Double(text(place + usage).trimmingCharacters(in: .whitespacesAndNewlines))
        {
          let freed = text(place + "memory.stat").split(separator: "\n")
            .first { $0.hasPrefix(cache) }.flatMap { Double($0.dropFirst(cache.count)) }
          found.append((limit, used - (freed ?? 0)))
        }
        guard path.count > 1, let slash = path.lastIndex(of: "/") else { return found }
        path = slash == path.startIndex ? "/" : String(path[..<slash])
      }
    }
  }

  private static func text(_ file: String) -> String {
    (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
  }
}
