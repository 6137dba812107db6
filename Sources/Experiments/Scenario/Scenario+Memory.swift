import Formats
import Foundation
import LanguageModels
import Numerics
import RLHF
import RunRecords
import Settings
import Statistics

extension Scenario {
  /// Something that a run holds in memory at one time.
  private struct Demand {
    /// The key that decides it, and the words for it.
    let key: [String]
    let what: String
    let bytes: Double
    let advice: String
  }

  /// Refuses sizes that no run can hold, before it takes hours to find out.
  ///
  /// The demands are lower bounds: what passes may still be slow.
  ///
  /// - Parameter memory: that the process may hold.
  func requireMemory(
    at location: SettingsLocation, of memory: MemoryLimit = .whole
  ) throws(SettingsError) {
    for demand in demands where demand.bytes > memory.bytes {
      let place = demand.key.reduce(location) { $0.key($1) }
      throw place.error(
        "\(demand.what) need \(MemoryError.gigabytes(demand.bytes)), and \(memory.reason) is "
          + MemoryError.gigabytes(memory.bytes), advice: demand.advice)
    }
  }

  private var demands: [Demand] {
    // Weights of four models, two moments of the two that learn, and one's gradients.
    let models = 9 * 4 * model.decoder(vocabularySize: 1).leastParameters
    let tokens = Double(ppo.maximumTokens)
    return [
      Demand(
        key: ["model"], what: "four models of this size with their optimizers", bytes: models,
        advice: "lower `width`, `feed_forward_width` or `layers`"),
      Demand(
        key: ["pretraining", "batch_size"], what: "the sequences of a step",
        bytes: sequences(pretraining.batchSize, of: 1), advice: "lower it"),
      Demand(
        key: ["fine_tuning", "batch_size"], what: "the sequences of a step",
        bytes: sequences(fineTuning.batchSize, of: 1), advice: "lower it"),
      Demand(
        key: ["preferences", "pairs"], what: "the responses of that many rows",
        bytes: sequences(preferences.pairs, of: 1) * Double(preferences.responses),
        advice: "lower it"),
      Demand(
        key: ["preferences", "held_out_pairs"], what: "the responses of that many pairs",
        bytes: 2 * sequences(preferences.heldOutPairs, of: 1), advice: "lower it"),
      Demand(
        key: ["ppo", "episodes"], what: "the episodes of an iteration",
        // Nine numbers of 8 bytes a token; see `Episode`.
        bytes: sequences(ppo.episodes, of: 72 * tokens), advice: "lower it, or `ppo.maximum_tokens`"
      ),
      Demand(
        key: ["evaluation", "responses"], what: "that many responses",
        bytes: sequences(evaluation.responses, of: 4), advice: "lower it"),
      Demand(
        key: ["evaluation", "normalization_responses"], what: "that many responses",
        bytes: sequences(evaluation.normalizationResponses, of: 4), advice: "lower it"),
    ]
  }

  /// Bytes of sequences: two arrays of tokens each, and what is held beside.
  private func sequences(_ count: Int, of bytes: Double) -> Double {
    Double(count) * (128 + bytes)
  }

}

/// A stage that would need more memory than the process may take.
struct MemoryError: EndingError, CustomStringConvertible {
  let stage: RunStage
  let needed: Double
  let left: MemoryLimit

  var exitStatus: ExitStatus { .failure }

  var description: String {
    "\(stage.rawValue) needs \(Self.gigabytes(needed)) more at least, and \(left.reason) leaves "
      + "\(Self.gigabytes(left.bytes)); end other programs, raise the limit, or take a smaller model"
  }

  static func gigabytes(_ bytes: Double) -> String {
    let amount = bytes / 1e9
    return (amount < 1e6 ? NumberText.plain(amount, 1) : NumberText.plainScientific(amount, 0))
      + " GB"
  }
}

extension AlignmentLoop {
  /// Refuses to begin a stage that cannot end, before it takes minutes to find out: training needs
  /// the gradients of what learns and two moments, and more for its activations.
  ///
  /// - Parameters:
  ///   - learning: the parameters of every model that learns.
  ///   - copies: models that are copied first.
  func requireMemory(
    for stage: RunStage, learning: [ParameterSet], copies: [ParameterSet] = []
  ) throws(MemoryError) {
    let trained = learning.flatMap { parameters in
      zip(parameters.tensors, parameters.isFrozen).filter { !$1 }.map { tensor, _ in tensor.count }
    }
    let copied = copies.map(\.byteCount).reduce(0, +)
    let needed = Double(3 * 4 * trained.reduce(0, +) + copied)
    // Asking takes some system calls; a toy needs no answer.
    guard needed > 1e8 else { return }
    let left = MemoryLimit.left
    if needed > left.bytes { throw MemoryError(stage: stage, needed: needed, left: left) }
  }
}

extension DecoderConfiguration {
  /// Weights of the matrices alone, which are nearly all; a Double, because products of sizes within
  /// their limits still overflow.
  fileprivate var leastParameters: Double {
    let width = Double(width)
    let attention = 2 * width * Double((heads + keyValueHeads) * headWidth)
    let feedForward = (family == .llama ? 3 : 2) * width * Double(feedForwardWidth)
    let embeddings = Double(vocabularySize) * width * (tiedEmbeddings ? 1 : 2)
    return Double(layers) * (attention + feedForward) + embeddings
  }
}
