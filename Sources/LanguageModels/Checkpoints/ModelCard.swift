import Formats
import Foundation

/// `README.md` of a checkpoint: what it is, where it comes from, how to load it.
struct ModelCard {
  let architecture: String
  let shape: DecoderConfiguration
  let parameterCount: Int
  let isScalar: Bool
  let baseModel: String?

  private static let baseKey = "base_model: "

  /// The name of the checkpoint that a directory's model was trained from: as its own card says, if this
  /// program wrote it, or that of the directory itself.
  static func baseModel(of directory: URL, _ configuration: ConfigurationFile) -> String? {
    let file = try? FileHandle(forReadingFrom: directory.appending(path: "README.md"))
    let start = file.flatMap { try? readPiece(of: $0, atMost: 1 << 16) } ?? Data()
    try? file?.close()
    if let card = String(data: start, encoding: .utf8), card.contains(Self.signature) {
      let line = card.split(separator: "\n").first { $0.hasPrefix(baseKey) }
      return line.flatMap { plain(String($0.dropFirst(baseKey.count))) }
    }
    let name = try? configuration.string("_name_or_path", default: "")
    if let name, !name.isEmpty, !name.hasPrefix("/"), !name.hasPrefix("."), plain(name) != nil {
      return name
    }
    return plain(directory.standardizedFileURL.lastPathComponent)
  }

  /// A name that can stand in a card and changes nothing else of it.
  private static func plain(_ name: String) -> String? {
    name.unicodeScalars.contains { $0 == "`" || $0.properties.generalCategory == .control }
      ? nil : name
  }

  private static var signature: String { "Trained with rlhf-sim" }

  /// The text; equal models have equal cards.
  var text: String {
    let header = """
      ---
      library_name: transformers
      tags: [rlhf]
      \(baseModel.map { "\(Self.baseKey)\($0)\n" } ?? "")---


      """
    let start = baseModel.map { "from `\($0)`" } ?? "from random weights"
    let kind =
      isScalar
      ? "a decoder with a scalar head: one number for a prompt and its response, read at the last "
        + "token (a reward model), or one for each token (a value model)"
      : "a decoder with a language head: a policy, or the reference of one"
    let automatic = isScalar ? "AutoModelForSequenceClassification" : "AutoModelForCausalLM"
    return header + """
      # \(architecture)

      This is \(kind). It has \(shape.layers) layers of width \(shape.width) and \(parameterCount) parameters.

      \(Self.signature) \(programVersion), \(start).

      ```python
      from transformers import AutoTokenizer, \(automatic)

      model = \(automatic).from_pretrained("DIRECTORY")
      tokenizer = AutoTokenizer.from_pretrained("DIRECTORY")
      ```

      """
  }
}
