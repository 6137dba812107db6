import Formats
import Foundation
import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

/// A model of `Fixtures/architectures` under one variant of its `config.json`.
struct ArchitectureFixture: Sendable, CustomTestStringConvertible {
  let name: String
  let variant: String
  private let changes: JSONObject

  var testDescription: String { variant == "plain" ? name : "\(name), \(variant)" }

  private static let place = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures/architectures")

  static let all: [ArchitectureFixture] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
    return names.sorted().flatMap { name -> [ArchitectureFixture] in
      let file = place.appending(path: "\(name)/variants.json")
      guard let data = try? Data(contentsOf: file),
        let variants = try? JSONValue(parsing: data).object
      else { return [] }
      return variants.members.map {
        ArchitectureFixture(
          name: name, variant: $0.key, changes: $0.value.object ?? JSONObject())
      }
    }
  }()

  static let policies = all.filter { !$0.isReward }
  static let rewards = all.filter { $0.isReward || $0.hasValueHead }

  private var isReward: Bool { name.hasSuffix("-reward") }
  var hasValueHead: Bool { name.hasPrefix("value-head") }

  private var directory: URL { Self.place.appending(path: name) }

  /// The directory of the model, or a copy of it with the variant's `config.json`.
  func withModel<Output>(_ body: (URL) throws -> Output) throws -> Output {
    let model = directory.appending(path: "model")
    if changes.members.isEmpty { return try body(model) }
    let copy = FileManager.default.temporaryDirectory
      .appending(path: "ParityTests-\(UUID().uuidString)")
    try FileManager.default.copyItem(at: model, to: copy)
    defer { try? FileManager.default.removeItem(at: copy) }
    var configuration = try ConfigurationFile(copy.appending(path: "config.json")).object
    for change in changes.members { configuration[change.key] = change.value }
    try ConfigurationFile.write(
      configuration.members.map { ($0.key, $0.value) }, to: copy.appending(path: "config.json"))
    return try body(copy)
  }

  func expected() throws -> TensorArchive {
    try Safetensors.read(directory.appending(path: "expected.safetensors"))
  }

  func values(_ name: String, _ archive: TensorArchive) throws -> [Float] {
    try #require(archive["\(variant)/\(name)"], "\(name)").values
  }

  /// Whole sequences, as exchanges whose prompt is the first token.
  func exchanges(_ archive: TensorArchive) throws -> [Exchange] {
    let tokens = try #require(archive["tokens_f32"]).values.map(Int32.init)
    let offsets = try #require(archive["offsets_f32"]).values.map { Int($0) }
    return zip(offsets, offsets.dropFirst()).map { start, end in
      Exchange(prompt: [tokens[start]], response: Array(tokens[(start + 1)..<end]))
    }
  }

  /// The largest difference of a gradient from the fixture's, over a tensor's largest entry (at least
  /// 1e-3), and where; nil when the fixture has no gradients of this variant.
  func largestDifference(
    _ model: some TransformerModel, _ gradients: Gradients, _ archive: TensorArchive
  ) throws -> (difference: Float, name: String)? {
    let prefix = "\(variant)/gradient/"
    let wanted = Set(archive.names.filter { $0.hasPrefix(prefix) })
    guard !wanted.isEmpty else { return nil }
    var named = model
    named.parameters.tensors = zip(gradients.tensors, model.parameters.tensors).map {
      $0 ?? Tensor(zeros: $1.shape)
    }
    var worst: (difference: Float, name: String) = (0, "")
    let entries = named.exportedTensors
    // In memory `transformers` calls every language head so; files of Pythia have `embed_out`.
    func place(_ name: String) -> String {
      prefix + (name == "embed_out.weight" ? "lm_head.weight" : name)
    }
    #expect(wanted == Set(entries.map { place($0.name) }))
    for entry in entries {
      let truth = try #require(archive[place(entry.name)])
      #expect(truth.shape == entry.tensor.shape, "\(entry.name)")
      let scale = max(1e-3, truth.values.map(abs).max() ?? 0)
      let difference =
        ParityTests.largestDifference(truth.values, entry.tensor.values) / scale
      if !(difference <= worst.difference) { worst = (difference, entry.name) }
    }
    return worst
  }
}

@Suite("Every architecture computes what transformers computes")
struct ArchitectureParityTests {
  @Test("there are fixtures of all of them")
  func complete() {
    let names = Set(ArchitectureFixture.all.map(\.name))
    #expect(names.count >= 26)
    for family in DecoderConfiguration.Family.allCases {
      #expect(names.contains { $0.hasPrefix(family.rawValue) }, "\(family.rawValue)")
    }
  }

