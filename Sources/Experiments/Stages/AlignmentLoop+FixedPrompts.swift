import LanguageModels
import RLHF
import RunRecords

extension AlignmentLoop {
  /// The prompts that the policy answers at every iteration: the first different ones of those on
  /// which policies are compared.
  func fixedPrompts() -> [[Int32]] {
    var known: Set<[Int32]> = []
    return Array(
      evaluationPrompts().filter { known.insert($0).inserted }.prefix(FixedPromptRecord.promptCount)
    )
  }

  /// What a policy answers to the fixed prompts, with random numbers that are the same at every
  /// iteration and that nothing else uses.
  func fixedResponses(
    of policy: LanguageModel, after iteration: Int, to prompts: [[Int32]], reference: LanguageModel,
    reward: RewardModel?, scorer: RewardScorer
  ) throws -> [FixedPromptRecord] {
    let responses = try judge(
      policy, reference: reference, scorer: scorer, prompts: prompts, purpose: "fixed prompts")
    var members: [[Double]]?
    if let reward, reward.members.count > 1 {
      members = try reward.memberScores(
        responses.map { reward.ended($0.exchange) }, workers: workers)
    }
    return responses.enumerated().map { index, response in
      let (prompt, text) = text(response.exchange)
      return FixedPromptRecord(
        iteration: iteration, index: index, prompt: prompt, response: text,
        tokens: response.exchange.response.map(tokenizer.token), ended: response.ended,
        score: response.score, memberScores: members?[index], gold: response.gold,
        klExact: response.exactKL)
    }
  }
}
