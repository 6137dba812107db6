import Foundation
import RLHF
package import RunRecords

/// What one process does: a stage that several cells share, or a cell.
package struct SweepTask: Codable, Sendable, Equatable {
  /// The run directory below the sweep's.
  package let name: String
  /// The shared stage that it goes on from.
  let base: String?
  /// The file of its resolved scenario below the sweep's directory.
  package let scenario: String
  package let seed: UInt64
  /// Nil for a cell.
  let stage: SweepStage?
  let run: String
  /// Of a cell: the value of every axis.
  package let labels: [String]

  package var isCell: Bool { stage == nil }
  package var command: RunInformation.Command { .init(rawValue: run) ?? .demo }

  /// Runs what its base has not done yet.
  package func perform(_ run: LoopRun) throws -> EvaluationSummary {
    let policy = try run.trainPolicy()
    func reward() throws -> RewardModel {
      try run.trainReward(
        from: policy, preferences: run.comparePreferences(of: policy)
      ).0
    }
    if let stage {
      if stage == .reward {
        _ = try reward()
      } else if stage != .sft {
        _ = try run.comparePreferences(of: policy)
      }
      if stage == .trunk { _ = try run.rewardTrunk() }
      return EvaluationSummary()
    }
    let needsReward = run.loop.scenario.ppo.reward.needsRewardModel
    switch command {
    case .sft: return try run.sft()
    case .trainReward: return try run.trainReward(base: policy)
    case .dpo: return try run.dpo(policy, reward: needsReward ? reward() : nil)
    case .bestOfN: return try run.bestOfN(policy, reward: needsReward ? reward() : nil)
    case .demo, .ppo: return try run.demo()
    }
  }
}

/// The tasks of a sweep: `sweep.json`, from which every process and machine works.
package struct SweepTasks: Codable, Sendable, Equatable {
  package let plan: String
  package let axes: [String]
  /// Every stage before the cells that share it.
  package let shared: [SweepTask]
  package let cells: [SweepTask]
  /// How many stages the cells would run by themselves, and how many run now.
  package let stagesAlone: Int
  package let stages: Int

  package var all: [SweepTask] { shared + cells }

  private enum CodingKeys: String, CodingKey {
    case plan, axes, shared, cells, stages
    case stagesAlone = "stages_alone"
  }

  package init(_ plan: SweepPlan, _ cells: [SweepCell]) {
    self.plan = plan.name
    axes = plan.axes.all.map(\.name)
    // What follows each stage: a stage becomes a task of its own where two things do.
    var children: [String: Set<String>] = [:]
    let chains = cells.map { cell in
      cell.run.stages(of: cell.scenario).map { (stage: $0, name: $0.name(cell)) }
    }
    for (cell, chain) in zip(cells, chains) {
      for (index, link) in chain.enumerated() {
        let next = index + 1 < chain.count ? chain[index + 1].name : cell.name
        children[link.name, default: []].insert(next)
      }
    }
    var shared: [SweepTask] = []
    var names: Set<String> = []
    var tasks: [SweepTask] = []
    for (cell, chain) in zip(cells, chains) {
      let scenario = "scenarios/\(SweepStage.digest(cell.scenario.lines { _ in true })).yaml"
      var base: String?
      for link in chain where children[link.name].map({ $0.count > 1 }) ?? false {
        if names.insert(link.name).inserted {
          shared.append(
            SweepTask(
              name: link.name, base: base, scenario: scenario, seed: cell.seed, stage: link.stage,
              run: cell.run.rawValue, labels: []))
        }
        base = link.name
      }
      tasks.append(
        SweepTask(
          name: cell.name, base: base, scenario: scenario, seed: cell.seed, stage: nil,
          run: cell.run.rawValue, labels: cell.labels))
    }
    self.shared = shared
    self.cells = tasks
    stagesAlone = chains.reduce(0) { $0 + $1.count }
    stages = children.count
  }
}

extension SweepRun {
  /// The stages before the one that is its own.
  func stages(of scenario: Scenario) -> [SweepStage] {
    // With several rounds, comparisons and reward model depend on the policy as it is tuned.
    if self == .sft || scenario.preferences.rounds > 1 { return [.sft] }
    if self == .demo || self == .trainReward || scenario.ppo.reward.needsRewardModel {
      return SweepStage.allCases.filter { $0 != .trunk || scenario.rewardTrunk != nil }
    }
    return self == .dpo ? [.sft, .preferences] : [.sft]
  }
}
