import Formats
import LanguageModels
import RLHF
import Statistics
import Synchronization

/// Scores responses by several sources: Σ weight · score.
final class RewardScorer: Sendable {
  /// What a source makes of responses, one number each.
  typealias Source = @Sendable ([Exchange]) throws -> [Double]

  private let sources: [(weight: Double, score: Source)]
  private let sums: Mutex<(count: Int, scores: [Double])>
  private let disagreement: Disagreement

  init(_ sources: [(weight: Double, score: Source)], disagreement: Disagreement = .init()) {
    self.sources = sources
    self.disagreement = disagreement
    sums = Mutex((0, sources.map { _ in 0 }))
  }

  func scores(of exchanges: [Exchange]) throws -> [Double] {
    let scores = try sources.map { try $0.score(exchanges) }
    sums.withLock { sums in
      sums.count += exchanges.count
      for (source, scores) in scores.enumerated() {
        sums.scores[source] += scores.reduce(0, +)
      }
    }
    let weights = sources.map(\.weight)
    // Bit for bit the score itself where that is all.
    if weights == [1] { return scores[0] }
    return exchanges.indices.map { index in
      zip(weights, scores).reduce(0) { $0 + $1.0 * $1.1[index] }
    }
  }

  /// The mean of every source, before its weight, over all that was scored since the last time.
  func takeMeans() -> [Double] {
    sums.withLock { sums in
      let means = sums.scores.map { $0 / Double(max(1, sums.count)) }
      sums = (0, sums.scores.map { _ in 0 })
      return means
    }
  }

  /// How far an ensemble's members disagreed over all that was scored since the last time; nil without
  /// an ensemble.
  func takeDisagreement() -> Double? { disagreement.take() }
}

/// Sums how far an ensemble's members disagree: the sd of their scores of a response.
final class Disagreement: Sendable {
  private let sums = Mutex((sum: 0.0, count: 0))

  func add(_ scores: [[Double]]) {
    guard let members = scores.first?.count, members > 1 else { return }
    let sum = scores.reduce(0) { $0 + Summary($1).standardDeviation }
    sums.withLock { $0 = ($0.sum + sum, $0.count + scores.count) }
  }

  /// The mean since the last time; nil where nothing was added.
  func take() -> Double? {
    sums.withLock { sums in
      defer { sums = (0, 0) }
      return sums.count > 0 ? sums.sum / Double(sums.count) : nil
    }
  }
}

/// The commands of a run, each started once, which end with it.
final class RewardCommands: Sendable {
  private let commands = Mutex<[RewardSource: RewardCommand]>([:])

  /// - Returns: the command of the source, and whether nobody has asked for it before.
  func command(of source: RewardSource) -> (command: RewardCommand, isNew: Bool) {
    commands.withLock { commands in
      if let command = commands[source] { return (command, false) }
      let command = RewardCommand(source)
      commands[source] = command
      return (command, true)
    }
  }
}

extension AlignmentLoop {
  /// What PPO earns for responses, by `ppo.reward`.
  ///
  /// - Parameter reward: may be nil where it is no source.
  func scorer(_ reward: RewardModel?) throws -> RewardScorer {
    let disagreement = Disagreement()
    return RewardScorer(
      try scenario.ppo.reward.all.map { ($0.weight, try score(by: $0, reward, disagreement)) },
      disagreement: disagreement)
  }

  /// What evaluations call the score; see ``/RLHF/PPORewardConfiguration/isScoreOfEvaluations``.
  func evaluationScorer(_ reward: RewardModel?) throws -> RewardScorer {
    if scenario.ppo.reward.isScoreOfEvaluations { return try scorer(reward) }
    return RewardScorer([(1, try score(by: RewardSource(), reward, Disagreement()))])
  }

  private func score(
    by source: RewardSource, _ reward: RewardModel?, _ disagreement: Disagreement
  ) throws -> RewardScorer.Source {
    switch source.kind {
    case .model:
      guard let reward else {
        throw LoopError.input("there is no reward model to score by; name one with --reward")
      }
      return { [workers] exchanges in
        let scores = try reward.memberScores(exchanges.map(reward.ended), workers: workers)
        disagreement.add(scores)
        return scores.map { reward.combination($0) }
      }
    case .gold, .verifier:
      guard promptSource == .world else {
        throw LoopError.input(
          "`ppo.reward` has the source \(source.kind.rawValue), which only the scenario's own prompts "
            + "have; choose model or command")
      }
      let gold = goldJudge
      if source.kind == .gold { return { $0.map(gold) } }
      return { $0.map { gold($0) >= source.threshold ? 1 : 0 } }
    case .command:
      let (command, isNew) = commands.command(of: source)
      if isNew { observer.note("rewards come from the command `\(source.command ?? "")`") }
      return { [tokenizer] exchanges in
        try command.scores(
          of: exchanges.enumerated().map { try $1.row(id: $0, tokenizer) })
      }
    }
  }
}

extension Exchange {
  /// The line that a command is asked by. Its keys and their order are documented.
  ///
  /// - Parameter id: the place among the rows that are scored together, from 0.
  fileprivate func row(id: Int, _ tokenizer: Tokenizer) throws(JSONError) -> String {
    func ids(_ tokens: [Int32]) -> JSONValue { .array(tokens.map { .int(Int($0)) }) }
    return try JSONValue.object([
      "id": .int(id), "prompt": .string(tokenizer.decode(prompt)),
      "response": .string(tokenizer.decode(response)), "prompt_ids": ids(prompt),
      "response_ids": ids(response), "ended": .bool(response.last == tokenizer.endOfSequence),
    ]).text()
  }
}
