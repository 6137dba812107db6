import LanguageModels
import Numerics

extension PPOUpdate {
  /// What is measured of a shard of a minibatch, of a minibatch, and of a whole update: sums over all.
  struct UpdateSums: Sendable {
    var steps = 0
    var tokens = 0
    var policyLoss = 0.0
    var pretrainingLoss = 0.0
    var policyGradientNorm = 0.0
    var ratios = RatioStatistics()
    var valueLoss = 0.0
    var valueClipped = 0
    /// The most that the forward passes of a minibatch had allocated.
    var activationBytes = 0

    mutating func add(_ other: UpdateSums) {
      steps += other.steps
      tokens += other.tokens
      policyLoss += other.policyLoss
      pretrainingLoss += other.pretrainingLoss
      policyGradientNorm += other.policyGradientNorm
      ratios.add(other.ratios)
      valueLoss += other.valueLoss
      valueClipped += other.valueClipped
      activationBytes = max(activationBytes, other.activationBytes)
    }
  }

  /// The gradients of the policy loss of a minibatch, and of the value loss where the value model is
  /// a head on the policy's decoder.
  ///
  /// - Parameter coefficient: β of a penalty in the loss.
  func policyGradients(
    of policy: LanguageModel, on episodes: [Episode], coefficient: Double = 0
  ) throws -> (gradients: Gradients, statistics: UpdateSums) {
    let scale = LossScale(of: episodes, configuration)
    let allocated = NumericalLibraries.allocatedBytes
    let (gradients, shards) = try workers.gradients(
      of: policy.parameters, on: episodes, pieces: configuration.accumulation,
      tokens: \.exchange.count
    ) { episodes, tape in
      let (logProbabilities, logits, values) = policy.responseOutputs(
        episodes.map(\.exchange), temperature: configuration.temperature, on: tape)
      var statistics = UpdateSums(tokens: episodes.reduce(0) { $0 + $1.length })
      var loss: Variable
      (loss, statistics.ratios) = totalPolicyLoss(
        logProbabilities, logits, on: episodes, coefficient: coefficient, scale: scale, tape: tape)
      statistics.policyLoss = Double(loss.value[0])
      if let values {
        let valueLoss: Variable
        (valueLoss, statistics.valueClipped) = tape.valueLoss(
          values, on: episodes, configuration, weight: configuration.valueWeight * scale.perToken)
        statistics.valueLoss = Double(valueLoss.value[0]) / configuration.valueWeight
        loss = tape.add(loss, valueLoss)
      }
      statistics.activationBytes = max(0, NumericalLibraries.allocatedBytes - allocated)
      return (loss, statistics)
    }
    return (gradients, shards.reduce(into: UpdateSums(steps: 1)) { $0.add($1) })
  }

  /// The clipped value loss of a minibatch, a mean over its tokens, and its gradients.
  func valueGradients(
    of value: ScalarModel, on episodes: [Episode]
  ) throws -> (Gradients, loss: Double, clipped: Int) {
    let scale = LossScale(of: episodes, configuration)
    let (gradients, shards) = try workers.gradients(
      of: value.parameters, on: episodes, tokens: \.exchange.count
    ) { episodes, tape in
      let (loss, clipped) = tape.valueLoss(
        value.values(episodes.map(\.exchange), on: tape), on: episodes, configuration,
        weight: scale.perToken)
      return (loss, (loss: Double(loss.value[0]), clipped: clipped))
    }
    return (gradients, shards.reduce(0) { $0 + $1.loss }, shards.reduce(0) { $0 + $1.clipped })
  }
}
