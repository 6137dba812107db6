import LanguageModels
import Numerics
import TestSupport
import Testing

@testable import RLHF

@Suite("A reward model computes what transformers computes")
struct RewardModelParityTests {
  static let names = ["llama-reward", "gpt2-reward"]

  private func exchanges(_ fixture: Fixture) throws -> [Exchange] {
    try fixture.sequences().map {
      Exchange(prompt: Array($0.prefix(1)), response: Array($0.dropFirst()))
    }
  }

  /// The mean Bradley–Terry loss of the fixture's pairs.
  private func loss(_ model: ScalarModel, _ fixture: Fixture, _ tape: Tape) throws -> Variable {
    let exchanges = try exchanges(fixture)
    let pairs = try fixture.values("pairs_f32").map { exchanges[Int($0)] }
    return tape.pairwiseLoss(
      model.rewards(pairs, on: tape), margins: [0, 0], centering: 0, weight: 0.5)
  }

  @Test("the scalar at the last token within 1e-4", arguments: names)
  func rewards(_ name: String) throws {
    let fixture = try Fixture(name)
    let model = try ScalarModel(directory: fixture.model)
    let rewards = model.rewards(try exchanges(fixture), on: Tape(recording: false))
    #expect(
      largestDifference(rewards.value.values, try fixture.values("rewards")) <= .trainingRounding)
  }

  @Test("loss and all parameter gradients within 1e-4, relative", arguments: names)
  func gradients(_ name: String) throws {
    let fixture = try Fixture(name)
    let model = try ScalarModel(directory: fixture.model)
    let tape = Tape(recording: true)
    let loss = try loss(model, fixture, tape)
    #expect(abs(loss.value[0] - (try fixture.values("loss")[0])) <= .trainingRounding)
    let gradients = tape.gradients(of: loss, parameterCount: model.parameters.count)
    let worst = try fixture.largestDifference(
      model, tensors: gradients.tensors, prefix: "gradient/")
    #expect(worst.difference <= .trainingRounding, "\(worst.name)")
  }

  @Test("a prompt computed once gives the gradients of two whole sequences", arguments: names)
  func sharedPrompt(_ name: String) throws {
    let fixture = try Fixture(name)
    let model = try ScalarModel(directory: fixture.model)
    let prompt = Int(try fixture.values("shared/prompt_length_f32")[0])
    let exchanges = try fixture.sequences("shared/").map {
      Exchange(prompt: Array($0.prefix(prompt)), response: Array($0.dropFirst(prompt)))
    }
    #expect(ResponseBatch(exchanges).packed.count == exchanges.reduce(-prompt) { $0 + $1.count })
    let tape = Tape(recording: true)
    let rewards = model.rewards(exchanges, on: tape)
    let difference = largestDifference(rewards.value.values, try fixture.values("shared/rewards"))
    #expect(difference <= .trainingRounding)
    let loss = tape.pairwiseLoss(rewards, margins: [0], centering: 0, weight: 1)
    let gradients = tape.gradients(of: loss, parameterCount: model.parameters.count)
    let worst = try fixture.largestDifference(
      model, tensors: gradients.tensors, prefix: "shared/gradient/")
    #expect(worst.difference <= .trainingRounding, "\(worst.name)")
  }

  @Test("ten AdamW losses within 1e-4", arguments: names)
  func training(_ name: String) throws {
    let fixture = try Fixture(name)
    var model = try ScalarModel(directory: fixture.model)
    var configuration = OptimizerConfiguration(
      learningRate: Double(try fixture.values("learning_rate")[0]))
    configuration.schedule = .constant
    configuration.weightDecay = 0.01
    var optimizer = Optimizer(
      configuration, for: model.parameters, stage: "parity", totalSteps: 10)
    var losses: [Float] = []
    for _ in 0..<10 {
      let tape = Tape(recording: true)
      let loss = try loss(model, fixture, tape)
      losses.append(loss.value[0])
      let gradients = tape.gradients(of: loss, parameterCount: model.parameters.count)
      _ = try optimizer.step(
        &model.parameters, gradients: gradients, loss: Double(loss.value[0]),
        workers: Workers(count: 1))
    }
    #expect(largestDifference(losses, try fixture.values("losses")) <= .trainingRounding)
    let worst = try fixture.largestDifference(
      model, tensors: model.parameters.tensors, prefix: "trained/")
    #expect(worst.difference <= .trainingRounding, "\(worst.name)")
  }
}
