import LanguageModels
import Numerics
import TestSupport
import Testing

@testable import RLHF

@Suite("A policy computes what transformers computes")
struct LanguageModelParityTests {
  static let names = ["llama", "llama-bias-tied", "gpt2"]

  /// All predicted positions of whole sequences, as exchanges whose prompt is the first token.
  private func exchanges(_ fixture: Fixture) throws -> [Exchange] {
    try fixture.sequences().map {
      Exchange(prompt: Array($0.prefix(1)), response: Array($0.dropFirst()))
    }
  }

  private func loss(_ model: LanguageModel, _ exchanges: [Exchange], _ tape: Tape) -> Variable {
    let logProbabilities = model.responseLogProbabilities(exchanges, temperature: 1, on: tape)
      .logProbabilities
    let count = logProbabilities.value.count
    return tape.weightedSum(
      logProbabilities, weights: Tensor(repeating: -1 / Float(count), shape: [count]))
  }

  @Test("logits within 1e-4", arguments: names)
  func logits(_ name: String) throws {
    let fixture = try Fixture(name)
    let model = try LanguageModel(directory: fixture.model)
    let tape = Tape(recording: false)
    let hidden = model.hiddenStates(
      of: PackedBatch(sequences: try fixture.sequences()), on: tape)
    let difference = largestDifference(
      model.logits(hidden, on: tape).value.values, try fixture.values("logits"))
    #expect(difference <= .trainingRounding)
  }

  @Test("loss and all parameter gradients within 1e-4, relative", arguments: names)
  func gradients(_ name: String) throws {
    let fixture = try Fixture(name)
    let model = try LanguageModel(directory: fixture.model)
    let tape = Tape(recording: true)
    let loss = loss(model, try exchanges(fixture), tape)
    #expect(abs(loss.value[0] - (try fixture.values("loss")[0])) <= .trainingRounding)
    let gradients = tape.gradients(of: loss, parameterCount: model.parameters.count)
    let worst = try fixture.largestDifference(
      model, tensors: gradients.tensors, prefix: "gradient/")
    #expect(worst.difference <= .trainingRounding, "\(worst.name)")
  }

  @Test("ten AdamW losses within 1e-4", arguments: names)
  func training(_ name: String) throws {
    let fixture = try Fixture(name)
    var model = try LanguageModel(directory: fixture.model)
    let exchanges = try exchanges(fixture)
    var configuration = OptimizerConfiguration(
      learningRate: Double(try fixture.values("learning_rate")[0]))
    configuration.schedule = .constant
    configuration.weightDecay = 0.01
    var optimizer = Optimizer(
      configuration, for: model.parameters, stage: "parity", totalSteps: 10)
    var losses: [Float] = []
    for _ in 0..<10 {
      let tape = Tape(recording: true)
      let loss = loss(model, exchanges, tape)
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

  @Test("a saved model has the tensors of the original, bit for bit", arguments: names)
  func roundTrip(_ name: String) throws {
    let fixture = try Fixture(name)
    let model = try LanguageModel(directory: fixture.model)
    let original = try Safetensors.readDirectory(fixture.model)
    let exported = model.exportedTensors
    #expect(Set(exported.map(\.name)) == Set(original.names))
    for entry in exported {
      #expect(original[entry.name]?.values == entry.tensor.values, "\(entry.name)")
    }
  }
}
