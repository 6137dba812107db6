package import LanguageModels
package import RLHF
package import RunRecords
import Statistics

extension AlignmentLoop {
  /// Responses of the reference and of the policy to the same prompts, each judged.
  package func compare(
    _ policy: LanguageModel, with reference: LanguageModel, reward: RewardModel
  ) throws -> (before: [JudgedResponse], after: [JudgedResponse]) {
    try run(.evaluation, total: 2, unit: "policies") {
      let prompts = evaluationPrompts()
      let before = try judge(
        reference, reference: reference, reward: reward, prompts: prompts)
      try observer.advance(.evaluation, to: 1, metrics: nil)
      let after = try judge(
        policy, reference: reference, reward: reward, prompts: prompts)
      try observer.advance(.evaluation, to: 2, metrics: nil)
      return (before, after)
    }
  }

  /// The figures of an SFT policy by itself, on prompts of the world.
  package func figures(of policy: LanguageModel) throws -> EvaluationSummary {
    try run(.evaluation, total: 1, unit: "policy") {
      let responses = try judge(
        policy, reference: policy, reward: nil, prompts: evaluationPrompts())
      try observer.advance(.evaluation, to: 1, metrics: nil)
      return EvaluationSummary(sft: .init(responses))
    }
  }
}

extension EvaluationSummary {
  /// The final figures of a run.
  package init(before: [JudgedResponse], after: [JudgedResponse], reward: RewardReport?) {
    self.init(
      sft: Policy(before), ppo: Policy(after),
      winRate: AlignmentLoop.winRate(of: after, against: before),
      reward: reward.map(RewardModel.init))
  }
}

extension EvaluationSummary.Policy {
  init(_ responses: [JudgedResponse]) {
    func summary(_ value: (JudgedResponse) -> Double?) -> Summary? {
      let values = responses.compactMap(value)
      return values.isEmpty ? nil : Summary(values)
    }
    func fraction(_ isCounted: (JudgedResponse) -> Bool?) -> Double? {
      let outcomes = responses.compactMap(isCounted)
      guard !outcomes.isEmpty else { return nil }
      return Double(outcomes.count { $0 }) / Double(outcomes.count)
    }
    self.init(
      gold: summary(\.gold), score: summary(\.score), klExact: summary(\.exactKL),
      length: summary { Double($0.exchange.response.count) },
      entropy: summary(\.entropy), grammaticalFraction: fraction(\.isGrammatical),
      eosFraction: fraction(\.ended))
  }
}
