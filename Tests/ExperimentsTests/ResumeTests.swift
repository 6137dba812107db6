import Foundation
import Numerics
import RLHF
import RunRecords
import Statistics
import Testing

@testable import Experiments

/// A run that goes on after an interruption must end as if there had been none.
@Suite struct ResumeTests {
  /// Every part of the state that a stage may have: an ensemble, early stopping, an adaptive β.
  static let assignments = [
    "pretraining.steps=3", "fine_tuning.steps=3", "reward.ensemble=2", "reward.evaluations=6",
    "reward.early_stopping=3", "reward.optimizer.learning_rate=1", "ppo.kl.controller=adaptive",
    "ppo.kl.target=0.01",
    "ppo.kl.horizon=50", "reward.freeze=0.5", "reward.combine=worst",
  ]

  /// Two rounds, and a reward model with a trunk of its own.
  static let rounds = [
    "pretraining.steps=2", "fine_tuning.steps=2", "preferences.rounds=2", "reward.model.width=8",
    "reward.evaluations=2", "reward.early_stopping=1", "reward.optimizer.learning_rate=1",
    "ppo.iterations=2",
  ]

  struct PowerCut: Error {}

  /// Passes everything on to a recorder until the power is cut, in the middle of a step.
  final class Unreliable: StageObserver {
    let recorder: RunRecorder
    var stepsLeft: Int
    private(set) var last: RunStage?

    init(_ recorder: RunRecorder, steps: Int) {
      (self.recorder, stepsLeft) = (recorder, steps)
    }

    func begin(_ stage: RunStage, _ extent: StageExtent) throws {
      try recorder.begin(stage, extent)
    }

    func advance(_ stage: RunStage, to done: Int, metrics: StepMetrics?) throws {
      try recorder.advance(stage, to: done, metrics: metrics)
      last = stage
      stepsLeft -= 1
      if stepsLeft == 0 { throw PowerCut() }
    }

    func end(_ stage: RunStage) throws { try recorder.end(stage) }
    func note(_ text: String) { recorder.note(text) }
    func warn(_ warning: TrainingWarning) throws { try recorder.warn(warning) }
  }

  /// - Parameter steps: after which the power is cut; nil for never.
  /// - Returns: the stage that was running then.
  func run(
    _ assignments: [String] = assignments, in directory: RunDirectory, isResumed: Bool,
    steps: Int? = nil, threads: Int = 2
  ) throws -> (stage: RunStage?, steps: Int) {
    let information = RunInformation(
      version: "0", command: .demo, commandLine: [], scenario: "tiny", seed: 1, threads: threads,
      cpu: "", blasCore: "", allocator: "", started: Date(timeIntervalSince1970: 0))
    let recorder = try RunRecorder(
      directory: directory, information: information,
      terminal: Terminal(isInteractive: false, isQuiet: true), isResumed: isResumed)
    let observer = Unreliable(recorder, steps: steps ?? .max)
    let loop = try AlignmentLoop(
      makeScenario(assignments), seed: 1, workers: Workers(count: threads),
      observer: observer, state: StageStore(in: directory, isEager: true))
    do {
      _ = try LoopRun(loop, in: directory).resume(.demo)
      try recorder.close()
      return (nil, .max - observer.stepsLeft)
    } catch is PowerCut {
      try recorder.close(error: PowerCut())
      return (observer.last, .max)
    }
  }

  func withRun<Result>(_ body: (RunDirectory) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(RunDirectory.create(at: url, force: false))
  }

