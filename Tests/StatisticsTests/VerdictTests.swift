import Testing

@testable import Statistics

@Suite("Verdicts")
struct VerdictTests {
  /// Mean and sd of 1 024 responses before and after.
  private func verdict(
    score: (Double, Double, Double, Double), gold: (Double, Double, Double, Double)?,
    accuracy: Double? = 0.769, count: Int = 1_024
  ) -> Verdict {
    func summaries(
      _ values: (Double, Double, Double, Double)
    ) -> (before: Summary, after: Summary) {
      (
        Summary(mean: values.0, standardDeviation: values.1, count: count),
        Summary(mean: values.2, standardDeviation: values.3, count: count)
      )
    }
    return Verdict(
      score: summaries(score), gold: gold.map(summaries),
      accuracy: accuracy.map { Proportion(successes: $0 * 2_000, of: 2_000) })
  }

  // RECORDED

  @Test("without gold, without spread, and from too few responses nobody can tell")
  func doubts() {
    let score = (0.0, 1.0, 1.7, 0.7)
    let blind = verdict(score: score, gold: nil)
    #expect(blind.word == .unclear && blind.doubt == .noGold)
    #expect(blind.gain.gold == nil && blind.gain.gap == nil)
    #expect(blind.text().hasPrefix("The reward model says +1.7 sd: whether the policy got better"))
    let alike = verdict(score: score, gold: (1, 0, 2, 1))
    #expect(alike.word == .unclear && alike.doubt == .noSpread)
    // ± 1.96 √(1/8 + 1/8) = 0.98 sd
    let few = verdict(score: score, gold: (0, 1, 1, 1), count: 8)
    #expect(few.word == .unclear)
    guard case .fewResponses(let half)? = few.doubt else {
      Issue.record("no doubt")
      return
    }
    #expect(abs(half - 0.98) < 1e-12)
    #expect(verdict(score: score, gold: (0, 1, 1, 1), accuracy: nil).word == .better)
  }

  @Test("what counts: 0.2 sd of gold, or a score of 0.2 sd that is 0.5 above gold")
  func thresholds() {
    func word(_ score: Double, _ gold: Double) -> Verdict.Word {
      verdict(score: (0, 1, score, 1), gold: (0, 1, gold, 1)).word
    }
    #expect(word(0.2, 0.2) == .better && word(-0.5, 0.2) == .better && word(3, 0.2) == .better)
    #expect(word(0.2, -0.2) == .fooled && word(0.19, -0.2) == .worse && word(-1, -1) == .worse)
    #expect(word(0.6, 0.1) == .fooled && word(0.59, 0.1) == .unchanged)
    #expect(word(0.4, -0.19) == .fooled && word(0.19, -0.19) == .unchanged)
    #expect(word(0, 0) == .unchanged && word(-1, 0.19) == .unchanged)
  }

  @Test("gains are in sd of the SFT policy, and the gap is their difference")
  func gains() {
    let verdict = verdict(score: (0.5, 2, 4.5, 1), gold: (-1, 0.5, 0, 1))
    #expect(verdict.gain == Verdict.Gain(score: 2, gold: 2))
    #expect(verdict.gain.gap == 0)
    #expect(
      verdict.text(judge: "the score")
        == "The score says +2.0 sd, gold says +2.0 sd: the policy got better, and the score is about right."
    )
  }
}
