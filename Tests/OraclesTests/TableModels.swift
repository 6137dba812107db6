import Foundation
import LanguageModels
import Numerics
import Statistics

@testable import Oracles
@testable import RLHF

/// A decoder that is a table, so that production training runs on a tabular policy without a line
/// of its own.
///
/// Every token of its vocabulary names the whole prefix that it completes: from the token of a state
/// one can only go on to the tokens of its children. Embeddings are one-hot, both branches of the
/// only block write zeros, and all of that is frozen; so the hidden state at a token is that token's
/// unit vector, and a column of the language head is the row of logits of one state, free of all
/// others. A scalar head on the same trunk is one free value per state.
struct TableModels {
  let space: SequenceSpace

  /// Tokens: the states (0, the empty prefix, serves as the prompt), then the responses that were
  /// cut off, then the end.
  private let cutToken: [Int]
  let endOfSequence: Int32
  var prompt: [Int32] { [0] }
  private static let impossible: Float = -40  // exp(−40) = 4e-18

  init(_ space: SequenceSpace) {
    self.space = space
    var next = space.states.count
    cutToken = space.sequences.map { sequence in
      guard !sequence.isEnded else { return -1 }
      defer { next += 1 }
      return next
    }
    endOfSequence = Int32(next)
  }

  private func token(_ outcome: SequenceSpace.Outcome) -> Int {
    switch outcome {
    case .state(let state): state
    case .sequence(let sequence):
      space.sequences[sequence].isEnded ? Int(endOfSequence) : cutToken[sequence]
    }
  }

  private var shape: DecoderConfiguration {
    var shape = DecoderConfiguration()
    shape.vocabularySize = Int(endOfSequence) + 1
    (shape.width, shape.layers, shape.heads, shape.keyValueHeads) = (space.states.count, 1, 1, 1)
    (shape.headWidth, shape.feedForwardWidth) = (2, 1)
    shape.maximumPositions = space.maximumTokens + 3
    return shape
  }

  /// The policy as a language model whose head alone learns.
  func languageModel(_ policy: TabularPolicy) throws -> LanguageModel {
    var generator = SeededGenerator(seed: 0)
    var model = try LanguageModel(shape, using: &generator)
    let (width, vocabulary) = (shape.width, shape.vocabularySize)
    for (index, name) in model.parameters.names.enumerated() {
      model.parameters.isFrozen[index] = name != "language_head"
      var tensor = Tensor(zeros: model.parameters.tensors[index].shape)
      switch name {
      case "token_embedding": for state in 0..<width { tensor[state * width + state] = 1 }
      case "final_norm.gain":
        // Undoes the division by the root mean square of a unit vector.
        let size = Float((1 / Double(width) + shape.normEpsilon).squareRoot())
        tensor = Tensor(repeating: size, shape: [width])
      case "language_head":
        tensor = Tensor(repeating: Self.impossible, shape: [vocabulary, width])
        for (state, row) in policy.logProbabilities.enumerated() {
          for (action, outcome) in space.states[state].outcomes.enumerated() {
            tensor[token(outcome) * width + state] = Float(row[action])
          }
        }
      default: break
      }
      model.parameters.tensors[index] = tensor
    }
    return model
  }

  /// A value model with these values, whose head alone learns.
  func valueModel(_ values: [Double], on model: LanguageModel) -> ScalarModel {
    var value = ScalarModel(
      trunkOf: model, head: Tensor(values.map { Float($0) }, shape: [1, values.count]))
    value.parameters.isFrozen = value.parameters.names.map { $0 != "scalar_head" }
    return value
  }

  /// The table of a trained model.
  func policy(of model: LanguageModel) throws -> TabularPolicy {
    let width = shape.width
    let head = try head(model.parameters, "language_head").values
    return TabularPolicy(
      space,
      logits: space.states.indices.map { state in
        space.states[state].outcomes.map { Double(head[token($0) * width + state]) }
      })
  }

  /// Gradients of the language head as gradients of the table, `[states][V]`.
  func table(_ gradients: Gradients, of model: LanguageModel) throws -> [[Double]] {
    var model = model
    for index in model.parameters.tensors.indices {
      if let gradient = gradients.tensors[index] { model.parameters.tensors[index] = gradient }
    }
    let head = try head(model.parameters, "language_head").values
    return space.states.indices.map { state in
      space.states[state].outcomes.map { Double(head[token($0) * shape.width + state]) }
    }
  }

  private struct MissingHead: Error {}

  private func head(_ parameters: ParameterSet, _ name: String) throws -> Tensor {
    guard let index = parameters.names.firstIndex(of: name) else { throw MissingHead() }
    return parameters.tensors[index]
  }

  /// The response of a sequence.
  func exchange(_ sequence: Int) -> Exchange {
    let sequence = space.sequences[sequence]
    return Exchange(
      prompt: prompt,
      response: sequence.steps.map { Int32(token(space.states[$0.state].outcomes[$0.token])) })
  }

  /// Which sequence each response is.
  var sequences: [[Int32]: Int] {
    Dictionary(
      uniqueKeysWithValues: space.sequences.indices.map { (exchange($0).response, $0) })
  }

  /// A rollout whose scores are the rewards of an objective, β its coefficient.
  func rollout(
    _ configuration: PPOConfiguration, _ objective: RegularizedObjective
  ) throws -> Rollout {
    let sequences = sequences
    return Rollout(
      configuration: configuration, reference: try languageModel(objective.reference),
      endOfSequence: endOfSequence, workers: Workers(count: 2)
    ) { exchanges in
      exchanges.map { exchange in
        sequences[exchange.response].map { objective.rewards[$0] } ?? .nan
      }
    }
  }
}

/// PPO as the objective has it: β per token, raw rewards, no discount.
func configured(
  _ objective: RegularizedObjective, _ change: (inout PPOConfiguration) -> Void = { _ in }
) -> PPOConfiguration {
  var configuration = PPOConfiguration()
  configuration.kl.coefficient = objective.coefficient
  configuration.maximumTokens = objective.reference.space.maximumTokens
  configuration.missingEOS = .keep
  configuration.whitenAdvantages = false
  configuration.discount = 1
  change(&configuration)
  return configuration
}
