package import LanguageModels
import Numerics
package import Statistics

/// Proximal policy optimization of a language model with a KL penalty against its reference
/// (Stiennon et al. 2020; Ouyang et al. 2022), and the algorithms beside it: see ``PolicyAlgorithm``.
///
/// In each iteration the policy samples responses, the reference gives their log-probabilities for the KL
/// penalty, the reward model scores them and the value model predicts the score; then policy and value
/// model are updated. This file has one iteration in order: collect experience, advantages
/// (`Advantages.swift`), update (`Losses.swift`), metrics (`PPOMetrics.swift`).
package struct PPOTrainer: Sendable {
  package let configuration: PPOConfiguration
  package internal(set) var policy: LanguageModel
  /// The value model where it is a model of its own.
  var separateValue: ScalarModel
  /// The moving average of the policy, where there is one.
  var average: ParameterSet?
  /// Samples and scores; it holds the reference and the reward.
  var rollout: Rollout
  /// β.
  var controller: KLController
  var policyOptimizer: Optimizer
  var valueOptimizer: Optimizer
  var warnings: TrainingWarnings
  let arenas: ModelArenas
  let generator: SeededGenerator

  /// Runs every iteration.
  ///
  /// - Parameters:
  ///   - continuation: where to begin, and what saves the state after each iteration.
  ///   - prompts: as many prompts as asked for, for an iteration (from 0).
  ///   - pretraining: texts for the optimizer steps of an iteration; only asked for where they have
  ///     a weight.
  ///   - warn: gets each kind of trouble once, before the report of its iteration.
  ///   - report: gets the metrics of an iteration, its experience, and the policy after the update.
  package mutating func run(
    continuing continuation: Continuation = .none,
    prompts: (_ iteration: Int, _ count: Int) -> [[Int32]],
    pretraining: (_ iteration: Int, _ step: Int) -> [Exchange] = { _, _ in [] },
    warn: (TrainingWarning) throws -> Void = { _ in },
    report: (inout StepMetrics, Experience, LanguageModel) throws -> Void
  ) throws {
    if let state = continuation.state { try restore(from: state) }
    let samples = configuration.samplesPerPrompt
    for iteration in (0..<configuration.iterations).dropFirst(continuation.state?.step ?? 0) {
      let stream = generator.stream("iteration", iteration)
      let (experience, timing) = try rollout.collect(
        policy: policy, value: value,
        prompts: prompts(iteration, configuration.episodes / samples)
          .flatMap { Array(repeating: $0, count: samples) },
        using: stream,
        coefficient: configuration.algorithm.penalizesKL ? controller.coefficient : 0)
      try experience.requireFinite(iteration: iteration + 1)
      let clock = ContinuousClock()
      let start = clock.now
      let statistics = try PPOUpdate(configuration: configuration, workers: rollout.workers).run(
        experience, policy: &policy, policyOptimizer: &policyOptimizer,
        value: &separateValue, valueOptimizer: &valueOptimizer, using: stream.stream("update"),
        pretraining: { configuration.pretrainingWeight > 0 ? pretraining(iteration, $0) : [] })
      updateAverage()
      var metrics = StepMetrics(
        step: iteration + 1, of: configuration.iterations,
        PPOMetrics.values(experience, statistics, configuration)
          + [
            (.rolloutTime, timing.sampling), (.scoreTime, timing.scoring),
            (.updateTime, (clock.now - start) / .seconds(1)),
            (.activationMemory, Double(statistics.activationBytes)),
          ] + memory)
      controller.update(
        kl: experience.episodes.reduce(0) { $0 + $1.kl.reduce(0, +) }
          / Double(experience.episodes.count), episodes: experience.episodes.count)
      try warnings.observe(metrics).forEach(warn)
      try report(&metrics, experience, policy)
      try continuation.save(isLast: iteration + 1 == configuration.iterations) {
        state(after: iteration + 1)
      }
    }
  }
}

// MARK: - Collect experience

