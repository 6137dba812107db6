import Foundation
import Testing

@testable import RunRecords
@testable import Statistics

/// Figures of reward models that were trained on `sentiment` to have a fault, seed 1.
@Suite("Reward alerts")
struct RewardAlertTests {
  /// The shipped settings: right 0.769 of 2 000 times, of 0.805 that are possible.
  static let sound = figures(
    accuracy: 0.769, training: 0.8035, agreement: 0.921, ece: 0.037, loss: 0.495, length: -0.053,
    goldLength: 0.02, filler: (-0.57, -1.90))

  static func figures(
    accuracy: Double, training: Double, agreement: Double, ece: Double, loss: Double,
    length: Double, goldLength: Double?, filler: (change: Double, gold: Double)
  ) -> EvaluationSummary.RewardModel {
    var figures = EvaluationSummary.RewardModel()
    figures.accuracy = Proportion(successes: accuracy * 2_000, of: 2_000)
    figures.trainingAccuracy = Proportion(successes: training * 2_000, of: 2_000)
    figures.trainingGap = training - accuracy
    figures.ceiling = 0.805
    figures.goldAgreement = Proportion(successes: agreement * 1_709, of: 1_709)
    (figures.ece, figures.loss) = (ece, loss)
    let none = Proportion(successes: 0, of: 0)
    figures.length = LengthEvaluation(
      correlation: length, goldCorrelation: goldLength, longerChosen: none, longerPreferred: none,
      balancedAccuracy: none)
    figures.probes = [
      ProbeResult(
        name: "filler", change: around(filler.change), goldChange: around(filler.gold), count: 1_000
      )
    ]
    return figures
  }

  private static func around(_ mean: Double) -> MeanInterval {
    MeanInterval(mean: mean, low: mean - 0.05, high: mean + 0.05)
  }

  func kinds(
    _ figures: EvaluationSummary.RewardModel, epochs: Int = 4, lowestLoss: Double? = 0.493
  ) -> [RewardAlert.Kind] {
    RewardAlert.raised(by: figures, epochs: epochs, lowestLoss: lowestLoss).map(\.kind)
  }

  @Test("a sound reward model has none, nor has one of which nothing is known")
  func none() {
    #expect(kinds(Self.sound).isEmpty)
    #expect(kinds(EvaluationSummary.RewardModel(), lowestLoss: nil).isEmpty)
  }

