import Formats
package import Foundation
import RunRecords

/// A sweep as a job array of Slurm. Its tasks are equal: each works on what no other has claimed, so that
/// another takes over what a dead node leaves.
package enum SlurmArray {
  /// Writes `slurm.sh` and submits it.
  ///
  /// - Parameters:
  ///   - tasks: how many tasks the array has, one processor each.
  ///   - program: where this program is on every node.
  /// - Returns: the number of the job.
  /// - Throws: `LoopError` when `sbatch` is not there or refuses.
  package static func submit(
    _ sweep: SweepDirectory, tasks: Int, program: URL, patience: Double
  ) throws -> String {
    let script = sweep.url.appending(path: "slurm.sh")
    try AtomicFile.write(
      """
      #!/bin/sh
      #SBATCH --job-name=sweep
      #SBATCH --array=1-\(tasks)
      #SBATCH --cpus-per-task=1
      #SBATCH --requeue
      exec \(quoted(program.path)) sweep work \(quoted(sweep.url.path)) --jobs 1 \
      --patience \(patience)

      """, to: script)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "sbatch", "--parsable", "--output", sweep.logs.appending(path: "slurm-%A_%a.txt").path,
      script.path,
    ]
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let answer = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let complaint = String(
      decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw LoopError.input(
        "sbatch did not take the job (\(complaint.trimmingCharacters(in: .whitespacesAndNewlines))); "
          + "work on a machine of the cluster, and give what it needs in variables such as "
          + "SBATCH_PARTITION")
    }
    return String(answer.prefix { $0.isNumber })
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.replacing("'", with: "'\\''") + "'"
  }
}
