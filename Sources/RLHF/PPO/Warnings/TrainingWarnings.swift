/// Watches the metrics of an optimization and says each kind of trouble once, where it begins.
package struct TrainingWarnings: Sendable {
  private var said: Set<TrainingWarning.Kind> = []
  private let klTarget: Double?
  private var firstEntropy: Double?
  private var firstValueLoss: Double?

  private let configuration: PPOConfiguration

  package init(_ configuration: PPOConfiguration) {
    self.configuration = configuration
    klTarget = configuration.kl.controller == .adaptive ? configuration.kl.target : nil
  }

  /// The bounds: outside of what sound runs show, and inside of what failed ones do.
  private enum Bound {
    /// Entropy, as a share of what it was at first.
    static let entropy = 0.2
    /// KL per response, in targets of an adaptive controller.
    static let klTargets = 2.0
    /// KL per token in nats, where there is no target: the policy makes its own tokens e times as
    /// likely as the reference does, in the geometric mean.
    static let klPerToken = 1.0
    /// Value loss, as a multiple of what it was at first, when every value was 0.
    static let valueLoss = 10.0
    /// Deviation of the advantages before whitening, beside which rounding is not small.
    static let advantages = 1e-6
    static let ends = 0.1
    /// Single rare tokens reach 70 in sound runs.
    static let ratio = 1_000.0
    static let clipping = 0.3
  }

  /// Takes in the metrics of an iteration; returns the warnings that are new.
  package mutating func observe(_ metrics: StepMetrics) -> [TrainingWarning] {
    var new: [TrainingWarning] = []
    func watch(_ kind: TrainingWarning.Kind, _ observation: String?) {
      guard let observation, said.insert(kind).inserted else { return }
      new.append(
        TrainingWarning(
          kind: kind, iteration: metrics.step, observation: observation,
          remedy: kind.remedy(configuration)))
    }
    watch(.collapsingEntropy, entropy(metrics))
    watch(.risingKL, kl(metrics))
    watch(.explodingValueLoss, valueLoss(metrics))
    if let deviation = metrics["policy/advantage_deviation"], deviation < Bound.advantages {
      watch(.equalAdvantages, "all advantages are equal")
    }
    if let share = metrics["response/eos_fraction"], share < Bound.ends {
      watch(.missingEnds, "only \(Self.percent(share)) of the responses ended")
    }
    if let ratio = metrics["policy/ratio_max"], ratio > Bound.ratio {
      watch(.extremeRatios, "a token became \(Self.short(ratio)) times as likely")
    }
    if let share = metrics["policy/clip_fraction"], share > Bound.clipping {
      watch(.frequentClipping, "\(Self.percent(share)) of the tokens were clipped")
    }
    return new
  }

  private mutating func entropy(_ metrics: StepMetrics) -> String? {
    guard let entropy = metrics["objective/entropy"] else { return nil }
    let first = firstEntropy ?? entropy
    firstEntropy = first
    guard entropy < Bound.entropy * first else { return nil }
    return "entropy fell from \(Self.short(first)) to \(Self.short(entropy)) nats per token"
  }

  private func kl(_ metrics: StepMetrics) -> String? {
    guard let kl = metrics["objective/kl_exact"] else { return nil }
    if let klTarget {
      guard kl > Bound.klTargets * klTarget else { return nil }
      return "KL of \(Self.short(kl)) nats per response is past its target of "
        + Self.short(klTarget)
    }
    guard let length = metrics["response/length"], kl > Bound.klPerToken * length else {
      return nil
    }
    return "KL rose to \(Self.short(kl)) nats per response, more than one nat per token"
  }

  /// A loss that is large because returns are large is no trouble as long as values follow them.
  private mutating func valueLoss(_ metrics: StepMetrics) -> String? {
    guard let loss = metrics["value/loss"], let explained = metrics["value/explained_variance"]
    else { return nil }
    let first = firstValueLoss ?? loss
    firstValueLoss = first
    guard loss > Bound.valueLoss * first, explained < 0 else { return nil }
    return "value loss rose from \(Self.short(first)) to \(Self.short(loss))"
  }

  private static func short(_ value: Double) -> String {
    guard abs(value) < 1_000_000 else { return "\(Float(value))" }
    return "\((value * 100).rounded() / 100)"
  }

  private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
}

extension TrainingWarnings {
  /// Adds what the next iteration needs to know, so that a run that goes on repeats nothing.
  func keep(in state: inout TrainingState) {
    if let firstEntropy { state.set("warnings.first_entropy", firstEntropy) }
    if let firstValueLoss { state.set("warnings.first_value_loss", firstValueLoss) }
    for kind in said { state.set(Self.name(of: kind), 1) }
  }

  /// Goes on from what ``keep(in:)`` kept.
  mutating func restore(from state: TrainingState) {
    firstEntropy = state.numbers["warnings.first_entropy"]
    firstValueLoss = state.numbers["warnings.first_value_loss"]
    said = Set(TrainingWarning.Kind.allCases.filter { state.numbers[Self.name(of: $0)] != nil })
  }

  private static func name(of kind: TrainingWarning.Kind) -> String {
    "warnings.\(kind.rawValue)"
  }
}
