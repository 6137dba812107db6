import Autodiff
import Tensors
import Training
import Transformer

/// The update of one iteration: some epochs of minibatch steps on policy and value model.
struct PPOUpdate {
  let configuration: PPOConfiguration
  let workers: Workers

  /// Sums over the minibatches of an update.
  struct Statistics {
    var steps = 0
    var tokens = 0
    var policyLoss = 0.0
    var policyGradientNorm = 0.0
    var ratios = RatioStatistics()
    var valueLoss = 0.0
    var valueClipped = 0
    /// What the first minibatch had allocated before its backward pass, over what was there before.
    var activationBytes = 0
  }

  /// - Parameter generator: orders the episodes of each epoch.
  func run(
    _ experience: Experience, policy: inout LanguageModel, policyOptimizer: inout Optimizer,
    value: inout ScalarModel, valueOptimizer: inout Optimizer, using generator: SeededGenerator
  ) throws -> Statistics {
    var statistics = Statistics()
    let size = experience.episodes.count / configuration.minibatches
    for epoch in 0..<configuration.epochs {
      var shuffler = generator.stream("epoch", epoch)
      let order = shuffler.permutation(of: experience.episodes.count)
      for minibatch in 0..<configuration.minibatches {
        let episodes = order[minibatch * size..<(minibatch + 1) * size].map {
          experience.episodes[$0]
        }
        statistics.steps += 1
        statistics.tokens += episodes.reduce(0) { $0 + $1.length }
        let kl = try updatePolicy(&policy, &policyOptimizer, on: episodes, &statistics)
        try updateValue(&value, &valueOptimizer, on: episodes, &statistics)
        if let limit = configuration.stopKL, kl > limit { return statistics }
      }
    }
    return statistics
  }

  /// Takes a policy step; returns KL(π_old ‖ π) per token, estimated before the step.
  private func updatePolicy(
    _ policy: inout LanguageModel, _ optimizer: inout Optimizer, on episodes: [Episode],
    _ statistics: inout Statistics
  ) throws -> Double {
    let allocated = NumericalLibraries.allocatedBytes
    let (gradients, loss, ratios, peak) = try policyGradients(of: policy, on: episodes)
    if statistics.steps == 1 { statistics.activationBytes = max(0, peak - allocated) }
    statistics.ratios.add(ratios)
    statistics.policyLoss += loss
    statistics.policyGradientNorm += try optimizer.step(
      &policy.parameters, gradients: gradients, loss: loss, workers: workers)
    return ratios.approximateKL / Double(episodes.reduce(0) { $0 + $1.length })
  }

  private func updateValue(
    _ value: inout ScalarModel, _ optimizer: inout Optimizer, on episodes: [Episode],
    _ statistics: inout Statistics
  ) throws {
    let (gradients, loss, clipped) = try valueGradients(of: value, on: episodes)
    statistics.valueLoss += loss
    statistics.valueClipped += clipped
    _ = try optimizer.step(&value.parameters, gradients: gradients, loss: loss, workers: workers)
  }

  /// The clipped policy loss of a minibatch, a mean over its tokens, its gradients, and the most
  /// bytes that the process had allocated when a shard's forward pass was over.
  func policyGradients(
    of policy: LanguageModel, on episodes: [Episode]
  ) throws -> (Gradients, loss: Double, RatioStatistics, allocatedBytes: Int) {
    let tokens = episodes.reduce(0) { $0 + $1.length }
    let ranges = Shards.ranges(
      of: episodes.count, tokens: episodes.reduce(0) { $0 + $1.exchange.count })
    let (gradients, results) = try DataParallel(workers: workers).gradients(
      of: policy.parameters, shards: ranges.count
    ) { shard, tape in
      let shard = episodes[ranges[shard]]
      let (logProbabilities, logits) = policy.responseLogProbabilities(
        shard.map(\.exchange), temperature: configuration.temperature, on: tape)
      var (loss, ratios) = tape.clippedPolicyLoss(
        logProbabilities, old: shard.flatMap(\.logProbabilities),
        advantages: shard.flatMap(\.advantages), clipRange: configuration.clipRange,
        dualClip: configuration.dualClip, weight: 1 / Double(tokens))
      if configuration.entropyBonus > 0 {
        let entropies = tape.entropies(logits, temperature: configuration.temperature)
        let weights = Tensor(
          repeating: -Float(configuration.entropyBonus) / Float(tokens),
          shape: entropies.value.shape)
        loss = tape.add(loss, tape.weightedSum(entropies, weights: weights))
      }
      let allocated = NumericalLibraries.allocatedBytes
      return (loss, (loss: Double(loss.value[0]), ratios: ratios, allocated: allocated))
    }
    var ratios = RatioStatistics()
    for result in results { ratios.add(result.ratios) }
    return (
      gradients, results.reduce(0) { $0 + $1.loss }, ratios,
      allocatedBytes: results.map(\.allocated).max() ?? 0
    )
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
