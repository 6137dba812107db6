import Foundation
import LanguageModels
import Numerics
import Testing

/// A model and what PyTorch `transformers` computes with it; see `Fixtures/README.md`.
struct Fixture {
  let directory: URL
  let expected: TensorArchive

  init(_ name: String) throws {
    directory = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/\(name)")
    let integers: Set = ["tokens", "offsets", "pairs", "prompt_length"]
    expected = try Safetensors.read(directory.appending(path: "expected.safetensors")) { name in
      integers.contains(name.split(separator: "/").last.map(String.init) ?? name)
    }
  }

  var model: URL { directory.appending(path: "model") }

  func values(_ name: String) throws -> [Float] { try #require(expected[name], "\(name)").values }

  /// Sequences packed under `prefix`.
  func sequences(_ prefix: String = "") throws -> [[Int32]] {
    let tokens = try values(prefix + "tokens_f32").map(Int32.init)
    let offsets = try values(prefix + "offsets_f32").map { Int($0) }
    return zip(offsets, offsets.dropFirst()).map { Array(tokens[$0..<$1]) }
  }

  /// Compares a value per parameter, such as gradients, with tensors `PREFIX/hugging.face.name`.
  ///
  /// - Returns: the largest difference over a tensor's largest entry (at least 1e-3), and where.
  func largestDifference(
    _ model: some TransformerModel, tensors: [Tensor?], prefix: String
  ) throws -> (difference: Float, name: String) {
    var named = model
    named.parameters.tensors = zip(tensors, model.parameters.tensors).map {
      $0 ?? Tensor(zeros: $1.shape)
    }
    var worst: (difference: Float, name: String) = (0, "")
    var compared = 0
    for entry in named.exportedTensors {
      guard let reference = expected[prefix + entry.name] else { continue }
      compared += 1
      #expect(reference.shape == entry.tensor.shape, "\(entry.name)")
      let scale = max(1e-3, reference.values.map(abs).max() ?? 0)
      let difference = zip(reference.values, entry.tensor.values).map { abs($0 - $1) }.max() ?? 0
      if difference / scale > worst.difference { worst = (difference / scale, entry.name) }
    }
    let wanted = expected.names.count { $0.hasPrefix(prefix) }
    #expect(compared == wanted, "\(compared) of \(wanted) tensors under \(prefix) were compared")
    return worst
  }
}

func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
  a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
}
