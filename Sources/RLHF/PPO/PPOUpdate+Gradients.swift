import LanguageModels
import Numerics

extension PPOUpdate {
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

  /// The policy loss of a minibatch, a mean over its tokens, and its gradients, computed in
  /// `configuration.accumulation` pieces one after another.
  ///
  /// - Parameter coefficient: β of a penalty in the loss.
  func policyGradients(
    of policy: LanguageModel, on episodes: [Episode], coefficient: Double = 0
  ) throws -> PolicyGradients {
    let weight = 1 / Double(episodes.reduce(0) { $0 + $1.length })
    let pieces = min(configuration.accumulation, episodes.count)
    var result = PolicyGradients(gradients: Gradients(count: policy.parameters.count))
    for piece in 0..<pieces {
      let piece = Array(
        episodes[episodes.count * piece / pieces..<episodes.count * (piece + 1) / pieces])
      let ranges = Shards.ranges(
        of: piece.count, tokens: piece.reduce(0) { $0 + $1.exchange.count })
      let (gradients, results) = try DataParallel(workers: workers).gradients(
        of: policy.parameters, shards: ranges.count
      ) { shard, tape in
        var loss = policyLoss(
          of: policy, on: piece[ranges[shard]], coefficient: coefficient, weight: weight,
          tape: tape)
        var result = PolicyShard(loss: Double(loss.total.value[0]), ratios: loss.ratios)
        if let values = loss.values {
          let episodes = piece[ranges[shard]]
          let (valueLoss, clipped) = tape.clippedValueLoss(
            values, old: episodes.flatMap(\.values), returns: episodes.flatMap(\.returns),
            clipRange: configuration.valueClipRange, weight: configuration.valueWeight * weight)
          result.valueLoss = Double(valueLoss.value[0]) / configuration.valueWeight
          result.valueClipped = clipped
          loss.total = tape.add(loss.total, valueLoss)
        }
        result.allocatedBytes = NumericalLibraries.allocatedBytes
        return (loss.total, result)
      }
      result.gradients.add(gradients)
      for shard in results {
        result.loss += shard.loss
        result.valueLoss += shard.valueLoss
        result.valueClipped += shard.valueClipped
        result.ratios.add(shard.ratios)
        result.allocatedBytes = max(result.allocatedBytes, shard.allocatedBytes)
      }
    }
    return result
  }

  /// What a shard of a minibatch adds to ``PolicyGradients``.
  private struct PolicyShard: Sendable {
    var loss: Double
    var ratios: RatioStatistics
    var valueLoss = 0.0
    var valueClipped = 0
    var allocatedBytes = 0
  }

  /// The sum over the tokens of some episodes, times `weight`: the surrogate of the algorithm, the
  /// KL penalty if it is here, less the entropy bonus; and what a value head says of the tokens.
  private func policyLoss(
    of policy: LanguageModel, on episodes: ArraySlice<Episode>, coefficient: Double,
    weight: Double, tape: Tape
  ) -> (total: Variable, values: Variable?, ratios: RatioStatistics) {
    let (logProbabilities, logits, values) = policy.responseOutputs(
      episodes.map(\.exchange), temperature: configuration.temperature, on: tape)
    let old = episodes.flatMap(\.logProbabilities)
    let advantages = episodes.flatMap(\.advantages)
    var (loss, ratios) =
      configuration.algorithm.clipsRatios
      ? tape.clippedPolicyLoss(
        logProbabilities, old: old, advantages: advantages, clipRange: configuration.clipRange,
        dualClip: configuration.dualClip, weight: weight)
      : (
        tape.weightedSum(
          logProbabilities, weights: Tensor(advantages.map { Float(-weight * $0) })),
        RatioStatistics(logProbabilities: logProbabilities.value.values, old: old)
      )
    if configuration.kl.placement == .loss {
      let penalty =
        configuration.kl.needsReferenceLogits
        ? tape.exactKLLoss(
          logits, reference: Tensor(rowsOf: episodes.compactMap(\.referenceLogits)),
          temperature: configuration.temperature, weight: coefficient * weight)
        : tape.klPenaltyLoss(
          logProbabilities, reference: episodes.flatMap(\.referenceLogProbabilities),
          estimator: configuration.kl.estimator, weight: coefficient * weight)
      loss = tape.add(loss, penalty)
    }
    if configuration.entropyBonus > 0 {
      let entropies = tape.entropies(logits, temperature: configuration.temperature)
      let weights = Tensor(
        repeating: -Float(configuration.entropyBonus * weight), shape: entropies.value.shape)
      loss = tape.add(loss, tape.weightedSum(entropies, weights: weights))
    }
    return (loss, values, ratios)
  }

  /// γ times the mean of −log π(y_t | x, y_<t) over texts of the corpus: what InstructGPT mixes in, so
  /// that the policy forgets less (Ouyang et al. 2022, eq. 2).
  func pretrainingGradients(
    of policy: LanguageModel, on exchanges: [Exchange]
  ) throws -> (Gradients, loss: Double) {
    let tokens = exchanges.reduce(0) { $0 + $1.response.count }
    let weight = -Float(configuration.pretrainingWeight) / Float(tokens)
    let ranges = Shards.ranges(of: exchanges.count, tokens: exchanges.reduce(0) { $0 + $1.count })
    let (gradients, losses) = try DataParallel(workers: workers).gradients(
      of: policy.parameters, shards: ranges.count
    ) { shard, tape in
      let logProbabilities = policy.responseLogProbabilities(
        exchanges[ranges[shard]], temperature: 1, on: tape
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
    let ranges = Shards.ranges(
      of: episodes.count, tokens: episodes.reduce(0) { $0 + $1.exchange.count })
    let (gradients, results) = try DataParallel(workers: workers).gradients(
      of: value.parameters, shards: ranges.count
    ) { shard, tape in
      let shard = episodes[ranges[shard]]
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
