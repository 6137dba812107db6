import LanguageModels
import Numerics
import Preferences
import RLHF
import RunRecords
import Statistics

extension AlignmentLoop {
  /// DPO from the SFT policy, which stays as the reference: on comparisons, or on the policy's own
  /// responses, compared by the reward of `ppo.reward`.
  ///
  /// - Parameters:
  ///   - rows: what annotators said; not looked at for on-policy pairs.
  ///   - reward: a source of the rewards of on-policy pairs; nil where it is none.
  func optimizeDirectly(
    _ policy: LanguageModel, rows: some RowStream<PreferenceRow>, reward: RewardModel?
  ) throws -> LanguageModel {
    let settings = scenario.dpo
    let stream = generator.stream("dpo")
    let offline =
      settings.pairs == .offline
      ? try tokenize(
        rows, for: settings.rowsObjective, positions: policy.configuration.maximumPositions,
        purpose: "training"
      ).flatMap(settings.elements) : []
    if offline.contains(where: { $0.responses.count == 1 && ![[0], [1]].contains($0.ratings) }) {
      throw LoopError.input(
        "KTO learns from labels, and the rows hold ratings other than 0 and 1; give rows with a `label`"
      )
    }
    if settings.pairs == .offline, offline.isEmpty {
      throw LoopError.input(
        settings.loss.isUnpaired
          ? "KTO learns from labelled responses, and the rows hold none; give rows with a `label`, or "
            + "comparisons, which make a desirable response and an undesirable one"
          : "DPO learns from pairs, and the rows hold none; give comparisons or rankings, or set "
            + "`dpo.pairs` to on-policy")
    }
    try requireMemory(for: .dpo, learning: [policy.parameters], copies: [policy.parameters])
    let rounds = settings.pairs == .offline ? settings.epochs : settings.rounds
    let pairs = scenario.ppo.episodes / 2
    guard settings.pairs == .offline || pairs > 0 else {
      throw LoopError.input("on-policy pairs need two responses; raise `ppo.episodes` to 2 or more")
    }
    let elements =
      settings.pairs == .offline ? offline.count : settings.loss.isUnpaired ? 2 * pairs : pairs
    let steps = rounds * DPOTrainer.steps(for: elements, settings)
    let scorer = settings.pairs == .onPolicy ? try scorer(reward) : RewardScorer([])
    var trainer = DPOTrainer(settings, policy: policy, steps: steps, workers: workers)
    try run(.dpo, total: steps) { continuation in
      try trainer.run(rounds: rounds, using: stream, continuing: continuation) { round, policy in
        settings.pairs == .offline
          ? offline
          : try ownPairs(of: policy, count: pairs, stream.stream("pairs", round), scorer)
            .flatMap(settings.elements)
      } report: { metrics in
        try observer.advance(.dpo, to: metrics.step, metrics: metrics)
      }
    }
    return trainer.policy
  }

  /// Two responses to each of `count` prompts, the better one chosen; prompts to which both are
  /// alike or equally good say nothing and are left out.
  func ownPairs(
    of policy: LanguageModel, count: Int, _ stream: SeededGenerator,
    _ scorer: RewardScorer
  ) throws -> [RankedResponses] {
    let prompts = prompts(stream.stream("prompts"), count: count)
      .flatMap { Array(repeating: $0, count: 2) }
    let responses = try sample(
      policy, prompts: prompts, stream, temperature: scenario.ppo.temperature)
    let exchanges = zip(prompts, responses).map { Exchange(prompt: $0, response: $1.tokens) }
    let scores = try zip(scorer.scores(of: exchanges), responses).map {
      scenario.ppo.finalScore($0, ended: $1.ended)
    }
    return stride(from: 0, to: exchanges.count, by: 2).compactMap { first in
      guard scores[first] != scores[first + 1],
        exchanges[first].response != exchanges[first + 1].response
      else { return nil }
      let better = scores[first] > scores[first + 1] ? first : first + 1
      return RankedResponses(
        prompt: prompts[first], chosen: exchanges[better].response,
        rejected: exchanges[2 * first + 1 - better].response)
    }
  }
}
