import Foundation
import Numerics
import Statistics
import TestSupport
import Testing

@testable import LanguageModels

@Suite("A policy with adapters or a value head")
struct AdapterTests {
  let exchanges = [
    Exchange(prompt: [1, 2], response: [3, 4, 5]), Exchange(prompt: [6], response: [7, 8]),
  ]

  func logProbabilities(_ model: LanguageModel, recording: Bool = false) -> [Float] {
    model.responseLogProbabilities(
      exchanges, temperature: 0.8, on: Tape(recording: recording)
    ).logProbabilities.value.values
  }

  func adapted(
    _ family: DecoderConfiguration.Family, targets: [AdapterTarget] = AdapterTarget.allCases,
    moved: Bool = true
  ) throws -> LanguageModel {
    var model = try TestModels.language(family)
    var generator = SeededGenerator(seed: 5)
    model.addAdapters(rank: 3, scale: 0.7, targets: targets, using: &generator)
    for (index, name) in model.parameters.names.enumerated() where moved && name.hasSuffix("_b") {
      let shape = model.parameters.tensors[index].shape
      model.parameters.tensors[index] = .gaussian(shape, sd: 0.5, using: &generator)
    }
    return model
  }

  @Test("new adapters change nothing, by a bit", arguments: TestModels.families)
  func fresh(family: DecoderConfiguration.Family) throws {
    let model = try adapted(family, moved: false)
    let base = try TestModels.language(family)
    #expect(logProbabilities(model) == logProbabilities(base))
    #expect(model.plain.parameters.tensors.map(\.values) == base.parameters.tensors.map(\.values))
  }

  @Test(
    "merged, sampled, scored and trained, the policy is the same", arguments: TestModels.families)
  func merged(family: DecoderConfiguration.Family) throws {
    let model = try adapted(family)
    let plain = model.plain
    #expect(plain.parameters.names == (try TestModels.language(family)).parameters.names)
    #expect(!plain.parameters.isFrozen.contains(true))
    let expected = logProbabilities(plain)
    #expect(largestDifference(logProbabilities(try TestModels.language(family)), expected) > 0.1)
    #expect(largestDifference(logProbabilities(model), expected) < .decoderRounding)
    #expect(
      largestDifference(logProbabilities(model, recording: true), expected) < .decoderRounding)
    var options = SamplingOptions()
    options.maximumTokens = 4
    let sampler = Sampler(options, endOfSequence: 0)
    func samples(_ model: LanguageModel) throws -> [SampledResponse] {
      try sampler.responses(
        from: model, to: [[1, 2], [3]], generators: [.init(seed: 1), .init(seed: 2)],
        workers: Workers(count: 1))
    }
    let (ours, theirs) = (try samples(model), try samples(plain))
    #expect(ours.map(\.tokens) == theirs.map(\.tokens))
    #expect(
      largestDifference(
        ours.flatMap(\.logProbabilities), theirs.flatMap(\.logProbabilities)) < .decoderRounding)
  }

  @Test("only adapters have gradients, and only the targets have adapters")
  func gradients() throws {
    let model = try adapted(.llama, targets: [.feedForwardOutput, .languageHead, .attentionOutput])
    let tape = Tape(recording: true)
    let logs = model.responseLogProbabilities(exchanges, temperature: 1, on: tape).logProbabilities
    let loss = tape.weightedSum(logs, weights: Tensor(repeating: 1, shape: logs.value.shape))
    let gradients = tape.gradients(of: loss, parameterCount: model.parameters.count).tensors
    let learning = zip(model.parameters.names, gradients).filter { $0.1 != nil }.map(\.0)
    let outputs = ["0.attention", "0.feed_forward", "1.attention", "1.feed_forward"]
    let adapted = outputs.map { "layers.\($0)_output.weight" } + ["language_head"]
    #expect(learning == adapted.flatMap { ["\($0).lora_a", "\($0).lora_b"] })
  }

  @Test("bytes are counted apart from those that another set shares")
  func memory() throws {
    let base = try TestModels.language(.llama)
    var model = base
    var generator = SeededGenerator(seed: 5)
    model.addAdapters(rank: 3, scale: 1, targets: [.attentionOutput], using: &generator)
    let adapters = model.parameters.tensors.dropFirst(base.parameters.count)
    #expect(adapters.map(\.count).reduce(0, +) == 168)  // 2 · 3 · (12 + 16)
    let own = adapters.map(\.allocatedBytes).reduce(0, +)
    #expect(model.parameters.allocatedBytes(apartFrom: base.parameters) == own)
    #expect(model.parameters.allocatedBytes() == own + base.parameters.allocatedBytes())
    model.parameters.tensors[0][0] += 1
    #expect(
      model.parameters.allocatedBytes(apartFrom: base.parameters)
        == own + base.parameters.tensors[0].allocatedBytes)
  }

  @Test(
    "a value head reads the policy's own states, and is left out of the plain policy",
    arguments: TestModels.families)
  func valueHead(family: DecoderConfiguration.Family) throws {
    var model = try adapted(family)
    var generator = SeededGenerator(seed: 6)
    #expect(model.valueModel.map { _ in 1 } == nil)
    model.addValueHead(
      .gaussian([1, model.configuration.headInputWidth], sd: 1, using: &generator))
    let tape = Tape(recording: true)
    let values = try #require(
      model.responseOutputs(exchanges, temperature: 1, on: tape).values)
    let apart = try #require(model.valueModel)
    #expect(
      largestDifference(
        apart.values(exchanges, on: Tape(recording: false)).value.values, values.value.values)
        < .decoderRounding)
    let loss = tape.weightedSum(values, weights: Tensor(repeating: 1, shape: values.value.shape))
    let gradients = tape.gradients(of: loss, parameterCount: model.parameters.count).tensors
    let learning = zip(model.parameters.names, gradients).filter { $0.1 != nil }.map(\.0)
    #expect(learning.contains("scalar_head") && !learning.contains("language_head"))

    let directory = FileManager.default.temporaryDirectory
      .appending(path: "rlhf-sim-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let tokens = SpecialTokens(endOfSequence: 0, padding: nil)
    try model.plain.save(to: directory, specialTokens: tokens)
    #expect(
      logProbabilities(try LanguageModel(directory: directory)) == logProbabilities(model.plain))
    try apart.save(to: directory, specialTokens: tokens)
    let loaded = try ScalarModel(directory: directory)
    #expect(
      loaded.values(exchanges, on: Tape(recording: false)).value.values
        == apart.values(exchanges, on: Tape(recording: false)).value.values)
  }
}
