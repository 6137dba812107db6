import Formats
package import Foundation
import Numerics

extension LanguageModel {
  /// Writes `config.json`, `model.safetensors`, a model card, and what came with the checkpoint that it
  /// was loaded from, into an existing directory.
  package func save(
    to directory: URL, specialTokens: SpecialTokens, as type: StoredNumber = .float32
  ) throws {
    let name = configuration.family == .gpt2 ? "LMHeadModel" : "ForCausalLM"
    try write(
      configurationFile(
        architecture: configuration.family.name + name, specialTokens, type), to: directory,
      as: type)
  }
}

extension ScalarModel {
  /// Writes `config.json`, `model.safetensors`, a model card, and what came with the checkpoint that it
  /// was loaded from, into an existing directory.
  ///
  /// - Parameter isMember: whether it is a further member of an ensemble, whose tokenizer and other
  ///   files stand beside the first.
  package func save(
    to directory: URL, specialTokens: SpecialTokens, normalization: RewardNormalization? = nil,
    as type: StoredNumber = .float32, isMember: Bool = false
  ) throws {
    var file: JSONObject
    if hasValueHead {
      let name = configuration.family == .gpt2 ? "LMHeadModel" : "ForCausalLM"
      file = configurationFile(
        architecture: configuration.family.name + name, specialTokens, type)
    } else {
      file = configurationFile(
        architecture: configuration.family.name + "ForSequenceClassification", specialTokens, type)
      let wasClassifier = decoder.origin?.hasScalarHead ?? false
      if !wasClassifier || file["num_labels"] == nil && file["id2label"] == nil {
        file["num_labels"] = .int(1)
        file["id2label"] = .object(["0": .string("reward")])
        file["label2id"] = .object(["reward": .int(0)])
      }
      if !wasClassifier { file.requirePadding(unlike: decoder.origin?.endTokens, specialTokens) }
    }
    // What this model's own are; those of the one that it was loaded from may be another's.
    file["reward_ensemble"] = nil
    file["reward_normalization"] = normalization.map {
      .object(["mean": .double($0.mean), "std": .double($0.standardDeviation)])
    }
    try write(file, to: directory, as: type, carrying: !isMember)
  }
}

extension CheckpointOrigin {
  /// Whether it was a reward or value model.
  fileprivate var hasScalarHead: Bool {
    configuration["architectures"]?.array?.first?.string?
      .hasSuffix("ForSequenceClassification") ?? false
  }
}

extension JSONObject {
  /// `transformers` reads a reward at the last token that is not padding: padding must not be a token that
  /// ends responses.
  fileprivate mutating func requirePadding(unlike ends: [Int32]?, _ tokens: SpecialTokens) {
    guard let ends else { return }
    let own = self["pad_token_id"]?.int.flatMap { Int32(exactly: $0) }
    if let own, !ends.contains(own), own != tokens.endOfSequence { return }
    let other = tokens.padding.flatMap {
      ends.contains($0) || tokens.isEnd($0) ? nil : JSONValue.int(Int($0))
    }
    self["pad_token_id"] = other ?? .null
  }
}

extension TransformerModel {
  /// The members of `config.json`: those of the checkpoint that the model was loaded from, but for what
  /// this one is; without one, our own.
  fileprivate func configurationFile(
    architecture: String, _ tokens: SpecialTokens, _ type: StoredNumber
  ) -> JSONObject {
    guard var file = decoder.origin?.configuration else {
      let end = JSONValue.int(Int(tokens.endOfSequence))
      return JSONObject(
        [("architectures", .array([.string(architecture)]))] + configuration.members + [
          ("bos_token_id", end), ("eos_token_id", end),
          ("pad_token_id", tokens.padding.map { .int(Int($0)) } ?? .null),
          ("dtype", .string(type.rawValue)),
        ])
    }
    file["architectures"] = .array([.string(architecture)])
    // Older files say `torch_dtype`.
    let key = file["torch_dtype"] != nil && file["dtype"] == nil ? "torch_dtype" : "dtype"
    file[key] = .string(type.rawValue)
    return file
  }

  fileprivate func write(
    _ configuration: JSONObject, to directory: URL, as type: StoredNumber,
    carrying carriesFiles: Bool = true
  ) throws {
    for file in carriesFiles ? decoder.origin?.files ?? [] : [] {
      do throws(FileWritingError) {
        try writeFileAtomically(file.data, to: directory.appending(path: file.name))
      } catch { throw CheckpointError(error) }
    }
    try ConfigurationFile.write(
      configuration.members.map { ($0.key, $0.value) },
      to: directory.appending(path: "config.json"))
    try Safetensors.write(
      parameters.exported(self.configuration), as: type,
      to: directory.appending(path: "model.safetensors"))
    let card = ModelCard(
      architecture: configuration["architectures"]?.array?.first?.string ?? "",
      shape: self.configuration, parameterCount: parameters.elementCount,
      isScalar: self is ScalarModel, baseModel: decoder.origin?.baseModel)
    do throws(FileWritingError) {
      try writeFileAtomically(Data(card.text.utf8), to: directory.appending(path: "README.md"))
    } catch { throw CheckpointError(error) }
  }

  /// The parameters under their Hugging Face names, as a checkpoint holds them.
  package var exportedTensors: [NamedTensor] {
    parameters.exported(configuration).map { NamedTensor(name: $0.name, tensor: $0.tensor()) }
  }
}

extension ParameterSet {
  /// The parameters under their Hugging Face names, each put together when it is written.
  fileprivate func exported(_ shape: DecoderConfiguration) -> [TensorToWrite] {
    let table = ParameterNames(shape)
    return zip(names, tensors).flatMap { name, tensor in
      table.pieces(of: name, rows: tensor.rows).map { piece in
        var extents = [piece.rowCount] + tensor.shape.dropFirst()
        if piece.isTransposed { extents.reverse() }
        return TensorToWrite(name: piece.name, shape: extents) { tensor.rows(of: piece, extents) }
      }
    }
  }
}

extension Tensor {
  /// Some rows of a matrix, or their transpose.
  fileprivate func rows(of piece: ParameterNames.Piece, _ extents: [Int]) -> Tensor {
    if piece.rows == [0..<rows], !piece.isTransposed { return self }
    let (columns, width) = (columns, piece.rowCount)
    return Tensor(uninitialized: extents) { target in
      read { source in
        var next = 0
        for range in piece.rows {
          if piece.isTransposed {
            for row in range {
              for column in 0..<columns {
                target[column * width + next + row - range.lowerBound] =
                  source[row * columns + column]
              }
            }
          } else {
            (target + next * columns).update(
              from: source + range.lowerBound * columns, count: range.count * columns)
          }
          next += range.count
        }
      }
    }
  }
}
