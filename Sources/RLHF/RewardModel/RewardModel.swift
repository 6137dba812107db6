package import LanguageModels
package import Numerics
import Settings

/// One reward from one or several scalar models, each read at the end of a response and normalised:
/// the one path by which evaluation, `score` and PPO read a reward.
package struct RewardModel: Sendable {
  /// A model of the ensemble.
  package struct Member: Sendable {
    package var model: ScalarModel
    /// From samples of the reference policy, so that a reward of 1 is one standard deviation above its mean.
    package var normalization: RewardNormalization

    package init(
      model: ScalarModel, normalization: RewardNormalization = RewardNormalization()
    ) {
      self.model = model
      self.normalization = normalization
    }
  }

  /// At least one.
  package var members: [Member]
  /// How normalised members make one score.
  package let combination: EnsembleCombination
  package let specialTokens: SpecialTokens
  /// The text between steps with which it was trained, where it was trained to read their ends.
  package var stepSeparator: String?

  /// - Parameter members: at least one, all of one shape.
  package init(
    members: [Member], combination: EnsembleCombination = EnsembleCombination(),
    specialTokens: SpecialTokens
  ) {
    precondition(!members.isEmpty, "a reward model needs at least one member")
    self.members = members
    self.combination = combination
    self.specialTokens = members[0].model.withAllEnds(specialTokens)
  }

  package init(
    model: ScalarModel, normalization: RewardNormalization = RewardNormalization(),
    specialTokens: SpecialTokens
  ) {
    self.init(
      members: [Member(model: model, normalization: normalization)], specialTokens: specialTokens)
  }

  /// The first member's model, from whose trunk the value model starts.
  package var model: ScalarModel {
    get { members[0].model }
    set { members[0].model = newValue }
  }

  /// From rewards to scores: the member's own, or the mean of all members' in an ensemble.
  package var normalization: RewardNormalization {
    let count = Double(members.count)
    return RewardNormalization(
      mean: members.reduce(0) { $0 + $1.normalization.mean } / count,
      standardDeviation: members.reduce(0) { $0 + $1.normalization.standardDeviation } / count)
  }

  /// Moves every member to an arena of its own; see `ParameterSet.moveToOwnArena()`.
  package mutating func moveToOwnArena() {
    for index in members.indices { members[index].model.parameters.moveToOwnArena() }
  }

  /// The exchange with its end: rewards are learned and read at the end-of-sequence token.
  package func ended(_ exchange: Exchange) -> Exchange {
    Exchange(prompt: exchange.prompt, response: specialTokens.ended(exchange.response))
  }

  /// The head's output h_last · w for every exchange as it is; see ``ended(_:)``. For an ensemble,
  /// the combined score in the units of its members' rewards, so that a difference of two still has
  /// a probability.
  package func rewards(_ exchanges: [Exchange], workers: Workers) throws -> [Double] {
    if members.count == 1 { return try rewards(of: model, exchanges, workers) }
    let normalization = normalization
    return try scores(exchanges, workers: workers).map {
      normalization.mean + normalization.standardDeviation * $0
    }
  }

  /// Normalised rewards; members are normalised before they are combined.
  package func scores(_ exchanges: [Exchange], workers: Workers) throws -> [Double] {
    try memberScores(exchanges, workers: workers).map { combination($0) }
  }

  /// The normalised rewards of every exchange by each member.
  package func memberScores(_ exchanges: [Exchange], workers: Workers) throws -> [[Double]] {
    let scores = try members.map { member in
      try rewards(of: member.model, exchanges, workers).map { member.normalization($0) }
    }
    return exchanges.indices.map { index in scores.map { $0[index] } }
  }

  private func rewards(
    of model: ScalarModel, _ exchanges: [Exchange], _ workers: Workers
  ) throws -> [Double] {
    // Pairs and samples of one prompt stay in one shard more often when a shard is long.
    try workers.map(exchanges) { shard in
      chunks(of: shard).flatMap { chunk in
        model.rewards(chunk, on: Tape(recording: false)).value.values.map(Double.init)
      }
    }
  }

  /// Pieces of at most a few thousand tokens, so that scoring a large file takes little memory.
  private func chunks(of exchanges: ArraySlice<Exchange>) -> [ArraySlice<Exchange>] {
    var chunks: [ArraySlice<Exchange>] = []
    var start = exchanges.startIndex
    var tokens = 0
    for index in exchanges.indices {
      if tokens > 4096 {
        chunks.append(exchanges[start..<index])
        (start, tokens) = (index, 0)
      }
      tokens += exchanges[index].count
    }
    return start < exchanges.endIndex ? chunks + [exchanges[start...]] : chunks
  }
}

/// How the scores of several reward models become one (Coste et al. 2023, arXiv 2310.02743).
package enum EnsembleRule: String, Sendable, CaseIterable, SettingValue {
  case mean
  /// The lowest of all: nothing is good unless every model says so.
  case worst
  /// mean − λ · variance over the models.
  case uncertainty
}

/// A rule and its λ.
package struct EnsembleCombination: Sendable, Equatable {
  package var rule: EnsembleRule
  /// λ of ``EnsembleRule/uncertainty``; the others do not use it.
  var uncertaintyWeight: Double

  package init(rule: EnsembleRule = .mean, uncertaintyWeight: Double = 0) {
    self.rule = rule
    self.uncertaintyWeight = uncertaintyWeight
  }

  /// One score from those of every member; that of a single member is itself.
  package func callAsFunction(_ scores: [Double]) -> Double {
    let count = Double(scores.count)
    let mean = scores.reduce(0, +) / count
    switch rule {
    case .mean: return mean
    case .worst: return scores.min() ?? mean
    case .uncertainty:
      let variance = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
      return mean - uncertaintyWeight * variance
    }
  }
}
