import Numerics
import Statistics

/// Where the decoder's parameters are in its `ParameterSet`.
///
/// Products that share an input are one matrix: queries, keys and values; gate and up.
struct DecoderLayout: Sendable {
  struct Linear: Sendable {
    let weight: Int  // [O, I]
    let bias: Int?  // [O]
  }

  struct Norm: Sendable {
    let gain: Int  // [D]
    let bias: Int?  // [D]; layer norm only
  }

  struct Layer: Sendable {
    let attentionNorm: Norm
    let queryKeyValue: Linear  // [(H + 2 Hkv) d, D]
    let attentionOutput: Linear  // [D, H d]
    let feedForwardNorm: Norm
    let feedForwardInput: Linear  // [2F, D] gate over up, or [F, D]
    let feedForwardOutput: Linear  // [D, F]

    /// Its matrices.
    var weights: [Int] {
      [queryKeyValue, attentionOutput, feedForwardInput, feedForwardOutput].map(\.weight)
    }

    /// All parameters of the layer, for freezing.
    var indices: [Int] {
      let norms = [attentionNorm, feedForwardNorm].flatMap {
        [$0.gain, $0.bias].compactMap(\.self)
      }
      let linears = [queryKeyValue, attentionOutput, feedForwardInput, feedForwardOutput]
      return norms + linears.flatMap { [$0.weight, $0.bias].compactMap(\.self) }
    }
  }

  let tokenEmbedding: Int  // [V, D]
  let positionEmbedding: Int?  // [positions, D]; GPT-2 only
  let layers: [Layer]
  let finalNorm: Norm

  /// The last parameter of the decoder; a head's come after it.
  var lastIndex: Int { finalNorm.bias ?? finalNorm.gain }

  /// Weights N(0, 0.02²), those that write into the residual stream divided by √(2 · layers)
  /// (Radford et al. 2019), biases 0, gains 1.
  init(
    _ shape: DecoderConfiguration, appendingTo parameters: inout ParameterSet,
    using generator: inout SeededGenerator
  ) {
    let deviation = 0.02
    let residualDeviation = deviation / Double(2 * shape.layers).squareRoot()
    let isGPT2 = shape.family == .gpt2

    func weight(_ name: String, _ extents: [Int], _ deviation: Double = 0.02) -> Int {
      parameters.append(
        name, Tensor.gaussian(extents, sd: deviation, using: &generator))
    }
    func linear(
      _ name: String, _ outputs: Int, _ inputs: Int, bias: Bool, deviation: Double
    ) -> Linear {
      Linear(
        weight: weight(name + ".weight", [outputs, inputs], deviation),
        bias: bias ? parameters.append(name + ".bias", Tensor(zeros: [outputs])) : nil)
    }
    func norm(_ name: String) -> Norm {
      Norm(
        gain: parameters.append(name + ".gain", Tensor(repeating: 1, shape: [shape.width])),
        bias: isGPT2 ? parameters.append(name + ".bias", Tensor(zeros: [shape.width])) : nil)
    }

    tokenEmbedding = weight("token_embedding", [shape.vocabularySize, shape.width])
    positionEmbedding =
      isGPT2 ? weight("position_embedding", [shape.maximumPositions, shape.width]) : nil
    let attention = shape.attention
    let attentionBias = shape.attentionBias || isGPT2
    let feedForwardBias = shape.feedForwardBias || isGPT2
    layers = (0..<shape.layers).map { index in
      let name = "layers.\(index)"
      return Layer(
        attentionNorm: norm(name + ".attention_norm"),
        queryKeyValue: linear(
          name + ".query_key_value", attention.rowWidth, shape.width, bias: attentionBias,
          deviation: deviation),
        attentionOutput: linear(
          name + ".attention_output", shape.width, attention.queryWidth, bias: attentionBias,
          deviation: residualDeviation),
        feedForwardNorm: norm(name + ".feed_forward_norm"),
        feedForwardInput: linear(
          name + ".feed_forward_input",
          isGPT2 ? shape.feedForwardWidth : 2 * shape.feedForwardWidth, shape.width,
          bias: feedForwardBias, deviation: deviation),
        feedForwardOutput: linear(
          name + ".feed_forward_output", shape.width, shape.feedForwardWidth,
          bias: feedForwardBias, deviation: residualDeviation))
    }
    finalNorm = norm("final_norm")
  }
}