  @Test("annotators who toss a coin")
  func chance() throws {
    var figures = Self.figures(
      accuracy: 0.5105, training: 0.519, agreement: 0.494, ece: 0.006, loss: 0.694, length: -0.301,
      goldLength: 0.02, filler: (-0.96, -1.93))
    figures.ceiling = 0.5
    let alert = try #require(RewardAlert.raised(by: figures, epochs: 4).first)
    #expect(kinds(figures, lowestLoss: 0.693) == [.chance, .goldChance])
    #expect(
      alert.text == "it is right on 51.0\u{A0}% of 2000 held-out pairs, which a coin could be too")
    #expect(!alert.rule.meaning.isEmpty && alert.rule.advice.contains("`reward.epochs`"))
  }

  @Test("accuracy below chance after one epoch: memorizing is not blamed")
  func belowChance() throws {
    var figures = Self.sound
    figures.accuracy = Proportion(successes: 840, of: 2_000)
    figures.trainingGap = 0.38
    #expect(kinds(figures, epochs: 1) == [.chance, .farBelowCeiling])
    let alert = try #require(RewardAlert.raised(by: figures, epochs: 1).first)
    #expect(alert.text == "it is right on 42.0\u{A0}% of 2000 held-out pairs, worse than a coin")
    #expect(kinds(figures, epochs: 2) == [.chance, .memorized, .farBelowCeiling])
  }

  @Test("annotators with gold turned round")
  func wrongSign() throws {
    let figures = Self.figures(
      accuracy: 0.772, training: 0.797, agreement: 0.071, ece: 0.013, loss: 0.49, length: 0.003,
      goldLength: 0.02, filler: (-0.31, -1.96))
    #expect(kinds(figures) == [.wrongSign])
    let alert = try #require(RewardAlert.raised(by: figures, epochs: 4).first)
    #expect(alert.text == "it orders 7.1\u{A0}% of 1709 pairs as gold does")
  }

  @Test(
    "an agreement with gold that chance explains is named, and only that one",
    arguments: [
      (274, [RewardAlert.Kind.goldChance]), (295, [.goldChance]), (318, [.goldChance]),
      (319, []), (200, [.wrongSign]), (0, [.wrongSign]),
    ])
  func goldChance(agreeing: Int, expected: [RewardAlert.Kind]) {
    var figures = Self.sound
    // 274 of 589, 46.5 %: a run of a world of explanations whose policy fooled its reward model.
    figures.goldAgreement = Proportion(successes: Double(agreeing), of: 589)
    let alerts = RewardAlert.raised(by: figures, epochs: 4)
    #expect(alerts.map(\.kind) == expected)
    guard agreeing == 274 else { return }
    #expect(
      alerts.map(\.text) == [
        "it orders 46.5\u{A0}% of 589 pairs as gold does (95 %: 42.5 to 50.6), which a coin could too"
      ])
  }

  @Test("where gold is unknown, or no pair differs in it, agreement with it is not examined")
  func unknownGold() {
    for agreement in [nil, Proportion(successes: 0, of: 0)] {
      var figures = Self.sound
      figures.goldAgreement = agreement
      #expect(kinds(figures).isEmpty)
      #expect(figures.unexamined == [.wrongSign, .goldChance])
    }
    #expect(Self.sound.unexamined.isEmpty)
    // One model alone has no members to disagree.
    #expect(
      EvaluationSummary.RewardModel().unexamined
        == RewardAlert.Kind.allCases.filter { $0 != .disagreement })
  }

  @Test(
    "a record from before a rule is examined by it now; what it names already is not said twice")
  func laterAlerts() {
    var figures = Self.sound
    figures.goldAgreement = Proportion(successes: 295, of: 589)
    figures.alerts = []
    #expect(figures.laterAlerts.map(\.kind) == [.goldChance])
    figures.alerts = figures.laterAlerts
    #expect(figures.laterAlerts.isEmpty)
  }

  @Test("filler pays from 0.6 sd on", arguments: [(0.56, false), (0.77, true)])
  func filler(change: Double, isRaised: Bool) {
    let figures = Self.figures(
      accuracy: 0.769, training: 0.8, agreement: 0.92, ece: 0.037, loss: 0.495, length: 0.02,
      goldLength: 0.02, filler: (change, -1.9))
    #expect(kinds(figures).contains(.probe) == isRaised)
  }

  @Test(
    "a probe that costs gold more than 2.5 sd and the reward less than a tenth of it",
    arguments: [
      (0.01, -3.71, [RewardAlert.Kind.overlooked]), (-0.3, -3.71, [.overlooked]), (-0.4, -3.71, []),
      (0.01, -2.5, []), (0.77, -3.71, [.probe]),
    ])
  func overlooked(change: Double, gold: Double, expected: [RewardAlert.Kind]) throws {
    var figures = Self.sound
    figures.probes = [
      ProbeResult(
        name: "repetition", change: Self.around(change), goldChange: Self.around(gold), count: 1_000
      )
    ]
    #expect(kinds(figures) == expected)
    guard change == 0.01, !expected.isEmpty else { return }
    #expect(
      RewardAlert.raised(by: figures, epochs: 4).map(\.text) == [
        "repetition changes gold by −3.71 sd, and the reward by +0.01 sd"
      ])
  }

  @Test("annotators who like length: filler pays and the reward follows length")
  func length() {
    var figures = Self.figures(
      accuracy: 0.835, training: 0.846, agreement: 0.647, ece: 0.027, loss: 0.395, length: 0.855,
      goldLength: 0.02, filler: (1.06, -1.92))
    figures.ceiling = 0.856
    let alerts = RewardAlert.raised(by: figures, epochs: 4, lowestLoss: 0.395)
    #expect(alerts.map(\.kind) == [.probe, .length])
    #expect(
      alerts.map(\.text) == [
        "filler changes the reward by +1.06 sd where it changes gold by −1.92 sd",
        "its correlation with length is +0.86, that of gold +0.02",
      ])
    // A gold that follows length itself is no fault of the model.
    figures.length?.goldCorrelation = 0.6
    #expect(kinds(figures, lowestLoss: nil) == [.probe])
  }

  @Test("1 000 pairs, 40 epochs: learned by heart, overconfident, and the loss rose again")
  func memorized() throws {
    let figures = Self.figures(
      accuracy: 0.5955, training: 0.999, agreement: 0.617, ece: 0.253, loss: 0.968, length: 0.087,
      goldLength: 0.02, filler: (0.1, -1.9))
    #expect(
      kinds(figures, epochs: 40, lowestLoss: 0.842) == [
        .memorized, .risingLoss, .farBelowCeiling, .miscalibrated,
      ])
    let texts = RewardAlert.raised(by: figures, epochs: 40, lowestLoss: 0.842).map(\.text)
    #expect(
      texts[0]
        == "it is right on 99.9\u{A0}% of training pairs after 40 epochs and on 59.6\u{A0}% of held-out ones"
    )
    #expect(texts[1] == "the held-out loss rose from 0.842 to 0.968")
    #expect(texts[3] == "stated preferences miss the observed ones by 0.253 on average")
  }

  @Test("few pairs, training pairs among the held-out ones, members that disagree")
  func others() {
    var figures = Self.sound
    figures.accuracy = Proportion(successes: 1_314, of: 2_000)
    #expect(kinds(figures) == [.farBelowCeiling])
    figures = Self.sound
    figures.accuracy = Proportion(successes: 1_720, of: 2_000)
    #expect(kinds(figures) == [.aboveCeiling])
    figures = Self.sound
    figures.disagreement = 0.5
    #expect(kinds(figures).isEmpty)
    figures.disagreement = 0.62
    #expect(kinds(figures) == [.disagreement])
  }

  @Test("alerts are written and read back")
  func codable() throws {
    let alerts = [RewardAlert(kind: .wrongSign, text: "it orders 7.1 % of 1709 pairs as gold does")]
    let data = try JSONEncoder().encode(alerts)
    #expect(String(decoding: data, as: UTF8.self).contains("\"wrong-sign\""))
    #expect(try JSONDecoder().decode([RewardAlert].self, from: data) == alerts)
  }
}
