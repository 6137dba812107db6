import Formats
package import Foundation
package import Statistics

/// The stages of a run in their order, each under the name that people are shown.
package enum RunStage: String, Sendable, CaseIterable {
  /// The policy on whole noisy texts; its metrics are the beginning of those of ``sft``.
  case pretraining
  /// The policy on clean responses to prompts.
  case sft = "fine-tuning"
  /// Annotators judge samples of the policy.
  case annotation
  /// The trunk of a reward model that has a size of its own, on the texts of fine-tuning.
  case rewardTrunk = "reward trunk"
  /// The reward model on preference pairs.
  case reward = "reward model"
  /// The policy against the reward model.
  case ppo = "PPO"
  /// The policy on comparisons, without a reward model.
  case dpo = "DPO"
  case evaluation
  case bestOfN = "best of n"
  case exactOptimum = "exact optimum"

  /// Those that train something and have metrics of their own.
  package static let trained: [RunStage] = [.sft, .reward, .ppo, .dpo]

  /// What its metrics and events are called; nil where nothing is trained.
  package var records: String? {
    switch self {
    case .pretraining, .sft: "sft"
    case .reward: "reward"
    case .ppo: "ppo"
    case .dpo: "dpo"
    case .annotation, .rewardTrunk, .evaluation, .bestOfN, .exactOptimum: nil
    }
  }

  /// The metrics that it records.
  package var metrics: [Metric] {
    switch self {
    case .pretraining, .sft: Metric.supervisedTuning
    case .reward: Metric.rewardModel
    case .ppo: Metric.policyOptimization + Metric.costs
    case .dpo: Metric.directPreference
    case .annotation, .rewardTrunk, .evaluation, .bestOfN, .exactOptimum: []
    }
  }
}

/// A checkpoint that a run directory may hold.
package enum RunCheckpoint: String, Sendable, CaseIterable {
  /// The supervised policy, with which everything else starts.
  case sft
  /// The fine-tuned decoder that a reward model of its own size starts from.
  case rewardTrunk = "reward-trunk"
  /// The reward model.
  case reward
  /// The policy after optimization.
  case policy = "ppo/policy"
  /// The value model after optimization.
  case value = "ppo/value"
  /// The frozen policy that the KL penalty is measured against.
  case reference
}

/// A set of preference rows.
package enum RunPreferences: String, Sendable, CaseIterable {
  /// The rows the reward model is trained on.
  case train
  /// The held-out rows.
  case eval
}

/// `state/stage.json`: how far the stage that was running had come.
package struct StageState: Codable, Sendable, Equatable {
  /// The stage's name.
  package var stage: String
  /// Its steps that are done, as its metrics count them.
  package var step: Int
  /// What the stage saves beside tensors, such as the coefficient of a controller.
  package var numbers: [String: Double]
  /// Of all of the above and the bytes of `tensors.safetensors`; nil in states of earlier versions.
  private var checksum: String?

  package init(stage: String, step: Int, numbers: [String: Double]) {
    self.stage = stage
    self.step = step
    self.numbers = numbers
  }

  /// The tensors that go with it.
  package static func tensors(in directory: URL) -> URL {
    directory.appendingPathComponent("tensors.safetensors")
  }

  private static func description(in directory: URL) -> URL {
    directory.appendingPathComponent("stage.json")
  }

  /// Writes the file into a run's `state/`, or what becomes it; the tensors are there already.
  ///
  /// - Throws: `unreadable`, `unwritable`, or `notFinite` for a number that is none.
  package func write(to directory: URL) throws(RunRecordsError) {
    var state = self
    state.checksum = try checksum(in: directory)
    try RecordJSON.write(state, to: Self.description(in: directory))
  }

  /// What a directory holds, if it holds a state.
  ///
  /// - Throws: `unreadable`, `malformed`, or `changed` when any byte is another than was written.
  package static func read(from directory: URL) throws(RunRecordsError) -> StageState? {
    let url = description(in: directory)
    guard AtomicFile.exists(url) else { return nil }
    let state = try RecordJSON.read(StageState.self, at: url)
    guard state.step >= 0 else {
      throw .malformed(path: url.path, line: nil, reason: "`step` is \(state.step), below 0")
    }
    guard try state.checksum == state.checksum(in: directory) else {
      throw .changed(
        path: directory.path, what: state.checksum == nil ? "has no checksum" : nil,
        advice: "remove the directory to begin the stage again")
    }
    return state
  }

  private func checksum(in directory: URL) throws(RunRecordsError) -> String {
    var bare = self
    bare.checksum = nil
    var checksum = Checksum()
    checksum.add(try RecordJSON.encode(bare, pretty: false, for: directory))
    try checksum.add(recordsOf: Self.tensors(in: directory))
    return checksum.text
  }
}

extension Checksum {
  /// - Throws: `unreadable`.
  mutating func add(recordsOf file: URL) throws(RunRecordsError) {
    do { try add(contentsOf: file) } catch {
      throw .unreadable(path: file.path, reason: FileWritingError.reason(of: error))
    }
  }
}
