import CKernels
import Foundation
import LanguageModels
import Numerics
import Statistics

extension Microbenchmark {
  private static func gaussian(_ shape: [Int]) -> Tensor {
    var generator = SeededGenerator(seed: 1).stream("microbenchmark")
    return Tensor.gaussian(shape, sd: 1, using: &generator)
  }

  static func productOfSquares(_ width: Int) -> Microbenchmark {
    let (a, b) = (gaussian([width, width]), gaussian([width, width]))
    return Microbenchmark("products/sgemm \(width)", 2 * width * width * width, .operations) {
      let tape = Tape(recording: false)
      _ = tape.linear(tape.constant(a), weight: tape.constant(b))
    }
  }

  /// Elementwise kernels at the toy's sizes; bytes count each array once.
  static var kernels: [Microbenchmark] {
    let (rows, width, vocabulary) = (512, 128, 256)
    let x = gaussian([rows, 4 * width])
    let (narrow, ones) = (gaussian([rows, width]), Tensor(repeating: 1, shape: [width]))
    let logits = gaussian([rows, vocabulary])
    let targets = (0..<rows).map { Int32($0 % vocabulary) }
    let packed = PackedMatrix(gaussian([4 * width, width]))
    let few = gaussian([32, width])
    return [
      Microbenchmark("kernels/gelu", 2 * x.byteCount, .bytes) {
        let tape = Tape(recording: false)
        _ = tape.activation(tape.constant(x), .tanhGELU)
      },
      Microbenchmark("kernels/layer norm", 2 * narrow.byteCount, .bytes) {
        let tape = Tape(recording: false)
        _ = tape.layerNorm(
          tape.constant(narrow), gain: tape.constant(ones), bias: tape.constant(ones),
          epsilon: 1e-5)
      },
      Microbenchmark("kernels/log-probabilities", logits.byteCount, .bytes) {
        let tape = Tape(recording: false)
        _ = tape.logProbabilities(tape.constant(logits), targets: targets, temperature: 1)
      },
      Microbenchmark("kernels/addition", 3 * x.byteCount, .bytes) { _ = x + x },
      Microbenchmark("products/packed, 32 rows", 2 * 32 * 4 * width * width, .operations) {
        _ = packed.product(few, bias: nil)
      },
      productOfSquares(1024),
    ]
  }

  /// Eight pairs of responses of 32 tokens to prompts of 16, four heads of 32, as in the toy.
  static var attention: [Microbenchmark] {
    var batch = PackedBatch()
    for _ in 0..<8 {
      let prompt = batch.append(Array(repeating: 0, count: 16))
      for _ in 0..<2 { batch.append(Array(repeating: 0, count: 32), after: prompt) }
    }
    let shape = AttentionShape(heads: 4, keyValueHeads: 4, width: 32)
    let rows = gaussian([batch.count, shape.rowWidth])
    let weights = gaussian([batch.count, 128])
    let seen = 8 * (16 * 17 / 2 + 2 * (32 * 16 + 32 * 33 / 2))
    let (width, length) = (32, 48)
    let (keys, values) = (gaussian([length, width]), gaussian([length, width]))
    let query = gaussian([width])
    return [
      Microbenchmark("attention/forward", 4 * 128 * seen, .operations) { [batch] in
        let tape = Tape(recording: false)
        _ = tape.attention(tape.constant(rows), shape, over: batch, rotary: nil)
      },
      Microbenchmark("attention/forward and backward", 12 * 128 * seen, .operations) { [batch] in
        let tape = Tape(recording: true)
        let leaf = tape.leaf(rows)
        let output = tape.attention(leaf, shape, over: batch, rotary: nil)
        _ = tape.gradients(of: tape.weightedSum(output, weights: weights), leaves: [leaf])
      },
      Microbenchmark("attention/one query over 48 cached", 4 * width * length, .operations) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: length + width) { memory in
          guard let scratch = memory.baseAddress else { return }
          query.read { query in
            keys.read { keys in
              values.read {
                vm_attend(
                  scratch + length, query, keys, $0, 0, length, width, 0.18, 0, scratch)
              }
            }
          }
        }
      },
    ]
  }

  /// What recording and playing back costs, with work in the operations and almost without.
  static var tape: [Microbenchmark] {
    let (rows, width) = (512, 128)
    let (x, weight) = (gaussian([rows, width]), gaussian([4 * width, width]))
    let weights = gaussian([rows, 4 * width])
    let (small, one) = (gaussian([4]), Tensor(repeating: 1, shape: [4]))
    let count = 1000
    return [
      Microbenchmark(
        "tape/linear, forward and backward", 6 * rows * width * 4 * width, .operations
      ) {
        let tape = Tape(recording: true)
        let leaves = [tape.leaf(x), tape.leaf(weight)]
        let output = tape.linear(leaves[0], weight: leaves[1])
        _ = tape.gradients(of: tape.weightedSum(output, weights: weights), leaves: leaves)
      },
      Microbenchmark("tape/additions of four numbers", count, .nodes) {
        let tape = Tape(recording: true)
        let leaf = tape.leaf(small)
        var sum = leaf
        for _ in 0..<count { sum = tape.add(sum, leaf) }
        _ = tape.gradients(of: tape.weightedSum(sum, weights: one), leaves: [leaf])
      },
    ]
  }

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
