import LanguageModels
import Numerics
import Statistics
import Testing

@testable import RLHF

@Suite struct WarningTests {
  /// Iterations 1, 11, 21, 31 and 60 of a sound run of `sentiment`.
  static let sound: [[StepMetrics.Value]] = [
    row(kl: 0, entropy: 2.19, clip: 0.0138, ratio: 1.88, loss: 0.377, explained: 0, length: 5.8),
    row(kl: 0.455, entropy: 2.18, clip: 0.02, ratio: 1.68, loss: 0.293, explained: 0.36, length: 6),
    row(
      kl: 2.44, entropy: 2.03, clip: 0.0128, ratio: 1.3, loss: 0.14, explained: 0.51, length: 8.4),
    row(
      kl: 3.64, entropy: 1.94, clip: 0.0075, ratio: 11.6, loss: 0.111, explained: 0.55, length: 9),
    row(kl: 3.81, entropy: 1.89, clip: 0, ratio: 1.01, loss: 0.0441, explained: 0.73, length: 9),
  ]

  static func row(
    kl: Double, entropy: Double, clip: Double, ratio: Double, loss: Double, explained: Double,
    length: Double
  ) -> [StepMetrics.Value] {
    [
      (.exactKL, kl), (.entropy, entropy), (.clipFraction, clip), (.ratioMax, ratio),
      (.advantageSD, 0.6), (.valueLoss, loss), (.explainedVariance, explained),
      (.responseLength, length), (.eosFraction, 0.99),
    ]
  }

  /// The sound run with figures of its last iterations changed; what it warned of.
  func warnings(
    _ changes: [(Metric, Double)] = [], configuration: PPOConfiguration = configured()
  ) -> [TrainingWarning] {
    var warnings = TrainingWarnings(configuration)
    return Self.sound.enumerated().flatMap { index, row in
      let row = row.map { metric, value in
        (metric, index < 3 ? value : changes.first { $0.0 == metric }?.1 ?? value)
      }
      return warnings.observe(StepMetrics(step: index + 1, of: 5, row))
    }
  }

  @Test("a sound run is not warned of anything")
  func soundRun() { #expect(warnings().isEmpty) }

  @Test(
    "each kind of warning is given once, where it begins, and none just inside the bound",
    arguments: [
      (Metric.Warning.collapsingEntropy, [(Metric.entropy, 0.43)], 0.44),
      (.risingKL, [(.exactKL, 9.1)], 9),
      (.explodingValueLoss, [(.valueLoss, 3.8), (.explainedVariance, -0.1)], 3.7),
      (.equalAdvantages, [(.advantageSD, 1e-7)], 1e-5),
      (.missingEOS, [(.eosFraction, 0.09)], 0.1),
      (.extremeRatios, [(.ratioMax, 1001)], 1000),
      (.frequentClipping, [(.clipFraction, 0.31)], 0.3),
    ])
  func kinds(kind: Metric.Warning, changes: [(Metric, Double)], harmless: Double) throws {
    let found = warnings(changes)
    #expect(found.map(\.kind) == [kind])
    #expect(found.first?.iteration == 4)
    let text = try #require(found.first).text
    #expect(text.hasPrefix("iteration 4: ") && text.contains("`ppo."))
    #expect(text.contains(changes[0].0.badSign.prefix { $0 != ":" }))
    var inside = changes
    inside[0].1 = harmless
    #expect(warnings(inside).isEmpty)
  }

  @Test("a remedy names only keys that have a part in the run")
  func remedies() {
    func remedy(_ kind: Metric.Warning, _ change: (inout PPOConfiguration) -> Void) -> String {
      kind.remedy(configured(change))
    }
    #expect(remedy(.explodingValueLoss) { _ in }.contains("`ppo.value.learning_rate`"))
    #expect(!remedy(.explodingValueLoss) { $0.valueModel = .shared }.contains("ppo.value.learning"))
    #expect(remedy(.missingEOS) { $0.missingEOS = .keep }.contains("`ppo.missing_end` to replace"))
    #expect(!remedy(.missingEOS) { $0.missingEOS = .replace }.contains("to replace"))
    #expect(remedy(.extremeRatios) { ($0.epochs, $0.minibatches) = (3, 1) }.contains("stop_kl"))
    #expect(!remedy(.extremeRatios) { ($0.epochs, $0.minibatches) = (2, 1) }.contains("stop_kl"))
    #expect(remedy(.equalAdvantages) { $0.reward.single.kind = .verifier }.contains("`threshold`"))
    #expect(!remedy(.equalAdvantages) { _ in }.contains("samples_per_prompt"))
  }

  @Test("a large value loss is no trouble while the values follow the returns")
  func followedReturns() { #expect(warnings([(.valueLoss, 50)]).isEmpty) }

  @Test("an adaptive controller's KL is compared with its target")
  func target() {
    let configuration = configured {
      $0.kl.controller = .adaptive
      $0.kl.target = 1.5
    }
    #expect(warnings(configuration: configuration).map(\.kind) == [.risingKL])
    let wider = configured {
      $0.kl.controller = .adaptive
      $0.kl.target = 1.95
    }
    #expect(warnings(configuration: wider).isEmpty)
    #expect(warnings([(.exactKL, 4)], configuration: wider).count == 1)
  }

  @Test("a run that goes on repeats no warning and remembers where it began")
  func continued() {
    var first = TrainingWarnings(configured())
    func step(_ number: Int, entropy: Double, ends: Double) -> StepMetrics {
      StepMetrics(
        step: number, of: 3, [(.entropy, entropy), (.eosFraction, ends)])
    }
    #expect(first.observe(step(1, entropy: 2, ends: 0)).map(\.kind) == [.missingEOS])
    var state = TrainingState(step: 1)
    first.save(in: &state)
    var second = TrainingWarnings(configured())
    second.restore(from: state)
    #expect(second.observe(step(2, entropy: 0.3, ends: 0)).map(\.kind) == [.collapsingEntropy])
  }

  @Test("where every response earns nothing, the trainer warns of it once")
  func trainer() throws {
    let configuration = configured { $0.kl.coefficient = 0 }
    let policy = try makePolicy()
    var value = makeValue(on: policy)
    value.head.multiply(by: 0)
    var trainer = PPOTrainer(
      configuration, policy: policy, value: value,
      rollout: makeRollout(configuration, reference: policy), using: .init(seed: 8))
    var warned: [TrainingWarning] = []
    try trainer.run { iteration, count in
      makePrompts(count, seed: UInt64(iteration))
    } warn: { warning in
      warned.append(warning)
    } report: { _, _, _ in
    }
    #expect(warned.filter { $0.kind == .equalAdvantages }.map(\.iteration) == [1])
  }
}
