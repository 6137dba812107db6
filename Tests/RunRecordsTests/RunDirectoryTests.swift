import Formats
import Foundation
import Testing

@testable import RunRecords

@Suite("A run directory")
struct RunDirectoryTests {
  private func put(_ content: String, _ name: String, in url: URL) throws {
    try AtomicFile.write(content, to: url.appendingPathComponent(name))
  }

  @Test("names its parts as the contract does")
  func names() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root.appendingPathComponent("a/b"), force: false)
      let base = run.url.path + "/"
      let parts = [
        run.information, run.scenario, run.evaluation, run.report, run.metrics(.ppo),
        run.events(.sft), run.sampleComparisons, run.checkpoint(.policy), run.checkpoint(.value),
        run.checkpoint(.reward), run.preferences(.eval), run.state,
        run.eventFile(.ppo, started: Date(timeIntervalSince1970: 12.5)),
      ]
      #expect(
        parts.map { $0.path.replacingOccurrences(of: base, with: "") } == [
          "run.json", "scenario.yaml", "evaluation.json", "report.html", "metrics/ppo.jsonl",
          "events/sft", "samples/before_after.jsonl", "ppo/policy", "ppo/value", "reward",
          "preferences/eval.jsonl", "state", "events/ppo/events.out.tfevents.12.rlhf-sim",
        ])
      #expect(FileManager.default.fileExists(atPath: run.url.path))
    }
  }

  @Test("is not made over anything without force")
  func refusesWithoutForce() throws {
    try withTemporaryDirectory { root in
      try put("{}", "run.json", in: root)
      let error = #expect(throws: RunRecordsError.self) {
        try RunDirectory.create(at: root, force: false)
      }
      #expect(error == .alreadyExists(path: root.path))
      #expect(
        error.map(String.init(describing:))
          == "\(root.path) already exists")
      #expect(try text(of: root.appendingPathComponent("run.json")) == "{}")
    }
  }

  @Test("may be made in an existing empty directory")
  func acceptsEmpty() throws {
    try withTemporaryDirectory { root in
      _ = try RunDirectory.create(at: root, force: false)
    }
  }

  @Test("replaces an earlier run with force, leaving nothing of it behind")
  func replacesRun() throws {
    try withTemporaryDirectory { root in
      let url = root.appendingPathComponent("run")
      for name in ["run.json", "metrics/ppo.jsonl", "ppo/policy/model.safetensors"] {
        try put("old", name, in: url)
      }
      _ = try RunDirectory.create(at: url, force: true)
      let files = FileManager.default
      #expect(try files.contentsOfDirectory(atPath: url.path) == ["run.json"], "just claimed")
      #expect(try files.contentsOfDirectory(atPath: root.path) == ["run"])
    }
  }

  @Test(
    "never replaces what is not a run, nor a run holding somebody's own files",
    arguments: [["scenario.yaml"], ["run.json", "thesis.tex"]])
  func refusesForeign(names: [String]) throws {
    try withTemporaryDirectory { root in
      for name in names { try put("mine", name, in: root) }
      #expect {
        try RunDirectory.create(at: root, force: true)
      } throws: {
        if case RunRecordsError.notReplaceable = $0 { true } else { false }
      }
      for name in names {
        #expect(try text(of: root.appendingPathComponent(name)) == "mine")
      }
    }
  }

  @Test("is not made where a file stands")
  func refusesFile() throws {
    try withTemporaryDirectory { root in
      let url = root.appendingPathComponent("file")
      try put("mine", "file", in: root)
      #expect(throws: RunRecordsError.notADirectory(path: url.path)) {
        try RunDirectory.create(at: url, force: true)
      }
    }
  }

  @Test("is opened by its run.json alone")
  func opens() throws {
    try withTemporaryDirectory { root in
      #expect(throws: RunRecordsError.notARun(path: root.path)) { try RunDirectory.open(root) }
      try put("{}", "run.json", in: root)
      #expect(try RunDirectory.open(root).url.path == root.standardizedFileURL.path)
    }
  }

  @Test("of two that begin at the same time, one gets the directory")
  func claimed() throws {
    try withTemporaryDirectory { root in
      let place = root.appendingPathComponent("run")
      _ = try RunDirectory.create(at: place, force: false)
      #expect(throws: RunRecordsError.alreadyExists(path: place.path)) {
        try RunDirectory.create(at: place, force: false)
      }
    }
  }

  @Test("a run that is still going on is not replaced, also with force")
  func living() throws {
    try withTemporaryDirectory { root in
      let place = root.appendingPathComponent("run")
      do {
        let run = try RunDirectory.create(at: place, force: false)
        // No process has this number: the lock alone says that the run goes on.
        let process = Int32.max
        let information = RunInformation(
          version: "0", command: .demo, commandLine: [], scenario: "", seed: 1, threads: 1, cpu: "",
          blasCore: "", allocator: "", process: process, started: Date())
        try information.write(to: run)
        withExtendedLifetime(run) {
          #expect(throws: RunRecordsError.stillRunning(path: run.url.path, process: process)) {
            try RunDirectory.create(at: place, force: true)
          }
          #expect(throws: RunRecordsError.stillRunning(path: run.url.path, process: process)) {
            try RunDirectory.open(place, writing: true)
          }
          #expect(throws: Never.self) { try RunDirectory.open(place) }
        }
      }
      _ = try RunDirectory.create(at: place, force: true)
    }
  }

  @Test("leftovers of killed writings are nobody's: a run is replaced and goes on without them")
  func leftovers() throws {
    try withTemporaryDirectory { root in
      let url = root.appendingPathComponent("run")
      let names = [
        ".state.4F.partial/stage.json", ".run.json.4F.partial", "metrics/.sft.jsonl.4F.partial",
        "ppo/.policy.4F.partial/config.json",
      ]
      func left() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: root.path)
          .filter { $0.contains("partial") }
      }
      for force in [false, true] {
        for name in names + ["run.json"] { try put("{}", name, in: url) }
        try put("{}", "../.run.4F.partial/run.json", in: url)
        if force {
          _ = try RunDirectory.create(at: url, force: true)
          #expect(try left() == [])
        } else {
          _ = try RunDirectory.open(url, writing: true)
          #expect(try left() == [".run.4F.partial", ".run.4F.partial/run.json"])
        }
      }
      #expect(nameOfLeftover(".my.notes.partial") == "my")
      #expect(nameOfLeftover("my.partial") == nil && nameOfLeftover(".partial") == nil)
    }
  }

  @Test("between two renames of a killed save, the newer of the whole states is found again")
  func parkedState() throws {
    try withTemporaryDirectory { root in
      try put("{}", "run.json", in: root)
      for (name, step) in [(".state.A.partial", 3), (".state.B.partial", 5)] {
        try put("tensors", "\(name)/tensors.safetensors", in: root)
        try StageState(stage: "PPO", step: step, numbers: [:])
          .write(to: root.appendingPathComponent(name))
      }
      try put("tensors", ".state.C.partial/tensors.safetensors", in: root)
      try put(#"{"stage":"PPO","step":9,"numbers":{}}"#, ".state.C.partial/stage.json", in: root)
      let run = try RunDirectory.open(root, writing: true)
      #expect(try StageState.read(from: run.state)?.step == 5)
    }
  }

  @Test("a directory that is removed or moved under a running program is noticed")
  func vanished() throws {
    try withTemporaryDirectory { root in
      let place = root.appendingPathComponent("run")
      let run = try RunDirectory.create(at: place, force: false)
      try run.requireInPlace()
      try FileManager.default.moveItem(at: place, to: root.appendingPathComponent("elsewhere"))
      #expect(throws: RunRecordsError.vanished(path: run.url.path)) { try run.requireInPlace() }
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      #expect(throws: RunRecordsError.vanished(path: run.url.path)) { try run.requireInPlace() }
    }
  }

  @Test("a run behind a link is replaced where it is, and the link stays")
  func linked() throws {
    try withTemporaryDirectory { root in
      let (place, link) = (root.appendingPathComponent("run"), root.appendingPathComponent("link"))
      try AtomicFile.write("{}", to: place.appendingPathComponent("run.json"))
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: place)
      let run = try RunDirectory.create(at: link, force: true)
      #expect(run.url.lastPathComponent == "run")
      let type = try FileManager.default.attributesOfItem(atPath: link.path)[.type]
      #expect(type as? FileAttributeType == .typeSymbolicLink)
    }
  }
}
