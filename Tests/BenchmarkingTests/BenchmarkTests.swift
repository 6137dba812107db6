import Foundation
import LanguageModels
import Numerics
import Testing

@testable import Experiments

@Suite("Benchmarks")
struct BenchmarkTests {
  private static let rates: [BenchmarkWork: Set<String>] = [
    .reward: ["s_per_step", "pairs_per_s", "gflop_per_s"],
    .generate: ["s_per_batch", "tokens_per_s"], .ppo: ["s_per_iteration"], .gemm: ["gflop_per_s"],
  ]

  @Test("every kind of work ends with its figures, all above 0", arguments: BenchmarkWork.allCases)
  func figures(_ work: BenchmarkWork) throws {
    let result = try Benchmark(work, size: .toy, workers: Workers(count: 2), repeats: 1).run()
    #expect(Set(result.figures.keys) == Self.rates[work])
    #expect(result.figures.values.allSatisfy { $0 > 0 && $0.isFinite })
    #expect(result.peakBytes > 1 << 20)
    #expect(work == .gemm || result.modelBytes > 1 << 20)
    let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(result))
    let keys = try #require(object as? [String: Any]).keys
    #expect(
      Set(keys)
        == result.figures.keys.reduce(
          into: ["what", "size", "threads", "peak_bytes", "model_bytes"]
        ) { $0.insert($1) })
  }

  @Test("the shapes are the peers': GPT-2 blocks of known numbers of weights")
  func shapes() throws {
    // 12 D² + 13 D a layer, V + 128 embeddings, the last norm.
    for (size, layers, width, vocabulary) in [
      (BenchmarkSize.toy, 4, 128, 256), (.small, 6, 256, 1024),
    ] {
      let model = try RandomInputs(size).languageModel()
      #expect(
        model.parameters.byteCount / 4
          == layers * (12 * width * width + 13 * width) + (vocabulary + 128) * width + 2 * width)
    }
    #expect(BenchmarkSize.medium.shape.width == 768 && BenchmarkSize.medium.shape.layers == 12)
    for size in BenchmarkSize.allCases { try size.shape.validate() }
  }

  @Test("a step's arithmetic is counted as by hand")
  func arithmetic() {
    var shape = DecoderConfiguration()
    (shape.layers, shape.width, shape.feedForwardWidth) = (1, 1, 4)
    // 32 pairs of 16 + 2 · 32 tokens, 12 weights, 3 passes of 2 operations; and for the attention
    // 136 keys seen by the prompt and 1040 by each response, once for scores and once for values.
    let products = 32 * 80 * 12 + 2 * 32 * (136 + 2 * 1040)
    #expect(RewardArithmetic(shape).operations == Double(6 * products))
  }

  @Test("random inputs are of the peers' lengths, all different, and the same every time")
  func inputs() {
    let inputs = RandomInputs(.toy)
    let (prompts, responses) = (inputs.prompts(20), inputs.responses(20))
    #expect(prompts.allSatisfy { $0.count == 16 && $0.allSatisfy { (0..<256).contains($0) } })
    #expect(responses.allSatisfy { $0.count == 32 })
    #expect(Set(prompts).count == 20 && Set(responses).count == 20)
    #expect(RandomInputs(.toy).prompts(20) == prompts)
  }
}
