import LanguageModels
import Numerics
import Statistics

extension Benchmark {
  /// No token of any vocabulary: responses then always reach their full length.
  static let noToken: Int32 = -1

  /// Batches of `Sampler`, each prompt another.
  func generation() throws -> Measurement {
    let inputs = RandomInputs(size)
    let model = try inputs.languageModel()
    let prompts = inputs.prompts(Amounts.episodes)
    var options = SamplingOptions()
    options.maximumTokens = Amounts.responseTokens
    let sampler = Sampler(options, endOfSequence: Self.noToken)
    let generator = SeededGenerator(seed: 1)
    var stopwatch = Stopwatch()
    for batch in 0..<repeats {
      let responses = try sampler.responses(
        from: model, to: prompts,
        generators: prompts.indices.map { generator.stream("response", batch, $0) },
        workers: workers)
      stopwatch.mark()
      precondition(
        responses.allSatisfy { $0.tokens.count == Amounts.responseTokens },
        "every response has its full length")
      stopwatch.skip()
    }
    return Measurement(seconds: stopwatch.seconds, modelBytes: model.parameters.byteCount)
  }

  /// Products of two square matrices, cut by rows as batches are cut: each thread does its part.
  func matrixProducts() throws -> Measurement {
    let width = Amounts.matrix
    var generator = SeededGenerator(seed: 1)
    let a = Tensor.gaussian([width, width], sd: 1, using: &generator)
    let b = Tensor.gaussian([width, width], sd: 1, using: &generator)
    let pieces = min(workers.count, width)
    var stopwatch = Stopwatch()
    for _ in 0..<repeats {
      let products = try workers.map(pieces) { piece in
        let rows = width * piece / pieces..<width * (piece + 1) / pieces
        return Tensor(uninitialized: [rows.count, width]) { c in
          a.read { a in
            b.read { b in
              multiply(
                MatrixOperand(a + rows.lowerBound * width, stride: width),
                MatrixOperand(b, stride: width), into: c, stride: width, rows: rows.count,
                columns: width, inner: width)
            }
          }
        }
      }
      stopwatch.mark()
      precondition(products.count == pieces, "every part is there")
      stopwatch.skip()
    }
    return Measurement(seconds: stopwatch.seconds)
  }
}
