import Foundation
import LanguageModels
import Numerics

extension Microbenchmark {
  /// Text to tokens, with both tokenizers.
  static func tokenizers() throws -> [Microbenchmark] {
    let words = (0..<64).map { "word\($0)" }
    let text = (0..<1000).map { words[$0 * 37 % 64] }.joined(separator: " ")
    return [("words", Tokenizer.wordLevel(words: words)), ("bytes", Tokenizer.byteLevel())].map {
      name, tokenizer in
      Microbenchmark("tokenizer/\(name)", tokenizer.encode(text).count, .tokens) {
        _ = tokenizer.encode(text)
      }
    }
  }

  /// A model of 4 MB to a file and back.
  static func checkpoints() throws -> [Microbenchmark] {
    let tensors = (0..<16).map {
      NamedTensor(name: "layer.\($0)", tensor: Tensor(repeating: 1, shape: [256, 256]))
    }
    let bytes = tensors.reduce(0) { $0 + $1.tensor.byteCount }
    let file = FileManager.default.temporaryDirectory
      .appending(path: "microbenchmark-\(ProcessInfo.processInfo.processIdentifier).safetensors")
    return [
      Microbenchmark("safetensors/write and read", 2 * bytes, .bytes) {
        defer { try? FileManager.default.removeItem(at: file) }
        try Safetensors.write(tensors, to: file)
        _ = try Safetensors.read(file)
      }
    ]
  }
}
