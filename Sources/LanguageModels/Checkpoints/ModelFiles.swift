import Formats
package import Foundation
import Numerics
import Statistics

/// The ids that `config.json` carries so that `transformers` pads and stops where we do.
package struct SpecialTokens: Sendable, Equatable {
  package var endOfSequence: Int32
  package var padding: Int32?
  /// Other tokens that end a response, of models that have several.
  package var otherEnds: [Int32]

  package init(endOfSequence: Int32, padding: Int32?, otherEnds: [Int32] = []) {
    self.endOfSequence = endOfSequence
    self.padding = padding
    self.otherEnds = otherEnds
  }

  package func isEnd(_ token: Int32) -> Bool {
    token == endOfSequence || otherEnds.contains(token)
  }

  /// A response with its end, which is put behind it unless it is there already: what every reward
  /// and value model learns from and is asked about, and what SFT learns to say.
  package func ended(_ response: [Int32]) -> [Int32] {
    response.last.map(isEnd) == true ? response : response + [endOfSequence]
  }
}

/// Mean and standard deviation of a reward model's output on samples of the reference policy.
package struct RewardNormalization: Sendable, Equatable {
  package var mean: Double
  package var standardDeviation: Double

  package init(mean: Double = 0, standardDeviation: Double = 1) {
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// (r − mean) / std
  package func callAsFunction(_ reward: Double) -> Double {
    (reward - mean) / standardDeviation
  }
}

extension LanguageModel {
  /// Loads a directory in Hugging Face layout, or a PEFT adapter with its base model.
  package init(directory: URL) throws {
    let checkpoint = try Checkpoint(directory)
    let shape = try DecoderConfiguration(checkpoint.configuration)
    try checkpoint.requireHead(.language)
    let reader = ParameterReader(checkpoint, shape)
    _ = try LanguageModel(shape, from: checkpoint.origin, reader.check)
    let head = ParameterNames(shape).languageHead
    try reader.requireNothingElse { name in
      name.hasPrefix("v_head.") || (shape.tiedEmbeddings && name == head)
    }
    self = try LanguageModel(shape, from: checkpoint.origin, reader.load)
    try reader.requireTied(head, to: parameters.tensors[decoder.layout.tokenEmbedding])
  }
}

extension ScalarModel {
  /// Loads a reward or value model of a directory in Hugging Face layout, a policy with a value head (TRL,
  /// trlX), or a PEFT adapter that brings a head.
  ///
  /// - Parameter limit: of a checkpoint of more bytes, matrices whose numbers have 16 bits keep those, and
  ///   are widened whenever they are used: the model can be asked then, and neither trained nor saved. Nil
  ///   for none.
  package init(directory: URL, narrowingAbove limit: Int? = nil) throws {
    let checkpoint = try Checkpoint(directory)
    let file = checkpoint.configuration
    try checkpoint.requireHead(.scalar)
    if checkpoint.valueHead == nil, checkpoint.adapter == nil {
      // As in `transformers`, names of labels count them, and a model that says nothing has two.
      let names = file["id2label"].map { $0.object?.keys.count ?? 0 }
      let labels = try names ?? file.int("num_labels", default: 2)
      guard labels == 1 else {
        let says =
          names != nil ? "by `id2label`" : file["num_labels"] == nil ? "as it is absent" : ""
        throw file.failure(
          "num_labels",
          "is \(labels)\(says.isEmpty ? "" : " " + says), and a reward is one number: it must be 1; "
            + "give a reward model, not a classifier of \(labels) labels")
      }
    }
    let shape = try DecoderConfiguration(file)
    let reader = ParameterReader(checkpoint, shape)
    let origin = checkpoint.origin
    let valueHead = checkpoint.valueHead
    _ = try ScalarModel(shape, from: origin, valueHead: valueHead, reader.check)
    let head = ParameterNames(shape).languageHead
    try reader.requireNothingElse { name in
      name == head && (shape.tiedEmbeddings || checkpoint.adapter != nil)
    }
    guard let limit, checkpoint.tensors.byteCount > limit else {
      self = try ScalarModel(shape, from: origin, valueHead: valueHead, reader.load)
      return
    }
    var matrices: [NarrowTensor?] = []  // in the order of the parameters
    self = try ScalarModel(shape, from: origin, valueHead: valueHead) { name, extents, start in
      let tensor = try reader.load(name, extents, start)
      let matrix = extents.count == 2 && extents[0] > 1 ? NarrowTensor(tensor) : nil
      matrices.append(matrix)
      return matrix == nil ? tensor : Tensor(zeros: [0])
    }
    for (index, matrix) in matrices.enumerated() { parameters.narrow[index] = matrix }
  }

  /// What `reward_normalization` of a directory's `config.json` says; none when it is absent.
  package static func normalization(directory: URL) throws -> RewardNormalization? {
    let file = try ConfigurationFile(CheckpointFiles(directory).configuration)
    guard file["reward_normalization"] != nil else { return nil }
    let values = try file.nested("reward_normalization")
    let normalization = try RewardNormalization(
      mean: values.double("mean"), standardDeviation: values.double("std"))
    guard normalization.standardDeviation > 0 else {
      throw values.failure(
        "std",
        "is \(normalization.standardDeviation), and rewards are divided by it; write a "
          + "number above 0, or leave reward_normalization out")
    }
    return normalization
  }
}
