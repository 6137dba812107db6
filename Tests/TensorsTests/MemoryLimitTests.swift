import Foundation
import Testing

@testable import Numerics

@Suite("How much memory is left, as Linux says it")
struct MemoryLimitTests {
  private static let info = "MemTotal: 16000 kB\nMemFree: 10 kB\nMemAvailable: 8000 kB\n"

  @Test(
    "is the least of machine and control groups, less what is used and not to be given back",
    arguments: [
      (["proc/meminfo": info], 8000 * 1024, "the machine"),
      // Version 2, with a limit on the group above.
      (
        [
          "proc/meminfo": info, "proc/self/cgroup": "0::/slice/unit\n",
          "sys/fs/cgroup/slice/unit/memory.max": "max\n",
          "sys/fs/cgroup/slice/unit/memory.current": "100\n",
          "sys/fs/cgroup/slice/memory.max": "5000\n",
          "sys/fs/cgroup/slice/memory.current": "3000\n",
          "sys/fs/cgroup/slice/memory.stat": "anon 2500\ninactive_file 400\nfile 450\n",
        ], 2400, "control group"
      ),
      // Version 1 in a container, where the path is that outside of it.
      (
        [
          "proc/meminfo": info, "proc/self/cgroup": "4:cpu:/\n3:memory:/docker/4f\n0::/\n",
          "sys/fs/cgroup/memory/memory.limit_in_bytes": "9000\n",
          "sys/fs/cgroup/memory/memory.usage_in_bytes": "9100\n",
          "sys/fs/cgroup/memory/memory.stat": "inactive_file 1\ntotal_inactive_file 50\n",
        ], 0, "control group"
      ),
    ] as [([String: String], Int, String)])
  func limits(files: [String: String], bytes: Int, reason: String) throws {
    let root = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: root) }
    for (name, text) in files {
      let file = root.appending(path: name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    let limit = MemoryLimit.left(in: root.path + "/")
    #expect(limit.bytes == Double(bytes) && limit.reason.contains(reason), "\(limit)")
  }

  @Test("on this machine there is some, and less left than there is in all")
  func here() {
    let (left, whole) = (MemoryLimit.left, MemoryLimit.whole)
    #expect(left.bytes > 0 && whole.bytes > 0 && whole.bytes < .infinity)
    #if os(Linux)
      #expect(left.bytes < .infinity)
    #endif
  }
}