  @Test(
    "log-probabilities within 2e-4, loss and gradients within 1e-4",
    arguments: ArchitectureFixture.policies)
  func policy(_ fixture: ArchitectureFixture) throws {
    let archive = try fixture.expected()
    let model = try fixture.withModel(LanguageModel.init(directory:))
    let tape = Tape(recording: true)
    let logProbabilities = model.responseLogProbabilities(
      try fixture.exchanges(archive), temperature: 1, on: tape
    ).logProbabilities
    let truth = try fixture.values("logprobs", archive)
    #expect(largestDifference(logProbabilities.value.values, truth) <= 2e-4)
    let loss = tape.weightedSum(
      logProbabilities, weights: Tensor(repeating: -1 / Float(truth.count), shape: [truth.count]))
    let gradients = tape.gradients(of: loss, parameterCount: model.parameters.count)
    // Of a value head's fixture the gradients are those of its rewards.
    if !fixture.hasValueHead,
      let worst = try fixture.largestDifference(model, gradients, archive)
    {
      #expect(abs(loss.value[0] - (try fixture.values("loss", archive)[0])) <= .trainingRounding)
      #expect(worst.difference <= .trainingRounding, "\(worst.name)")
    }
  }

  @Test(
    "rewards within 2e-4, loss and gradients within 1e-4", arguments: ArchitectureFixture.rewards)
  func reward(_ fixture: ArchitectureFixture) throws {
    let archive = try fixture.expected()
    let model = try fixture.withModel { try ScalarModel(directory: $0) }
    let exchanges = try fixture.exchanges(archive)
    let rewards = model.rewards(exchanges, on: Tape(recording: false)).value.values
    #expect(largestDifference(rewards, try fixture.values("rewards", archive)) <= 2e-4)
    let tape = Tape(recording: true)
    let pairs = try #require(archive["pairs_f32"]).values.map { exchanges[Int($0)] }
    let loss = tape.pairwiseLoss(
      model.rewards(pairs, on: tape), margins: [0, 0], centering: 0, weight: 0.5)
    let gradients = tape.gradients(of: loss, parameterCount: model.parameters.count)
    if let worst = try fixture.largestDifference(model, gradients, archive) {
      #expect(abs(loss.value[0] - (try fixture.values("loss", archive)[0])) <= .trainingRounding)
      #expect(worst.difference <= .trainingRounding, "\(worst.name)")
    }
  }

  @Test(
    "value heads of TRL and trlX judge every token",
    arguments: ArchitectureFixture.all.filter(\.hasValueHead))
  func values(_ fixture: ArchitectureFixture) throws {
    let archive = try fixture.expected()
    let model = try fixture.withModel { try ScalarModel(directory: $0) }
    let values = model.values(try fixture.exchanges(archive), on: Tape(recording: false))
    #expect(
      largestDifference(values.value.values, try fixture.values("values", archive)) <= 2e-4)
  }

  @Test(
    "sampling with a cache gives the log-probabilities of whole sequences",
    arguments: ArchitectureFixture.policies)
  func cache(_ fixture: ArchitectureFixture) throws {
    let model = try fixture.withModel(LanguageModel.init(directory:))
    let prompts = try fixture.exchanges(fixture.expected()).map {
      $0.prompt + $0.response.prefix(3)
    }
    var options = SamplingOptions()
    options.maximumTokens = 20
    let responses = try Sampler(options, endOfSequence: 1).responses(
      from: model, to: prompts,
      generators: prompts.indices.map { SeededGenerator(seed: UInt64($0)) },
      workers: Workers(count: 1))
    for (prompt, response) in zip(prompts, responses) {
      let whole = model.responseLogProbabilities(
        [Exchange(prompt: prompt, response: response.tokens)], temperature: 1,
        on: Tape(recording: false)
      ).logProbabilities.value.values
      #expect(largestDifference(whole, response.logProbabilities) <= .trainingRounding)
    }
  }

  private let specialTokens = SpecialTokens(endOfSequence: 1, padding: 0)

  @Test(
    "what is loaded is saved with the same tensors, bit for bit, and the same keys",
    arguments: ArchitectureFixture.all)
  func roundTrip(_ fixture: ArchitectureFixture) throws {
    let saved = FileManager.default.temporaryDirectory
      .appending(path: "ParityTests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: saved, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: saved) }
    try fixture.withModel { place in
      let isReward = ArchitectureFixture.rewards.contains {
        $0.testDescription == fixture.testDescription
      }
      if isReward {
        try ScalarModel(directory: place).save(to: saved, specialTokens: specialTokens)
      } else {
        try LanguageModel(directory: place).save(to: saved, specialTokens: specialTokens)
      }
      let again = try Safetensors.readDirectory(saved)
      if !fixture.name.hasPrefix("adapter") {
        let original = try Safetensors.readDirectory(place)
        #expect(Set(again.names) == Set(original.names))
        for name in again.names {
          #expect(
            again[name]?.values.map(\.bitPattern) == original[name]?.values.map(\.bitPattern),
            "\(name)")
        }
        var before = try ConfigurationFile(place.appending(path: "config.json")).object
        var after = try ConfigurationFile(saved.appending(path: "config.json")).object
        #expect(after["dtype"] == .string("float32"))
        for key in ["dtype", "torch_dtype"] { (before[key], after[key]) = (nil, nil) }
        #expect(before == after)
      }
      let exported =
        isReward
        ? try ScalarModel(directory: saved).exportedTensors
        : try LanguageModel(directory: saved).exportedTensors
      #expect(exported.map(\.name) == again.names)
      for entry in exported {
        #expect(again[entry.name]?.values == entry.tensor.values, "\(entry.name)")
      }
    }
  }
}
