import Formats
package import Foundation
package import Statistics

/// run.json: what ran, on which machine, when, and how it ended.
package struct RunInformation: Codable, Sendable, Equatable {
  /// How far a run got.
  package enum Status: String, Codable, Sendable {
    case running, finished, failed
    /// Stopped by the person; it can be resumed, as can one that failed.
    case interrupted
  }

  /// What a run does: the commands with a run directory.
  package enum Command: String, Codable, Sendable, CaseIterable {
    case demo, sft, ppo, dpo
    case bestOfN = "best-of-n"
    case trainReward = "train-reward"

    /// Whether a policy is optimized.
    package var optimizesPolicy: Bool { [.demo, .ppo, .dpo].contains(self) }
  }

  /// How long one stage took, in seconds of wall time.
  package struct StageTime: Codable, Sendable, Equatable {
    package var stage: String
    package var seconds: Double

    package init(stage: String, seconds: Double) {
      self.stage = stage
      self.seconds = seconds
    }
  }

  /// Something that the person was told while the run went on.
  package struct Note: Codable, Sendable, Equatable {
    /// The stage that was running; absent between stages.
    package var stage: String?
    package var text: String

    package init(stage: String? = nil, text: String) {
      self.stage = stage
      self.text = text
    }
  }

  /// How large one of the models is that the loop holds at once.
  package struct ModelSize: Codable, Sendable, Equatable {
    /// As the memory metrics name it: `policy`, `reference`, `reward` or `value`.
    package var model: String
    package var parameters: Int

    package init(model: String, parameters: Int) {
      self.model = model
      self.parameters = parameters
    }
  }

  /// A file that the run was made from, as it was when it was read.
  package struct Input: Codable, Sendable, Equatable {
    package var path: String
    package var bytes: Int
    package var crc32: String

    /// - Throws: `unreadable`.
    package init(_ file: URL) throws(RunRecordsError) {
      var checksum = Checksum()
      try checksum.add(recordsOf: file)
      (path, crc32) = (file.path, checksum.text)
      bytes = (try? file.resourceValues(forKeys: [.fileSizeKey]).fileSize) ?? 0
    }
  }

  /// The version of the program.
  package var version: String
  package var command: Command
  /// What the policy is trained by, such as PPO; nil where none is, and in files of earlier versions.
  package var method: String?
  /// Whether a value model learns beside the policy; nil in files of earlier versions.
  package var hasValueModel: Bool?
  /// The command line, one argument an element.
  package var commandLine: [String]
  /// The scenario's name.
  package var scenario: String
  package var seed: UInt64
  package var threads: Int
  /// The processor as it names itself.
  package var cpu: String
  /// The core that OpenBLAS chose its kernels for.
  package var blasCore: String
  /// The compiler, OpenBLAS with its build options, and the level of the program's own kernels.
  package var build: [String]?
  /// The process allocator and its version.
  package var allocator: String
  /// The process that does it, or did.
  package var process: Int32
  package var started: Date
  /// When it went on after an interruption, each time.
  package var resumed: [Date] = []
  package var ended: Date?
  package var status = Status.running
  /// In the order in which the stages ran; a stage that was interrupted counts all its parts.
  package var stageSeconds: [StageTime] = []
  /// What the optimization was warned of, each kind once; nil for nothing.
  package var warnings: [TrainingWarning]?
  /// The models of PPO; nil where there was none, and in files of earlier versions.
  package var models: [ModelSize]?
  /// Why the run failed.
  package var error: String?
  /// In the order in which they were said; files of earlier versions lack them.
  package var notes: [Note]?
  /// Every setting as `key=value`, defaults written out; files of earlier versions lack all below.
  package internal(set) var settings: [String]?
  package internal(set) var inputs: [Input]?
  /// CRC-32 of what finished stages have made and later ones read, by their paths in the run.
  package var files: [String: String]?
  /// CRC-32 of command, seed, settings and inputs.
  var checksum: String?

  package init(
    version: String, command: Command, method: String? = nil, hasValueModel: Bool? = nil,
    commandLine: [String],
    scenario: String, seed: UInt64, threads: Int, cpu: String, blasCore: String, allocator: String,
    process: Int32 = 0, started: Date
  ) {
    self.version = version
    self.command = command
    self.method = method
    self.hasValueModel = hasValueModel
    self.commandLine = commandLine
    self.scenario = scenario
    self.seed = seed
    self.threads = threads
    self.cpu = cpu
    self.blasCore = blasCore
    self.allocator = allocator
    self.process = process
    self.started = started
  }

  /// The process that is at work on the run; nil when it is over, or when there is none of that number.
  package var livingProcess: Int32? {
    guard status == .running, process > 0 else { return nil }
    return kill(process, 0) == 0 || errno == EPERM ? process : nil
  }

  /// Counts time for a stage, beside what it has taken before an interruption.
  package mutating func add(seconds: Double, for stage: String) {
    if let index = stageSeconds.firstIndex(where: { $0.stage == stage }) {
      stageSeconds[index].seconds += seconds
    } else {
      stageSeconds.append(StageTime(stage: stage, seconds: seconds))
    }
  }

  /// Adds a warning; one of the same kind, from before an interruption, is replaced.
  package mutating func add(_ warning: TrainingWarning) {
    warnings = (warnings ?? []).filter { $0.kind != warning.kind } + [warning]
  }

  /// Writes run.json atomically.
  ///
  /// - Throws: `unwritable`, or `notFinite` for a stage time that is no number.
  package func write(to run: RunDirectory) throws(RunRecordsError) {
    try RecordJSON.write(self, to: run.information)
  }

  /// - Throws: `unreadable` or `malformed`.
  package static func read(from run: RunDirectory) throws(RunRecordsError) -> RunInformation {
    try RecordJSON.read(RunInformation.self, at: run.information)
  }

  private enum CodingKeys: String, CodingKey {
    case version, command, method, scenario, seed, threads, cpu, allocator, process, started,
      resumed, ended
    case status, error, notes, warnings, models, build, settings, inputs, files, checksum
    case hasValueModel = "has_value_model"
    case commandLine = "command_line"
    case blasCore = "blas_core"
    case stageSeconds = "stage_seconds"
  }
}
