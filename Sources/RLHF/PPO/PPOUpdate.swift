import LanguageModels
import Numerics
import Statistics

/// The update of one iteration: some epochs of minibatch steps on policy and value model.
struct PPOUpdate {
  let configuration: PPOConfiguration
  let workers: Workers

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
  }

  /// - Parameters:
  ///   - generator: orders the episodes of each epoch.
  ///   - pretraining: texts to go on learning from, for an optimizer step (from 0); none for no such
  ///     loss.
  func run(
    _ experience: Experience, policy: inout LanguageModel, policyOptimizer: inout Optimizer,
    value: inout ScalarModel, valueOptimizer: inout Optimizer, using generator: SeededGenerator,
    pretraining: (_ step: Int) -> [Exchange] = { _ in [] }
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
        let kl = try updatePolicy(
          &policy, &policyOptimizer, on: episodes, coefficient: experience.coefficient,
          pretraining: pretraining(statistics.steps - 1), &statistics)
        if configuration.algorithm.usesValueModel, !configuration.sharesTrunk {
          try updateValue(&value, &valueOptimizer, on: episodes, &statistics)
        }
        if let limit = configuration.stopKL, kl > limit { return statistics }
      }
    }
    return statistics
  }

  /// Takes a policy step, and one of the value head on its decoder if it has one; returns KL(π_old ‖ π) per token, estimated before the step.
  private func updatePolicy(
    _ policy: inout LanguageModel, _ optimizer: inout Optimizer, on episodes: [Episode],
    coefficient: Double, pretraining: [Exchange], _ statistics: inout Statistics
  ) throws -> Double {
    let allocated = NumericalLibraries.allocatedBytes
    var result = try policyGradients(of: policy, on: episodes, coefficient: coefficient)
    if statistics.steps == 1 {
      statistics.activationBytes = max(0, result.allocatedBytes - allocated)
    }
    if !pretraining.isEmpty {
      let (gradients, loss) = try pretrainingGradients(of: policy, on: pretraining)
      result.gradients.add(gradients)
      result.loss += loss
      statistics.pretrainingLoss += loss / configuration.pretrainingWeight
    }
    statistics.ratios.add(result.ratios)
    statistics.policyLoss += result.loss
    statistics.valueLoss += result.valueLoss
    statistics.valueClipped += result.valueClipped
    statistics.policyGradientNorm += try optimizer.step(
      &policy.parameters, gradients: result.gradients,
      loss: result.loss + configuration.valueWeight * result.valueLoss, workers: workers)
    return result.ratios.approximateKL / Double(episodes.reduce(0) { $0 + $1.length })
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
}
