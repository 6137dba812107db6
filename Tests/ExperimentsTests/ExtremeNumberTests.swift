import LanguageModels
import Numerics
import RLHF
import RunRecords
import Settings
import Statistics
import Testing

@testable import Experiments

/// Whatever the numbers are, a stage ends with finite ones or says which is not.
@Suite("Extreme settings and weights")
struct ExtremeNumberTests {
  /// What the whole loop comes to, PPO and DPO.
  private enum End: Equatable {
    case finite
    /// By what the error names.
    case refused(String)
  }

  private func end(_ assignments: [String], scaling weights: Float = 1) throws -> End {
    do {
      let observer = Checking()
      let loop = try makeLoop(assignments, observer: observer)
      var policy = try loop.trainPolicy()
      for index in policy.parameters.tensors.indices {
        policy.parameters.tensors[index].multiply(by: weights)
      }
      let (training, heldOut, _) = try loop.comparePreferences(of: policy)
      let reward = try loop.trainReward(from: policy, training: training, heldOut: heldOut).model
      let tuned = try loop.optimize(policy, reward: reward).policy
      let direct = try loop.optimizeDirectly(policy, rows: training, reward: reward)
      for model in [policy, tuned, direct] {
        #expect(model.parameters.tensors.allSatisfy { $0.isFinite }, "\(assignments) \(weights)")
      }
      return .finite
    } catch let error as NonFiniteError {
      #expect("\(error)".contains("step \(error.step)") && !error.tensor.isEmpty)
      return .refused(error.tensor)
    } catch let error as SettingsError {
      return .refused(error.path)
    } catch let error as LoopError {
      return .refused("\(error)")
    }
  }

  /// As the records of a run do.
  private final class Checking: StageObserver {
    private let recorder = try? RunRecorder(
      directory: nil, terminal: Terminal(isInteractive: false, isQuiet: true))
    func begin(_ stage: RunStage, _ extent: StageExtent) throws {}
    func advance(_ stage: RunStage, to done: Int, metrics: StepMetrics?) throws {
      try recorder?.advance(stage, to: done, metrics: metrics)
    }
    func end(_ stage: RunStage) throws {}
    func note(_ text: String) {}
    func warn(_ warning: TrainingWarning) throws {}
  }

  @Test(
    "each ends in a finite result or in a named refusal",
    arguments: [
      ("ppo.policy.learning_rate=1e30", "ppo.policy.learning_rate"),
      ("ppo.policy.learning_rate=1e-30", nil), ("ppo.policy.learning_rate=1", nil),
      ("ppo.kl.coefficient=1e30", nil), ("ppo.kl.coefficient=1e-30", nil),
      ("dpo.beta=1e30", "gradient norm"), ("dpo.beta=1e-30", nil),
      ("ppo.temperature=1e30", nil), ("ppo.temperature=1e-30", "ppo.temperature"),
      ("ppo.entropy_bonus=1e30", "the gradient norm"), ("ppo.entropy_bonus=1e-30", nil),
      ("fine_tuning.optimizer.epsilon=1e-50", nil),
      // Rewards that are all equal.
      ("ppo.score_clip=1e-30", nil),
      // One token, one prompt.
      ("ppo.maximum_tokens=1", nil), ("world.prompt.words=[2,2]", nil),
    ] as [(String, String?)])
  func settings(assignment: String, refusal: String?) throws {
    let end = try end([assignment])
    if let refusal {
      guard case .refused(let name) = end else {
        Issue.record("\(assignment) must not end finitely")
        return
      }
      #expect(name.contains(refusal), "\(name)")
    } else {
      print("EXTREME", assignment, end)
    }
  }

  @Test("and so with weights of a model", arguments: [1e30, 1e-30] as [Float])
  func weights(_ scale: Float) throws {
    print("EXTREME weights", scale, try end([], scaling: scale))
  }
}
