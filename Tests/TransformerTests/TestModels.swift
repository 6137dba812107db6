import Foundation
import LanguageModels
import Numerics
import Statistics

/// Small models whose weights are large enough that every part of them shows in the logits.
enum TestModels {
  static let families = DecoderConfiguration.Family.allCases

  /// Every family, with grouped heads, biases, windows, and the like where it may have them; 19 tokens,
  /// 16 positions.
  static func configuration(
    _ family: DecoderConfiguration.Family, layers: Int = 2
  ) -> DecoderConfiguration {
    var configuration = DecoderConfiguration(family)
    configuration.vocabularySize = 19
    configuration.width = 12
    configuration.layers = layers
    configuration.heads = 3
    configuration.keyValueHeads = 3
    configuration.headWidth = 4
    configuration.feedForwardWidth = 20
    configuration.maximumPositions = 16
    if configuration.norm == .rms {
      configuration.heads = 4
      configuration.keyValueHeads = 2
    }
    switch family {
    case .llama, .smollm3:
      configuration.attentionBias = true
      configuration.attentionOutputBias = true
      configuration.feedForwardBias = true
    default: break
    }
    switch family {
    case .mistral: configuration.window = 3
    case .qwen2:
      configuration.window = 2
      configuration.unwindowedLayers = [0]
    case .smollm3: configuration.unrotatedLayers = [0]
    case .gptNeoX, .gptJ: configuration.rotatedWidth = 2
    case .opt:
      configuration.residual = .normAfter
      configuration.hasFinalNorm = false
      configuration.embeddingWidth = 8
    default: break
    }
    return configuration
  }

  static func language(
    _ family: DecoderConfiguration.Family, layers: Int = 2, deviation: Double = 0.4
  ) throws -> LanguageModel {
    var generator = SeededGenerator(seed: 1)
    var model = try LanguageModel(configuration(family, layers: layers), using: &generator)
    spread(&model.parameters, deviation: deviation)
    return model
  }

  static func scalar(_ family: DecoderConfiguration.Family) throws -> ScalarModel {
    var generator = SeededGenerator(seed: 2)
    let trunk = try language(family)
    return ScalarModel(
      trunkOf: trunk,
      head: .gaussian([1, trunk.configuration.headInputWidth], sd: 1, using: &generator))
  }

  /// Adds noise to every parameter: gains near 1, everything else near 0.
  private static func spread(_ parameters: inout ParameterSet, deviation: Double) {
    var generator = SeededGenerator(seed: 3)
    for index in parameters.tensors.indices {
      let shape = parameters.tensors[index].shape
      parameters.tensors[index].add(.gaussian(shape, sd: deviation, using: &generator))
    }
  }
}

/// The logits of every token of whole sequences, each computed alone and without a cache.
func uncachedLogits(_ model: LanguageModel, _ sequence: [Int32]) -> [[Float]] {
  let tape = Tape(recording: false)
  let hidden = model.hiddenStates(of: PackedBatch(sequences: [sequence]), on: tape)
  let logits = model.logits(hidden, on: tape).value
  return (0..<logits.rows).map { row in
    Array(logits.values[row * logits.columns..<(row + 1) * logits.columns])
  }
}

/// softmax(logits / T) in double precision.
func softmax(_ logits: [Float], temperature: Double = 1) -> [Double] {
  let scaled = logits.map { Double($0) / temperature }
  let largest = scaled.max() ?? 0
  let weights = scaled.map { exp($0 - largest) }
  let total = weights.reduce(0, +)
  return weights.map { $0 / total }
}

func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).map { abs($0 - $1) }.reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
}

/// A directory of one test, removed when the test is over.
final class TemporaryDirectory {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appending(path: "TransformerTests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}

func logarithm(_ x: Double) -> Double { log(x) }