  /// All that a run has made, without times.
  ///
  /// - Parameter unmeasured: metrics that are left out, too.
  func contents(
    of directory: RunDirectory, unmeasured: String = "memory/activations"
  ) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: directory.url.path) {
      let url = directory.url.appending(path: name)
      var isDirectory: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory)
      if isDirectory.boolValue || name == "run.json" { continue }
      if name.hasPrefix("events/") {
        // Event files differ in times alone, which take as many bytes whatever they are.
        let size = try Data(contentsOf: url).count
        files[url.deletingLastPathComponent().lastPathComponent + " events"] = Data("\(size)".utf8)
      } else if name.hasPrefix("metrics/") {
        let rows = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map {
          $0.split(separator: ",").filter {
            !["\"seconds\"", "\"time/", "\"" + unmeasured].contains(where: $0.hasPrefix)
          }.joined(separator: ",")
        }
        files[name] = Data(rows.joined(separator: "\n").utf8)
      } else {
        files[name] = try Data(contentsOf: url)
      }
    }
    return files
  }

  @Test("wherever it was cut off, a run ends with the same bytes")
  func everyStage() throws {
    try withRun { whole in
      let total = try run(in: whole, isResumed: false).steps
      let expected = try contents(of: whole)
      #expect(expected.keys.contains("samples/rollouts.jsonl"))
      #expect(expected.keys.contains("state/tensors.safetensors"))
      var interrupted: Set<RunStage> = []
      var members: Set<Int> = []
      var patience = 0
      // Some of them before any state was saved, some in the first steps of a stage.
      for steps in Array(stride(from: 1, through: total, by: 3)) {
        try withRun { directory in
          let cut = try run(in: directory, isResumed: false, steps: steps)
          interrupted.insert(try #require(cut.stage))
          if directory.has(.eval), let state = try StageStore(in: directory).read(.reward) {
            members.insert(try state.count("member"))
            patience = max(
              patience, try state.count("early_stopping.evaluations_since_best"))
          }
          #expect(try RunInformation.read(from: directory).status == .failed)
          // Twice, the second time soon after: a stage may be interrupted again.
          _ = try run(in: directory, isResumed: true, steps: 2)
          _ = try run(in: directory, isResumed: true, threads: 1)
          let found = try contents(of: directory)
          #expect(found.keys.sorted() == expected.keys.sorted())
          for (name, bytes) in expected {
            #expect(found[name] == bytes, "\(name), cut after \(steps) steps")
          }
        }
      }
      #expect(interrupted.isSuperset(of: [.pretraining, .sft, .reward, .ppo]))
      #expect(members == [0, 1], "the ensemble must have been cut in both members")
      #expect(patience > 0, "and where an evaluation had been no better")
    }
  }

  @Test("so does one of several rounds, whose models and rows are all kept")
  func rounds() throws {
    try withRun { whole in
      let total = try run(Self.rounds, in: whole, isResumed: false).steps
      let expected = try contents(of: whole, unmeasured: "memory/")
      for name in ["reward/model.safetensors", "ppo/policy/model.safetensors"] {
        #expect(expected[name] != expected["rounds/1/\(name)"])
        #expect(expected["rounds/1/\(name)"] != nil)
      }
      // Later rows stand behind those of the first round, and steps go on.
      let first = try #require(expected["rounds/1/preferences/train.jsonl"])
      let all = try #require(expected["preferences/train.jsonl"])
      #expect(all.starts(with: first) && all.count > first.count * 3 / 2)
      let steps = try MetricsTable(stage: .ppo, in: whole).steps
      #expect(steps == [1, 2, 3, 4])
      #expect(expected["reference/model.safetensors"] == expected["sft/model.safetensors"])
      for steps in Array(stride(from: 1, through: total, by: 4)) {
        try withRun { directory in
          _ = try run(Self.rounds, in: directory, isResumed: false, steps: steps)
          _ = try run(Self.rounds, in: directory, isResumed: true, threads: 1)
          let found = try contents(of: directory, unmeasured: "memory/")
          #expect(found.keys.sorted() == expected.keys.sorted())
          for (name, bytes) in expected {
            #expect(found[name] == bytes, "\(name), cut after \(steps) steps")
          }
        }
      }
    }
  }

  @Test("a state that does not go with the run is refused")
  func foreignState() throws {
    try withRun { directory in
      _ = try run(in: directory, isResumed: false, steps: 3)
      var state = try #require(try StageState.read(from: directory.state))
      state.step = -1
      try state.write(to: directory.state)
      #expect(throws: RunRecordsError.self) { try run(in: directory, isResumed: true) }
      try Data("{}".utf8).write(to: directory.state.appending(path: "stage.json"))
      #expect(throws: RunRecordsError.self) { try run(in: directory, isResumed: true) }
      state.step = 2
      try state.write(to: directory.state)
      try Data().write(to: directory.state.appending(path: "tensors.safetensors"))
      #expect(throws: (any Error).self) { try run(in: directory, isResumed: true) }
      // Without its state the stage begins again.
      try FileManager.default.removeItem(at: directory.state)
      _ = try run(in: directory, isResumed: true)
    }
  }

  @Test("a bit that flipped in the state is found, wherever it is")
  func flippedBits() throws {
    try withRun { directory in
      _ = try run(in: directory, isResumed: false, steps: 14)
      let store = StageStore(in: directory)
      let saved = try RunStage.allCases.first { try store.read($0) != nil }
      let stage = try #require(saved)
      for name in ["stage.json", "tensors.safetensors"] {
        let file = directory.state.appending(path: name)
        let bytes = try Data(contentsOf: file)
        for place in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 60)) {
          var flipped = bytes
          flipped[place] ^= 1 << (place % 8)
          try flipped.write(to: file)
          // A blank between two keys may become another one.
          let found = try? store.read(stage)
          #expect(
            found == nil || name == "stage.json" && [0x20, 0x0A].contains(bytes[place]),
            "\(name), byte \(place)")
        }
        try bytes.write(to: file)
      }
      #expect(try store.read(stage) != nil)
      // States of earlier versions had none.
      let text = try String(
        contentsOf: directory.state.appending(path: "stage.json"), encoding: .utf8)
      try Data(text.replacing(/"checksum" : "\w+",/, with: "").utf8)
        .write(to: directory.state.appending(path: "stage.json"))
      let error = try #require(throws: RunRecordsError.self) { try store.read(stage) }
      #expect("\(error)".contains("no checksum") && "\(error)".contains("begin the stage again"))
    }
  }

  @Test("a state or a scenario that was changed meanwhile is refused")
  func changed() throws {
    try withRun { directory in
      _ = try run(in: directory, isResumed: false, steps: 3)
      var state = try #require(try StageState.read(from: directory.state))
      state.step = 99
      try state.write(to: directory.state)
      let beyond = try #require(throws: TrainingStateError.self) {
        try run(in: directory, isResumed: true)
      }
      #expect(beyond == .beyondTheEnd(step: 99, total: 3))
      state.step = 2
      try state.write(to: directory.state)
      let tensors = directory.state.appending(path: "tensors.safetensors")
      var bytes = try Data(contentsOf: tensors)
      bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: [255, 255, 255, 255])
      try bytes.write(to: tensors)
      #expect(throws: RunRecordsError.self) { try run(in: directory, isResumed: true) }
      // Also where somebody has made the checksum anew.
      try state.write(to: directory.state)
      #expect(throws: TrainingStateError.self) { try run(in: directory, isResumed: true) }
      try FileManager.default.removeItem(at: directory.state)
      _ = try run(in: directory, isResumed: true)

      let other = try AlignmentLoop(
        makeScenario(Self.assignments + ["model.width=32"]), seed: 1,
        workers: Workers(count: 1), observer: Recording())
      #expect(throws: LoopError.self) { try LoopRun(other, in: directory).resume(.demo) }
    }
  }
}