extension Rollout {
  /// The policy samples; reference, reward and value models score.
  ///
  /// - Parameters:
  ///   - prompts: one per episode.
  ///   - generator: each episode draws from a stream of its own.
  ///   - coefficient: β, of the KL penalty per token.
  /// - Throws: `ModelError` for prompts too long for a model; see
  ///   ``requireRoom(for:responseTokens:in:)``.
  func collect(
    policy: LanguageModel, value: ScalarModel, prompts: [[Int32]], using generator: SeededGenerator,
    coefficient: Double
  ) throws -> (experience: Experience, timing: Timing) {
    try Self.requireRoom(
      for: prompts, responseTokens: configuration.maximumTokens, in: policy, reference, value)
    let clock = ContinuousClock()
    let start = clock.now
    let drawn = try sampler.responses(
      from: policy, to: prompts,
      generators: prompts.indices.map { generator.stream("episode", $0) }, workers: workers)
    let sampled = clock.now

    let (responses, exchanges, scores, resampled) = try scored(
      drawn, to: prompts, by: policy, using: generator)
    let comparison = DistributionComparison(
      policy: policy, reference: reference, temperature: configuration.temperature,
      keepsReferenceLogits: configuration.kl.needsReferenceLogits)
    let episodes = try workers.map(exchanges) { part in
      // Without a value model V = 0, so that a return is its own advantage.
      let lengths = part.map(\.response.count)
      let values =
        configuration.algorithm.usesValueModel
        ? value.values(part, on: Tape(recording: false)).value.values
        : Array(repeating: 0, count: lengths.reduce(0, +))
      let states = zip(values.split(by: lengths), comparison.compare(Array(part)))
      return zip(part.indices, states).map { index, state in
        let (values, tokens) = state
        return Episode(
          exchange: exchanges[index], ended: responses[index].ended,
          logProbabilities: tokens.logProbabilities.map(Double.init),
          referenceLogProbabilities: tokens.referenceLogProbabilities.map(Double.init),
          exactKL: tokens.exactKL.map(Double.init), referenceLogits: tokens.referenceLogits,
          entropies: tokens.entropies.map(Double.init),
          values: values.map(Double.init),
          score: configuration.finalScore(scores[index], ended: responses[index].ended))
      }
    }

    var experience = Experience(
      episodes: episodes, coefficient: coefficient, resampledGroups: resampled)
    Advantages.fill(&experience, configuration)
    let timing = Timing(
      sampling: (sampled - start) / .seconds(1), scoring: (clock.now - sampled) / .seconds(1))
    return (experience, timing)
  }

  /// Scores responses. Where the algorithm says so, groups whose scores are all equal have nothing to
  /// compare and are sampled again, at most three times: DAPO's dynamic sampling, bounded.
  private func scored(
    _ drawn: [SampledResponse], to prompts: [[Int32]], by policy: LanguageModel,
    using generator: SeededGenerator
  ) throws -> (
    responses: [SampledResponse], exchanges: [Exchange], scores: [Double], resampledGroups: Int
  ) {
    var responses = drawn
    var exchanges = zip(prompts, drawn).map { Exchange(prompt: $0, response: $1.tokens) }
    var scores = try scores(of: exchanges, using: generator)
    let size = configuration.samplesPerPrompt
    var resampled = 0
    for round in 0..<(configuration.algorithm.resamplesEqualGroups ? 3 : 0) {
      let equal = stride(from: 0, to: scores.count, by: size).filter { start in
        scores[start..<start + size].allSatisfy { $0 == scores[start] }
      }
      if equal.isEmpty { break }
      let episodes = equal.flatMap { $0..<$0 + size }
      let stream = generator.stream("resample", round)
      let again = try sampler.responses(
        from: policy, to: episodes.map { prompts[$0] },
        generators: episodes.map { stream.stream("episode", $0) }, workers: workers)
      for (episode, response) in zip(episodes, again) {
        responses[episode] = response
        exchanges[episode].response = response.tokens
      }
      let new = try self.scores(of: episodes.map { exchanges[$0] }, using: stream)
      for (episode, score) in zip(episodes, new) { scores[episode] = score }
      resampled += equal.count
    }
    return (responses, exchanges, scores, resampled)
  }
}

// MARK: - Update

/// The update of one iteration: some epochs of minibatch steps on policy and value model.
struct PPOUpdate {
  let configuration: PPOConfiguration
  let workers: Workers

