import LanguageModels
import Numerics

extension PPOUpdate {
  /// Sums over the minibatches of an update.
  struct Statistics {
    var steps = 0
    var tokens = 0
    var policyLoss = 0.0
    var pretrainingLoss = 0.0
    var policyGradientNorm = 0.0
    var ratios = RatioStatistics()
    var valueLoss = 0.0
    var valueClipped = 0
    /// What the first minibatch had allocated before its backward pass, over what was there before.
    var activationBytes = 0

    mutating func add(_ result: PolicyGradients) {
      ratios.add(result.ratios)
      policyLoss += result.loss
      valueLoss += result.valueLoss
      valueClipped += result.valueClipped
    }
  }

  /// What one minibatch says of the policy.
  struct PolicyGradients {
    var gradients: Gradients
    var loss = 0.0
    /// Of a value head on the policy's decoder, before its weight.
    var valueLoss = 0.0
    var valueClipped = 0
    var ratios = RatioStatistics()
    /// The most bytes that the process had allocated when a shard's forward pass was over.
    var allocatedBytes = 0
  }

  /// The policy loss of a minibatch and its gradients, computed in `configuration.accumulation` pieces
  /// one after another.
  ///
  /// - Parameter coefficient: β of a penalty in the loss.
  func policyGradients(
    of policy: LanguageModel, on episodes: [Episode], coefficient: Double = 0
  ) throws -> PolicyGradients {
    let scale = LossScale(of: episodes, configuration)
    let pieces = min(configuration.accumulation, episodes.count)
    var sum = PolicyGradients(gradients: Gradients(count: policy.parameters.count))
    for piece in 0..<pieces {
      let range = episodes.count * piece / pieces..<episodes.count * (piece + 1) / pieces
      let piece = Array(episodes[range])
      let shards = Shards.ranges(
        of: piece.count, tokens: piece.reduce(0) { $0 + $1.exchange.count })
      let (gradients, results) = try DataParallel(workers: workers).gradients(
        of: policy.parameters, shards: shards.count
      ) { shard, tape in
        let episodes = piece[shards[shard]]
        let (logProbabilities, logits, values) = policy.responseOutputs(
          episodes.map(\.exchange), temperature: configuration.temperature, on: tape)
        var (loss, ratios) = policyLoss(
          logProbabilities, logits, on: episodes, coefficient: coefficient, scale: scale,
          tape: tape)
        var result = PolicyShard(loss: Double(loss.value[0]), ratios: ratios)
        if let values {
          let (valueLoss, clipped) = tape.clippedValueLoss(
            values, old: episodes.flatMap(\.values), returns: episodes.flatMap(\.returns),
            clipRange: configuration.valueClipRange,
            weight: configuration.valueWeight * scale.perToken)
          result.valueLoss = Double(valueLoss.value[0]) / configuration.valueWeight
          result.valueClipped = clipped
          loss = tape.add(loss, valueLoss)
        }
        result.allocatedBytes = NumericalLibraries.allocatedBytes
        return (loss, result)
      }
      sum.gradients.add(gradients)
      for shard in results {
        sum.loss += shard.loss
        sum.valueLoss += shard.valueLoss
        sum.valueClipped += shard.valueClipped
        sum.ratios.add(shard.ratios)
        sum.allocatedBytes = max(sum.allocatedBytes, shard.allocatedBytes)
      }
    }
    return sum
  }

  /// What a shard of a minibatch adds to ``PolicyGradients``.
  private struct PolicyShard: Sendable {
    var loss: Double
    var ratios: RatioStatistics
    var valueLoss = 0.0
    var valueClipped = 0
    var allocatedBytes = 0
  }

  /// γ_ptx times the mean of −log π(y_t | x, y_<t) over texts of the corpus: what InstructGPT mixes in,
  /// so that the policy forgets less (Ouyang et al. 2022, eq. 2).
  func pretrainingGradients(
    of policy: LanguageModel, on exchanges: [Exchange]
  ) throws -> (Gradients, loss: Double) {
    let tokens = exchanges.reduce(0) { $0 + $1.response.count }
    let weight = -Float(configuration.pretrainingWeight) / Float(tokens)
    let shards = Shards.ranges(of: exchanges.count, tokens: exchanges.reduce(0) { $0 + $1.count })
    let (gradients, losses) = try DataParallel(workers: workers).gradients(
      of: policy.parameters, shards: shards.count
    ) { shard, tape in
      let logProbabilities = policy.responseLogProbabilities(
        exchanges[shards[shard]], temperature: 1, on: tape
      ).logProbabilities
      let weights = Tensor(repeating: weight, shape: logProbabilities.value.shape)
      let loss = tape.weightedSum(logProbabilities, weights: weights)
      return (loss, Double(loss.value[0]))
    }
    return (gradients, losses.reduce(0, +))
  }

  /// The clipped value loss of a minibatch, a mean over its tokens, and its gradients.
  func valueGradients(
    of value: ScalarModel, on episodes: [Episode]
  ) throws -> (Gradients, loss: Double, clipped: Int) {
    let tokens = episodes.reduce(0) { $0 + $1.length }
    let shards = Shards.ranges(
      of: episodes.count, tokens: episodes.reduce(0) { $0 + $1.exchange.count })
    let (gradients, results) = try DataParallel(workers: workers).gradients(
      of: value.parameters, shards: shards.count
    ) { shard, tape in
      let shard = episodes[shards[shard]]
      let (loss, clipped) = tape.clippedValueLoss(
        value.values(shard.map(\.exchange), on: tape), old: shard.flatMap(\.values),
        returns: shard.flatMap(\.returns), clipRange: configuration.valueClipRange,
        weight: 1 / Double(tokens))
      return (loss, (loss: Double(loss.value[0]), clipped: clipped))
    }
    return (
      gradients, results.reduce(0) { $0 + $1.loss }, results.reduce(0) { $0 + $1.clipped }
    )
  }
}
