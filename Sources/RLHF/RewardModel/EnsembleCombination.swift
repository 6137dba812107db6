import Settings

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
  package var uncertaintyWeight: Double

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
