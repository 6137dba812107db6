import Foundation
import RLHF
import RunRecords
import Settings
import Testing

@testable import Experiments

/// Plans of sweeps: their cells, what these share, and what is refused.
@Suite struct SweepPlanTests {
  /// Reads a plan beside the tiny scenario.
  private func cells(_ plan: String) throws -> (plan: SweepPlan, cells: [SweepCell]) {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(tinyScenario.utf8).write(to: folder.appending(path: "tiny.yaml"))
    let file = folder.appending(path: "plan.yaml")
    try Data(plan.utf8).write(to: file)
    return try SweepPlan.read(file)
  }

  private func refusal(_ plan: String) throws -> SettingsError {
    try #require(throws: SettingsError.self) { _ = try cells(plan) }
  }

  @Test("every combination of values with every seed is a cell, in the order of the plan")
  func combinations() throws {
    let (plan, cells) = try cells(
      """
      scenario: tiny.yaml
      set: { ppo: { kl: { coefficient: 0.3 } }, evaluation.responses: 24 }
      axes:
        reward.epochs: [1, 2]
        size: { small: { model.width: 8 }, large: { model.width: 32, model.layers: 3 } }
      seeds: 4-5
      """)
    #expect(plan.name == "plan" && cells.count == 8)
    let first = cells.prefix(4).map { "\($0.labels.joined(separator: " ")) \($0.seed)" }
    #expect(first == ["1 small 4", "1 small 5", "1 large 4", "1 large 5"])
    let last = try #require(cells.last)
    #expect(last.labels == ["2", "large"] && last.seed == 5)
    #expect(last.scenario.model.width == 32 && last.scenario.model.layers == 3)
    #expect(last.scenario.reward.epochs == 2 && last.scenario.evaluation.responses == 24)
    #expect(last.scenario.ppo.kl.coefficient == 0.3)
    // Beside a key that a section sets, the others stay.
    #expect(last.scenario.ppo.iterations == 3 && cells[0].scenario.model.layers == 2)
    #expect(Set(cells.map(\.name)).count == 8 && cells[0].name.hasPrefix("cells/1-small-seed4-"))
  }

  @Test("named settings change what `set` says for the cells of the others")
  func settingsOfSomeValues() throws {
    let (_, cells) = try cells(
      """
      scenario: tiny.yaml
      set: { reward.epochs: 3 }
      axes: { how: { plain: {}, short: { reward.epochs: 1 } } }
      """)
    #expect(cells.map(\.scenario.reward.epochs) == [3, 1])
  }

