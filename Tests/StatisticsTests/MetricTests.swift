import Testing

@testable import Statistics

@Suite struct MetricTests {
  @Test("names are unique, of one group and one name")
  func names() {
    let names = Metric.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0.wholeMatch(of: /[a-z]+\/([a-z_0-9]+|N)/) != nil })
    #expect(Metric.named("policy/ratio_max") == .ratioMax && Metric.named("policy/none") == nil)
  }

  @Test("every warning is of one metric, whose bound says when")
  func warnings() {
    let warned = Metric.all.filter { $0.warning != nil }
    #expect(
      warned.compactMap(\.warning?.rawValue).sorted()
        == Metric.Warning.allCases.map(\.rawValue).sorted())
    #expect(warned.allSatisfy { $0.bound != nil })
  }

  @Test("a bad sign begins with the bound")
  func badSigns() {
    #expect(Metric.approximateKL.badSign == "above 0.05: steps are too long")
    #expect(Metric.ratioMax.badSign.hasPrefix("above 1000: "))
    #expect(Metric.entropy.badSign.hasPrefix("below 0.2 times its first value: "))
    #expect(Metric.exactKL.badSign.hasPrefix("above 1 per token: "))
    #expect(Metric.explainedVariance.badSign.hasPrefix("below 0 at the end: "))
    #expect(Metric.score.badSign == Metric.score.concern)
  }

  @Test("a bound is crossed beyond its level, not on it, and never by what was not measured")
  func crossing() {
    func crossed(_ metric: Metric, first: Double? = nil, _ values: [String: Double]) -> Bool {
      metric.isCrossed(first: first) { values[$0.name] }
    }
    #expect(crossed(.clipFraction, ["policy/clip_fraction": 0.31]))
    #expect(!crossed(.clipFraction, ["policy/clip_fraction": 0.3]))
    #expect(!crossed(.clipFraction, [:]) && !crossed(.score, ["objective/score": 1e9]))
    #expect(crossed(.entropy, first: 2, ["objective/entropy": 0.39]))
    #expect(!crossed(.entropy, ["objective/entropy": 0.39]))
    #expect(crossed(.exactKL, ["objective/kl_exact": 9.1, "response/length": 9]))
    #expect(!crossed(.exactKL, ["objective/kl_exact": 9.1]))
    #expect(!crossed(.explainedVariance, ["value/explained_variance": -1]))
    let loss = ["value/loss": 11.0]
    #expect(crossed(.valueLoss, first: 1, loss.merging(["value/explained_variance": -0.1]) { $1 }))
    #expect(!crossed(.valueLoss, first: 1, loss.merging(["value/explained_variance": 0]) { $1 }))
  }
}
