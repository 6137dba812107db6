import LanguageModels
import Numerics
import RunRecords
import Settings
import Testing

@testable import Experiments
@testable import RLHF

/// Every key under every choice that settings depend on: it changes the output, or it is refused; and
/// if it is refused as unused, then it has no effect. What optimizers have is in ``EveryKeyTests``.
@Suite struct UnusedSettingTests {
  private static let small = ["preferences.pairs=32", "evaluation.normalization_responses=16"]
  private static let policy = Result { try makeLoop().trainPolicy() }
  private static let judged = Result {
    let loop = try makeLoop()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy.get())
    let (reward, _) = try loop.trainReward(
      from: policy.get(), training: training, heldOut: heldOut)
    return (rows: training, reward: reward)
  }

  static let ofPPO: [[String]] =
    PolicyAlgorithm.allCases.map { algorithm in
      // Groups enough that the best response of one changes when little changes.
      ["ppo.algorithm=\(algorithm.rawValue)"]
        + (algorithm.usesGroups
          ? ["ppo.samples_per_prompt=4", "ppo.episodes=64"]
            + (algorithm.penalizesKL ? ["ppo.kl.coefficient=1"] : []) : [])
    } + [
      ["ppo.kl.controller=adaptive", "ppo.kl.horizon=20", "ppo.kl.estimator=exact"],
      ["ppo.missing_end=keep"], ["ppo.value_model=shared"], ["ppo.lora.rank=2"],
      ["ppo.reward.source=verifier"],
    ]

  @Test("of ppo", arguments: ofPPO)
  func ppo(setting: [String]) throws {
    let (policy, reward) = (try Self.policy.get(), try Self.judged.get().reward)
    try tryKeys(of: ["ppo"], under: setting) { loop in
      let (tuned, value, _) = try loop.optimize(policy, reward: reward)
      return [bits(tuned.parameters), bits(value.parameters)]
    }
  }

  static let ofReward: [[String]] =
    RewardObjective.allCases.map { objective in
      ["reward.objective=\(objective.rawValue)"]
        + (["pairwise", "pairwise-tokens", "regression", "binary"].contains(objective.rawValue)
          ? [] : ["preferences.responses=3"])
    } + EnsembleRule.allCases.map { ["reward.ensemble=2", "reward.combine=\($0.rawValue)"] }
    + [["reward.soft_labels=true"], ["reward.steps=3"], ["reward.model.width=8"]]

  @Test("of reward and preferences", arguments: ofReward)
  func reward(setting: [String]) throws {
    let policy = try Self.policy.get()
    try tryKeys(of: ["reward", "preferences"], under: setting) { loop in
      let (training, heldOut, _) = try loop.comparePreferences(of: policy)
      let (reward, report) = try loop.trainReward(
        from: policy, training: training, heldOut: heldOut)
      return reward.members.flatMap { [bits($0.model.parameters), "\($0.normalization)"] }
        + ["\(reward.combination.rule) \(report)"]
    }
  }

  static let ofDPO: [[String]] =
    DPOLoss.allCases.map { ["dpo.loss=\($0.rawValue)"] }
    + [["dpo.pairs=on-policy", "ppo.episodes=40"]]

  @Test("of dpo", arguments: ofDPO)
  func dpo(setting: [String]) throws {
    let (policy, judged) = (try Self.policy.get(), try Self.judged.get())
    try tryKeys(of: ["dpo"], under: setting) { loop in
      [
        bits(
          try loop.optimizeDirectly(policy, rows: judged.rows, reward: judged.reward).parameters)
      ]
    }
  }

  /// Settings that a key may contradict, though it has an effect beside others.
  private static let contradictory: Set = [
    "ppo.kl.placement", "ppo.samples_per_prompt", "preferences.responses", "reward.objective",
    "reward.slips", "reward.soft_labels",
  ]

  private func tryKeys(
    of sections: [String], under setting: [String], _ stage: (AlignmentLoop) throws -> [String]
  ) throws {
    func path(_ assignment: String) -> String { String(assignment.prefix { $0 != "=" }) }
    func isSet(_ assignment: String) -> Bool { setting.map(path).contains(path(assignment)) }
    var bases: [[String]: [String]] = [:]
    for key in EveryKey.all
    where sections.contains(where: key.path.hasPrefix) && !isSet(key.assignment)
      && !["ppo.policy.", "reward.optimizer.", "dpo.optimizer."].contains(where: key.path.hasPrefix)
    {
      let given =
        Self.small.filter { path($0) != key.path && !isSet($0) } + setting
        + key.given.filter { !isSet($0) }
      func base(_ scenario: () throws -> Scenario) throws -> [String] {
        if let base = bases[given] { return base }
        let base = try output(of: scenario(), stage)
        bases[given] = base
        return base
      }
      do {
        let changed = try output(of: makeScenario(given + [key.assignment]), stage)
        #expect(try changed != base { try makeScenario(given) }, "\(key.assignment): \(given)")
      } catch let error as SettingsError where error.problem.contains("unused") {
        #expect(!error.problem.contains("not there"), "\(error)")
        // Else the key makes the setting unused, which is tried the other way round.
        if isSet(error.path) { continue }
        #expect(
          try output(of: asWritten(given + [key.assignment]), stage)
            == base { try asWritten(given) }, "\(key.assignment) has an effect with \(given)")
      } catch let error as SettingsError {
        #expect(Self.contradictory.contains(error.path), "\(key.assignment): \(given): \(error)")
      }
    }
  }

  /// A scenario that has its unused settings.
  private func asWritten(_ assignments: [String]) throws -> Scenario {
    var document = try SettingsDocument(yaml: tinyScenario, file: "tiny.yaml")
    for assignment in assignments { try document.set(assignment) }
    return try document.read()
  }

  private func output(
    of scenario: Scenario, _ stage: (AlignmentLoop) throws -> [String]
  ) throws -> [String] {
    var scenario = scenario
    // Fewer than a scenario may ask for, as in `makeLoop`.
    if scenario.preferences.heldOutPairs == AlignmentLoop.enoughHeldOutPairs {
      scenario.preferences.heldOutPairs = 16
    }
    let recording = Recording()
    let loop = try AlignmentLoop(
      scenario, seed: 1, workers: Workers(count: 1), observer: recording)
    return try stage(loop) + RunStage.allCases.flatMap { recording.metrics[$0] ?? [] }
  }
}