  @Test("a preset comes first, so that other settings change what it sets; run may be an axis")
  func presetsAndRuns() throws {
    let (_, presets) = try cells(
      """
      scenario: tiny.yaml
      set: { ppo.lambda: 0.5 }
      axes: { ppo.preset: [trl, instructgpt] }
      """)
    #expect(presets.map(\.scenario.ppo.lambda) == [0.5, 0.5] && presets.map(\.seed) == [1, 1])
    let (plan, runs) = try cells(
      """
      scenario: tiny.yaml
      axes: { method: { ppo: {}, grpo: { ppo.algorithm: grpo, ppo.samples_per_prompt: 4 }, dpo: { run: dpo, dpo.beta: 0.3 } } }
      """)
    #expect(runs.map(\.run) == [.demo, .demo, .dpo])
    #expect(runs.map(\.scenario.ppo.algorithm.rawValue) == ["ppo", "grpo", "ppo"])
    let tasks = SweepTasks(plan, runs)
    #expect(
      tasks.shared.map(\.stage) == [.reward]
        && tasks.cells.map(\.base) == tasks.cells.map { _ in tasks.shared[0].name })
  }

  @Test(
    "what is wrong with a plan is refused with its line, before anything runs",
    arguments: [
      ("scenaro: tiny.yaml", 1, "scenaro", "did you mean `scenario`"),
      ("scenario: tiny.yaml\naxes:\n  ppo.kl.coeficient: [1]", 3, "coeficient", "unknown key"),
      (
        "scenario: tiny.yaml\naxes:\n  ppo.kl.coefficient:\n    - 0.1\n    - -2", 5, "coefficient",
        "out of range"
      ),
      ("scenario: tiny.yaml\nset:\n  model.heads: 3", 3, "heads", "do not divide"),
      ("scenario: tiny.yaml\naxes:\n  reward.epochs: []", 3, "epochs", "needs values"),
      ("scenario: tiny.yaml\naxes:\n  reward.epochs: 3", 3, "epochs", "needs values"),
      ("scenario: tiny.yaml\naxes:\n  reward.epochs: [1, 1]", 3, "epochs", "twice"),
      (
        "scenario: tiny.yaml\naxes:\n  ppo.kl.coefficient: [0.1, 0.10]", 3, "coefficient",
        "same run"
      ),
      (
        "scenario: tiny.yaml\naxes:\n  reward.epochs: [1]\n  b: { x: { reward.epochs: 2 } }", 4,
        "epochs", "two axes"
      ),
      (
        "scenario: tiny.yaml\nrun: sft\naxes:\n  ppo.kl.coefficient: [0, 1]", 4, "coefficient",
        "does not read"
      ),
      (
        "scenario: tiny.yaml\nrun: pppo", 2, "run",
        "use one of demo, sft, dpo, train-reward, best-of-n"
      ),
      (
        "scenario: tiny.yaml\nset: { reward.epochs: 3 }\naxes: { reward.epochs: [1, 2] }", 2,
        "reward.epochs", "the axis `reward.epochs` sets this in every cell"
      ),
      (
        "scenario: tiny.yaml\nset: { \"world.annotators[1].flip\": 0.2 }\naxes:\n"
          + "  who: { a: { world.annotators: [{ name: a }] }, b: { world.annotators.1.flip: 0 } }",
        2, "flip", "the axis `who` sets this in every cell"
      ),
      (
        "scenario: tiny.yaml\naxes: { scenario: [tiny.yaml, exact] }", 1, "scenario",
        "the axis `scenario` sets this in every cell"
      ),
      (
        "scenario: tiny.yaml\nset:\n  reward.epochs: 3\n  reward: { epochs: 2 }", 4,
        "reward.epochs",
        "`reward.epochs` is set twice"
      ),
      (
        "scenario: tiny.yaml\naxes:\n  a:\n    x: { reward.epochs: 3, reward: { epochs: 2 } }", 4,
        "reward.epochs", "`reward.epochs` is set twice"
      ),
      (
        "scenario: tiny.yaml\naxes:\n  ppo.preset: [trl]\n  b: { x: { ppo.preset: trlx } }", 4,
        "ppo.preset", "two axes set `ppo.preset`"
      ),
      ("scenario: tiny.yaml\nseeds: 5-2", 2, "seeds", "no range"),
      ("scenario: tiny.yaml\nseeds: [1, 1]", 2, "seeds", "twice"),
      ("scenario: tiny.yaml\nseeds: [-1]", 2, "seeds", "no seed"),
      ("scenario: tiny.yaml\nseeds: 0-18446744073709551615", 2, "seeds", "than the 10000 cells"),
      ("scenario: tiny.yaml\nseeds: 1-100000000", 2, "seeds", "than the 10000 cells"),
      ("seeds: 1-2\nscenario: nosuch", 2, "scenario", "there is no such scenario: `nosuch`"),
      ("scenario: nosuch.yaml", 1, "scenario", "nosuch.yaml"),
      (
        "axes:\n  scenario:\n    - tiny.yaml\n    - nosuch", 4, "scenario", "no such scenario"
      ),
      ("seeds: 1-2\n", 1, "plan", "neither `scenario` nor `axes`"),
      ("scenario: tiny.yaml\naxes:\n  seed: [1, 2]", 3, "seed", "seeds are no axis"),
      (
        "scenario: tiny.yaml\naxes:\n  status: { a: { reward.epochs: 1 }, b: { reward.epochs: 2 } }",
        3, "status",
        "a column of its own"
      ),
      (
        "scenario: tiny.yaml\naxes:\n  step: { a: { reward.epochs: 1 }, b: { reward.epochs: 2 } }",
        3, "step", "a column of its own"
      ),
      (
        "scenario: tiny.yaml\nseeds: 1-9000\naxes: { reward.epochs: [1, 2] }", 3, "axes",
        "more than"
      ),
    ] as [(String, Int, String, String)])
  func refused(plan: String, line: Int, path: String, words: String) throws {
    let text = try refusal(plan).description
    #expect(text.contains("plan.yaml:\(line): "), "\(text)")
    #expect(text.contains(path) && text.contains(words), "\(text)")
  }

  @Test("a scenario that is not there is refused")
  func noScenario() throws {
    #expect(try refusal("scenario: nowhere").problem == "there is no such scenario: `nowhere`")
  }

  /// Keys that count as read by a stage before the one that looks at them.
  static let readEarly = [
    "preferences.rating_noise", "preferences.rounds", "reward.read", "reward.step_separator",
  ]

  @Test("a stage is shared by cells that agree in all that it reads, and by no others")
  func whatStagesRead() throws {
    let stages: [Part: SweepStage] = [.policy: .sft, .preferences: .preferences, .reward: .reward]
    func names(_ assignments: [String]) throws -> [String] {
      let cell = SweepCell(
        labels: [], seed: 1, run: .demo, scenario: try makeScenario(assignments))
      return SweepStage.allCases.map { $0.name(cell) }
    }
    for key in EveryKey.all {
      let (base, changed) = try (names(key.given), names(key.given + [key.assignment]))
      let first = zip(SweepStage.allCases, zip(base, changed)).first { $0.1.0 != $0.1.1 }?.0
      if Self.readEarly.contains(key.path) {
        #expect(first == .preferences)
      } else {
        let ofTrunk = key.path.hasPrefix("reward.model.")
        #expect(first == (ofTrunk ? .trunk : stages[key.part]), "\(key.assignment)")
      }
      // Whatever a stage reads, those after it depend on.
      let equal = zip(base, changed).map { $0 == $1 }
      #expect(equal == equal.sorted { $0 && !$1 }, "\(key.assignment)")
    }
  }

  @Test("shared stages are made where cells part, once")
  func sharing() throws {
    let (plan, cells) = try cells(
      """
      scenario: tiny.yaml
      axes: { reward.epochs: [1, 2], ppo.kl.coefficient: [0, 0.1] }
      seeds: 1-2
      """)
    let tasks = SweepTasks(plan, cells)
    // A seed has one SFT policy, one set of comparisons and two reward models: 4 stages instead of 12.
    #expect(tasks.stages == 8 && tasks.stagesAlone == 24)
    // Nothing parts between the SFT policy and the comparisons, which one process makes.
    #expect(
      tasks.shared.compactMap(\.stage) == [
        .preferences, .reward, .preferences, .reward, .reward, .reward,
      ])
    #expect(tasks.shared[0].base == nil && tasks.shared[1].base == tasks.shared[0].name)
    #expect(tasks.cells.allSatisfy { $0.base?.hasPrefix("shared/reward-") ?? false })
    // Alone, a cell makes all of its stages itself.
    let single = SweepTasks(plan, [cells[0]])
    #expect(single.shared.isEmpty && single.cells[0].base == nil)
    // The same names in every process, so that a sweep goes on.
    #expect(
      cells[0].name
        == "cells/\(cells[0].labels.joined(separator: "-"))-seed1-\(cells[0].digest.prefix(8))")
    #expect(
      SweepStage.digest(["a", "b"]) == SweepStage.digest(["a", "b"])
        && SweepStage.digest(["a"]) != SweepStage.digest(["b"]))
  }

  @Test("a trunk of the reward model's own is shared; of several rounds the SFT policy alone is")
  func trunksAndRounds() throws {
    let (plan, cells) = try cells(
      """
      scenario: tiny.yaml
      axes: { reward.model.width: [8, 12], reward.pairs_used: [40, 80] }
      """)
    let tasks = SweepTasks(plan, cells)
    #expect(tasks.shared.map(\.stage) == [.preferences, .trunk, .trunk])
    #expect(tasks.stages == 1 + 1 + 2 + 4 && tasks.stagesAlone == 16)
    let rounds = try self.cells(
      """
      scenario: tiny.yaml
      set: { preferences.rounds: 2 }
      axes: { ppo.kl.coefficient: [0, 1] }
      """)
    #expect(SweepTasks(rounds.plan, rounds.cells).shared.map(\.stage) == [.sft])
    // Where the corpus is chosen by gold, a policy that learns from it depends on gold.
    let chosen = try self.cells(
      """
      scenario: tiny.yaml
      set:
        world.prompt.rule: noun
        world.response.rule: text
        world.response.best_of: 2
      axes: { world.gold.1.weight: [-1, -2] }
      """)
    #expect(SweepTasks(chosen.plan, chosen.cells).shared.isEmpty)
  }

  @Test("the plan of 3 sizes, 3 amounts of data and 5 seeds has 45 cells and runs 70 of 180 stages")
  func goodhart() throws {
    let file = packageRoot.appending(path: "scenarios/plans/goodhart.yaml")
    let (plan, cells) = try SweepPlan.read(file)
    let tasks = SweepTasks(plan, cells)
    #expect(cells.count == 45 && tasks.stages == 70 && tasks.stagesAlone == 180)
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    #expect(lines.count <= 25)
  }

  @Test("a claim has one owner; of a dead owner it is taken over once")
  func claims() throws {
    let (plan, cells) = try cells("scenario: tiny.yaml")
    let place = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: place) }
    let sweep = try SweepDirectory(at: place, for: plan, cells)
    let task = sweep.tasks.cells[0]
    var board = SweepBoard(sweep, patience: 0.05)
    try board.refresh()
    #expect(board.state(task) == .ready && board.secondsLeft == nil)

    let claim = try #require(try SweepClaim.make(task.name, generation: 1, in: sweep))
    #expect(try SweepClaim.make(task.name, generation: 1, in: sweep) == nil)
    try board.refresh()
    #expect(board.state(task).name == "running" && board.claims.generation(task.name) == 1)
    claim.release()
    try board.refresh()
    #expect(board.state(task) == .ready)

    // Of another machine: it counts as dead when it has not been touched for a while.
    let file = place.appending(path: "claims/\(task.name.replacing("/", with: ".")).2")
    try Data("elsewhere 1\n".utf8).write(to: file)
    try board.refresh()
    #expect(board.state(task) == .running("elsewhere, process 1"))
    usleep(100_000)
    utimes(file.path, nil)
    try board.refresh()
    #expect(board.state(task).name == "running")
    usleep(100_000)
    try board.refresh()
    #expect(board.state(task) == .ready && board.claims.generation(task.name) == 2)

    // Of this machine: a process that is not there.
    let host = SweepClaim.Owner.this.host
    try Data("\(host) 2147483646\n".utf8).write(
      to: file.deletingPathExtension().appendingPathExtension("3"))
    try board.refresh()
    #expect(board.state(task) == .ready)
  }

  @Test("a sweep may grow; a plan without some of its cells is refused, and changes nothing")
  func otherPlan() throws {
    let place = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: place) }
    func begin(_ values: String, _ seeds: String, _ set: String = "{}") throws {
      let (plan, cells) = try cells(
        "scenario: tiny.yaml\nset: \(set)\naxes: { \(values) }\nseeds: \(seeds)")
      _ = try SweepDirectory(at: place, for: plan, cells)
    }
    try begin("reward.epochs: [1, 2]", "1-2")
    try begin("reward.epochs: [3, 1, 2]", "1-3")
    let file = place.appending(path: "sweep.json")
    let before = try Data(contentsOf: file)
    for (values, seeds, set) in [
      ("ppo.kl.coefficient: [1, 2]", "1-3", "{}"), ("reward.epochs: [1, 2]", "1-3", "{}"),
      ("reward.epochs: [3, 1, 2]", "2-3", "{}"),
      ("reward.epochs: [3, 1, 2]", "1-3", "{ ppo.iterations: 1 }"),
    ] {
      let error = try #require(throws: LoopError.self) { try begin(values, seeds, set) }
      #expect(
        "\(error)".contains("\(place.path) holds the sweep \"plan\" (reward.epochs; 9 cells)"),
        "\(error)")
      #expect("\(error)".contains("choose another --out"))
      #expect(try Data(contentsOf: file) == before)
    }
  }

  @Test("another directory than a sweep's is left alone")
  func taken() throws {
    let (plan, cells) = try cells("scenario: tiny.yaml")
    let place = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: place) }
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    try Data().write(to: place.appending(path: "mine.txt"))
    #expect(throws: LoopError.self) { try SweepDirectory(at: place, for: plan, cells) }
    #expect(throws: LoopError.self) { try SweepDirectory(opening: place) }
  }

  @Test(
    "a sweep.json that names a place outside the sweep is refused", arguments: ["../../", "/tmp/"])
  func outside(prefix: String) throws {
    let (plan, cells) = try cells("scenario: tiny.yaml")
    let place = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: place) }
    let name = try SweepDirectory(at: place, for: plan, cells).tasks.cells[0].name
    let file = place.appending(path: "sweep.json")
    let text = try String(contentsOf: file, encoding: .utf8)
    try Data(text.replacing("\"\(name)\"", with: "\"\(prefix)\(name)\"").utf8).write(to: file)
    let error = #expect(throws: LoopError.self) { try SweepDirectory(opening: place) }
    #expect("\(try #require(error))".contains("names \(prefix)\(name), which is not inside"))
  }
}
