import Foundation
import Numerics
import RunRecords
import Settings
import Testing

@testable import Experiments
@testable import RLHF

/// Who wrote an unused setting, and whether they could know.
@Suite struct UnusedSettingLayerTests {
  private func read(
    _ files: [String: String], overrides: [String] = []
  ) throws -> (scenario: Scenario, notes: [String]) {
    let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    for (name, text) in files {
      // With room for EOS after the longest response, of which a note would speak.
      let text = text.replacing("maximum_response_words: 9", with: "maximum_response_words: 8")
      try Data(text.utf8).write(to: directory.appending(path: name))
    }
    return try ProjectFiles.scenario(
      directory.appending(path: "main.yaml").path, overrides: overrides, for: .demo)
  }

  private func refusal(
    _ files: [String: String], overrides: [String] = []
  ) throws -> SettingsError {
    try #require(throws: SettingsError.self) { try read(files, overrides: overrides) }
  }

  /// The tiny scenario with other lines under `ppo`.
  private func tiny(_ lines: String...) -> String {
    tinyScenario.replacing("ppo:\n", with: "ppo:\n" + lines.map { "  \($0)\n" }.joined())
  }

  @Test(
    "a setting that the same file makes unused is refused with file, line, key, reason and remedy")
  func sameFile() throws {
    let error = try refusal([
      "main.yaml": tiny("algorithm: rloo", "samples_per_prompt: 2", "lambda: 0.9")
    ])
    let line = try #require(
      tiny("algorithm: rloo", "samples_per_prompt: 2", "lambda: 0.9")
        .split(separator: "\n", omittingEmptySubsequences: false)
        .firstIndex { $0.contains("lambda") })
    #expect("\(error)".contains("main.yaml:\(line + 1): `ppo.lambda`"), "\(error)")
    #expect(error.problem == "this is unused while `ppo.algorithm` is rloo")
    #expect(error.advice == "leave it out, or set `ppo.algorithm` to ppo")
  }

  @Test("so is one that a default makes unused, and one in a file over that of the setting")
  func moreSpecific() throws {
    #expect(
      try refusal(["main.yaml": tiny("kl: {target: 3}")]).path == "ppo.kl.target")
    let error = try refusal([
      "base.yaml": tiny("missing_end: keep"),
      "main.yaml": "extends: base.yaml\nppo: {missing_end_penalty: 2}",
    ])
    #expect("\(error)".contains("main.yaml:2: `ppo.missing_end_penalty`"), "\(error)")
    let override = try refusal(
      ["main.yaml": tiny("missing_end: keep")], overrides: ["ppo.missing_end_penalty=2"])
    #expect("\(override)".hasPrefix("--set ppo.missing_end_penalty=2: "), "\(override)")
  }

  @Test("one of an extended file or under --set counts as not set, and that is said in one line")
  func inherited() throws {
    let base = tiny("lambda: 0.5", "value_clip_range: 0.3")
    for (files, overrides) in [
      (
        ["base.yaml": base, "main.yaml": "extends: base.yaml\nppo: {\(Self.rloo)}"], [String]()
      ),
      (["main.yaml": base], ["ppo.algorithm=rloo", "ppo.samples_per_prompt=2"]),
    ] {
      let (scenario, notes) = try read(files, overrides: overrides)
      #expect(scenario.ppo.lambda == 0.95 && scenario.ppo.valueClipRange == 0.2)
      #expect(scenario.ppo.valueOptimizer.learningRate == 5e-4)
      #expect(notes.count == 1)
      for key in ["ppo.lambda", "ppo.value_clip_range", "ppo.value.learning_rate"] {
        #expect(notes.first?.contains("`\(key)`") == true, "\(notes)")
      }
      // As a run saves it, and as it is loaded again.
      let again = try SettingsDocument(yaml: scenario.resolvedYAML(), file: "scenario.yaml")
      let (read, leftOut) = try Scenario.resolve(again)
      #expect(read.node == scenario.node && leftOut.isEmpty)
    }
  }

  private static let rloo = "algorithm: rloo, samples_per_prompt: 2"

  @Test("a key that says what holds without it may stand anywhere")
  func defaults() throws {
    let (_, notes) = try read([
      "main.yaml": tiny("algorithm: rloo", "samples_per_prompt: 2", "lambda: 0.95")
        .replacing("  value: {learning_rate: 0.01}\n", with: "")
    ])
    #expect(notes.isEmpty)
  }

  @Test(
    "what a preset sets is never refused, and what it makes unused is, where it could be known")
  func recipes() throws {
    for file in [tiny("algorithm: rloo", "samples_per_prompt: 2", "preset: trl"), tinyScenario] {
      let (scenario, notes) = try read(
        ["main.yaml": file.replacing("  value: {learning_rate: 0.01}\n", with: "")],
        overrides: file == tinyScenario
          ? ["ppo.preset=trl", "ppo.algorithm=rloo", "ppo.samples_per_prompt=2"] : [])
      #expect(scenario.ppo.valueOptimizer.epsilon == 1e-5 && notes.isEmpty, "\(notes)")
    }
    // The file's rate of the value model is unused under the recipe's shared decoder.
    let error = try refusal(["main.yaml": tiny("preset: openai-2019")])
    #expect(error.path == "ppo.value.learning_rate")
    let (scenario, notes) = try read(
      ["main.yaml": tinyScenario], overrides: ["ppo.preset=openai-2019"])
    #expect(
      scenario.ppo.valueModel == .shared
        && scenario.ppo.valueOptimizer.epsilonPlacement == .corrected)
    #expect(notes.count == 1 && notes[0].contains("`ppo.value.learning_rate`"))
    #expect(!notes[0].contains("epsilon"))
  }

  @Test("a preset stands above what its file extends, and below what that file says")
  func extendedRecipe() throws {
    let (scenario, notes) = try read([
      "base.yaml": tiny("kl: {coefficient: 0.9}", "discount: 0.8"),
      "main.yaml": "extends: base.yaml\nppo: {preset: trl, discount: 0.7}",
    ])
    #expect(scenario.ppo.kl.coefficient == 0.05 && scenario.ppo.discount == 0.7 && notes.isEmpty)
    // The resolved file says both, and reads as it was written.
    let again = try Scenario.read(
      SettingsDocument(yaml: scenario.resolvedYAML(), file: "resolved.yaml"))
    #expect(again.node == scenario.node)
  }

  @Test("--set of a key that the command has no use for is said, a file's is not")
  func commands() throws {
    let scenario = try makeScenario(["world.prompt.maximum_response_words=8"])
    let overrides = ["ppo.lora.rank=4", "world.annotators[0].flip=0.3", "ppo.temperature=2"]
    func notes(_ command: ScenarioCommand) -> [String] {
      scenario.notes(leftOut: [], overrides: overrides, for: command)
    }
    #expect(notes(.demo).isEmpty)
    #expect(notes(.dpo) == ["`rlhf-sim dpo` has no use for `ppo.lora.rank`"])
    // It examines a reward model on new comparisons of the annotators, and trains none.
    #expect(notes(.ppo).isEmpty)
    #expect(
      scenario.notes(leftOut: [], overrides: ["reward.epochs=3"], for: .ppo)
        == ["`rlhf-sim ppo` has no use for `reward.epochs`"])
    #expect(
      notes(.bestOfN) == [
        "`rlhf-sim best-of-n` has no use for `ppo.lora.rank`, `world.annotators[0].flip`"
      ])
  }

  @Test(
    "what a command is said to have no use for changes nothing of what it does",
    arguments: [
      (RunInformation.Command.sft, "dpo.pairs=offline"), (.trainReward, "dpo.pairs=offline"),
      (.ppo, "dpo.pairs=offline"), (.dpo, "dpo.pairs=offline"), (.dpo, "dpo.pairs=on-policy"),
      (.bestOfN, "dpo.pairs=offline"),
    ])
  func unread(command: RunInformation.Command, pairs: String) throws {
    let name = try #require(ScenarioCommand(rawValue: command.rawValue))
    let scenario = try makeScenario([pairs])
    let unread = EveryKey.all.filter {
      // The choice of the pairs decides what is read, and the models are given.
      $0.given.isEmpty && !scenario.isRead($0.path, by: name) && $0.path != "dpo.pairs"
        && !$0.path.hasPrefix("world.annotators")
    }
    #expect(unread.count > 20)
    // All at once; some of them exclude others, which are left out.
    var assignments = [pairs]
    for key in unread where (try? makeScenario(assignments + [key.assignment])) != nil {
      assignments.append(key.assignment)
    }
    #expect(assignments.count > 15)
    #expect(try figures(of: command, [pairs]) == figures(of: command, assignments))
  }

  private static let models = Result {
    let loop = try makeLoop()
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let (reward, _) = try loop.trainReward(from: policy, training: training, heldOut: heldOut)
    return (policy: policy, reward: reward)
  }

  private func figures(
    of command: RunInformation.Command, _ assignments: [String]
  ) throws -> [String] {
    let (policy, reward) = try Self.models.get()
    let place = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: place) }
    let recording = Recording()
    let loop = try makeLoop(assignments, observer: recording)
    let run = try LoopRun(loop, in: RunDirectory.create(at: place, force: false))
    let summary =
      switch command {
      case .demo: try run.demo()
      case .sft: try run.sft()
      case .trainReward: try run.trainReward(base: policy)
      case .ppo: try run.ppo(policy, reward: reward)
      case .dpo: try run.dpo(policy, reward: reward)
      case .bestOfN: try run.bestOfN(policy, reward: reward)
      }
    return RunStage.allCases.flatMap { recording.metrics[$0] ?? [] } + ["\(summary)"]
  }
}