  /// - Parameters:
  ///   - value: a value model of its own; not used where values come from a head of the policy.
  ///   - generator: orders the episodes of each epoch.
  ///   - pretraining: texts to go on learning from, for an optimizer step (from 0); none for no such
  ///     loss.
  func run(
    _ experience: Experience, policy: inout LanguageModel, policyOptimizer: inout Optimizer,
    value: inout ScalarModel, valueOptimizer: inout Optimizer, using generator: SeededGenerator,
    pretraining: (_ step: Int) -> [Exchange] = { _ in [] }
  ) throws -> UpdateSums {
    var statistics = UpdateSums()
    let size = experience.episodes.count / configuration.minibatches
    for epoch in 0..<configuration.epochs {
      var shuffler = generator.stream("epoch", epoch)
      let order = shuffler.permutation(of: experience.episodes.count)
      for minibatch in 0..<configuration.minibatches {
        let numbers = Array(order[minibatch * size..<(minibatch + 1) * size])
        let episodes = numbers.map { experience.episodes[$0] }
        var (gradients, step) = try policyGradients(
          of: policy, on: episodes, coefficient: experience.coefficient)
        let texts = pretraining(statistics.steps)
        if !texts.isEmpty {
          // What InstructGPT mixes in, so that the policy forgets less (Ouyang et al. 2022, eq. 2).
          let (pretrainingGradients, loss) = try workers.crossEntropy(
            of: policy, on: texts, weight: configuration.pretrainingWeight)
          gradients.add(pretrainingGradients)
          step.policyLoss += loss
          step.pretrainingLoss = loss / configuration.pretrainingWeight
        }
        // Given away, so that the value model's gradients do not stand beside them.
        do {
          step.policyGradientNorm = try policyOptimizer.step(
            &policy.parameters, gradients: consume gradients,
            loss: step.policyLoss + configuration.valueWeight * step.valueLoss, workers: workers)
        } catch let error as NonFiniteError {
          throw error.naming("episodes", episodes, numbers: numbers) {
            let (gradients, step) = try policyGradients(
              of: policy, on: [$0], coefficient: experience.coefficient)
            return (gradients, step.policyLoss + step.valueLoss)
          }
        }
        if configuration.hasSeparateValueModel {
          let (gradients, loss, clipped) = try valueGradients(of: value, on: episodes)
          (step.valueLoss, step.valueClipped) = (loss, clipped)
          do {
            _ = try valueOptimizer.step(
              &value.parameters, gradients: gradients, loss: loss, workers: workers)
          } catch let error as NonFiniteError {
            throw error.naming("episodes", episodes, numbers: numbers) {
              let (gradients, loss, _) = try valueGradients(of: value, on: [$0])
              return (gradients, loss)
            }
          }
        }
        statistics.add(step)
        // KL(π_old ‖ π) before the step.
        let kl = step.ratios.approximateKL / Double(step.tokens)
        if let limit = configuration.stopKL, kl > limit { return statistics }
      }
    }
    return statistics
  }

  /// The policy loss on some episodes of a minibatch: the algorithm's, with the KL penalty if it is in
  /// the loss, less the entropy bonus.
  ///
  /// - Parameters:
  ///   - logProbabilities: log π, `[M]`; `logits` that gave them, `[M, V]`.
  ///   - coefficient: β of a penalty in the loss.
  ///   - scale: how the loss of the minibatch is divided.
  func totalPolicyLoss(
    _ logProbabilities: Variable, _ logits: Variable, on episodes: ArraySlice<Episode>,
    coefficient: Double, scale: LossScale, tape: Tape
  ) -> (total: Variable, ratios: RatioStatistics) {
    var (loss, ratios) = tape.policyLoss(
      logProbabilities, on: episodes, configuration, scale: scale)
    if configuration.kl.placement == .loss {
      let weight = coefficient * scale.perToken
      let penalty =
        configuration.kl.needsReferenceLogits
        ? tape.exactKLLoss(
          logits, reference: Tensor(rowsOf: episodes.compactMap(\.referenceLogits)),
          temperature: configuration.temperature, weight: weight)
        : tape.klPenaltyLoss(
          logProbabilities, reference: episodes.flatMap(\.referenceLogProbabilities),
          estimator: configuration.kl.estimator, weight: weight)
      loss = tape.add(loss, penalty)
    }
    if configuration.entropyBonus > 0 {
      let entropies = tape.entropies(logits, temperature: configuration.temperature)
      let bonus = tape.loss(of: entropies, weight: configuration.entropyBonus * scale.perToken) {
        -$1
      }
      loss = tape.add(loss, bonus.loss)
    }
    return (loss, ratios)
  }
}
