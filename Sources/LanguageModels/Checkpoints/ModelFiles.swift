import Formats
package import Foundation
import Numerics
import Statistics

/// The ids that `config.json` carries so that `transformers` pads and stops where we do.
package struct SpecialTokens: Sendable, Equatable {
  package var endOfSequence: Int32
  package var padding: Int32?

  package init(endOfSequence: Int32, padding: Int32?) {
    self.endOfSequence = endOfSequence
    self.padding = padding
  }

  /// A response with its end, which is put behind it unless it is there already: what every reward
  /// and value model learns from and is asked about, and what SFT learns to say.
  package func ended(_ response: [Int32]) -> [Int32] {
    response.last == endOfSequence ? response : response + [endOfSequence]
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
  /// Loads `config.json` and the tensors of a directory in Hugging Face layout.
  package init(directory: URL) throws {
    let shape = try DecoderConfiguration(Self.configurationFile(of: directory, head: "language"))
    var generator = SeededGenerator(seed: 0)
    try self.init(shape, using: &generator)
    try parameters.read(from: directory, shape, optional: ["lm_head.weight"])
  }

  /// Writes `config.json` and `model.safetensors` into an existing directory.
  package func save(to directory: URL, specialTokens: SpecialTokens) throws {
    let name = configuration.family == .llama ? "LlamaForCausalLM" : "GPT2LMHeadModel"
    try ConfigurationFile.write(
      configuration.file(architecture: name, specialTokens), to: directory.configuration)
    try parameters.write(to: directory, configuration)
  }
}

extension ScalarModel {
  /// Loads a reward or value model of a directory in Hugging Face layout.
  package init(directory: URL) throws {
    let file = try Self.configurationFile(of: directory, head: "scalar")
    let labels = try file["id2label"].map { $0.object?.keys.count ?? 0 } ?? file.int("num_labels")
    guard labels == 1 else {
      throw file.failure("num_labels", "is \(labels), and a reward is one number; it must be 1")
    }
    let shape = try DecoderConfiguration(file)
    var generator = SeededGenerator(seed: 0)
    let trunk = try LanguageModel(shape, using: &generator)
    self.init(trunkOf: trunk, head: Tensor(zeros: [1, shape.width]))
    try parameters.read(from: directory, shape, optional: [])
  }

  /// What `reward_normalization` of a directory's `config.json` says; none when it is absent.
  package static func normalization(directory: URL) throws -> RewardNormalization? {
    let file = try ConfigurationFile(directory.configuration)
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

  /// Writes `config.json` and `model.safetensors` into an existing directory.
  package func save(
    to directory: URL, specialTokens: SpecialTokens, normalization: RewardNormalization? = nil
  ) throws {
    let family = configuration.family == .llama ? "Llama" : "GPT2"
    var members = configuration.file(
      architecture: family + "ForSequenceClassification", specialTokens)
    members.append(("num_labels", .int(1)))
    members.append(("id2label", .object(["0": .string("reward")])))
    members.append(("label2id", .object(["reward": .int(0)])))
    if let normalization {
      members.append(
        (
          "reward_normalization",
          .object([
            "mean": .double(normalization.mean), "std": .double(normalization.standardDeviation),
          ])
        ))
    }
    try ConfigurationFile.write(members, to: directory.configuration)
    try parameters.write(to: directory, configuration)
  }
}

extension TransformerModel {
  /// The configuration, if its architecture has the kind of head that is asked for.
  fileprivate static func configurationFile(
    of directory: URL, head: String
  ) throws -> ConfigurationFile {
    let file = try ConfigurationFile(directory.configuration)
    let names = file["architectures"] == nil ? [] : try file.strings("architectures")
    guard let name = names.first else { return file }
    let isScalar = name.hasSuffix("ForSequenceClassification")
    if isScalar != (head == "scalar") {
      throw file.failure(
        "architectures",
        "is \(name), which has no \(head) head; "
          + (isScalar
            ? "give the directory of a policy, such as checkpoints/sentiment/sft"
            : "give the directory of a reward model, such as checkpoints/sentiment/reward"))
    }
    return file
  }
}

extension DecoderConfiguration {
  fileprivate func file(
    architecture: String, _ tokens: SpecialTokens
  ) -> [(String, JSONValue)] {
    let end = JSONValue.int(Int(tokens.endOfSequence))
    return [("architectures", .array([.string(architecture)]))] + members + [
      ("bos_token_id", end), ("eos_token_id", end),
      ("pad_token_id", tokens.padding.map { .int(Int($0)) } ?? .null),
      ("dtype", .string("float32")),
    ]
  }
}

extension URL {
  fileprivate var configuration: URL { appending(path: "config.json") }
}
