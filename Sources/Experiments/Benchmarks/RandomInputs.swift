import LanguageModels
import Numerics
import Statistics

/// Models and texts without meaning: what is timed does not depend on it.
struct RandomInputs {
  let shape: DecoderConfiguration
  private let generator = SeededGenerator(seed: 1)

  init(_ size: BenchmarkSize) { shape = size.shape }

  func languageModel() throws -> LanguageModel {
    var stream = generator.stream("language model")
    return try LanguageModel(shape, using: &stream)
  }

  /// A scalar model with a trunk of its own.
  func scalarModel() throws -> ScalarModel {
    var stream = generator.stream("scalar model")
    let trunk = try LanguageModel(shape, using: &stream)
    return ScalarModel(
      trunkOf: trunk, head: ScalarModel.rewardHead(width: shape.width, using: &stream))
  }

  func prompts(_ count: Int) -> [[Int32]] {
    (0..<count).map { texts(Amounts.promptTokens, "prompt", $0) }
  }

  func responses(_ count: Int) -> [[Int32]] {
    (0..<count).map { texts(Amounts.responseTokens, "response", $0) }
  }

  private func texts(_ length: Int, _ name: String, _ index: Int) -> [Int32] {
    var stream = generator.stream(name, index)
    return (0..<length).map { _ in Int32(stream.index(below: shape.vocabularySize)) }
  }
}
