import Statistics

/// Something about a reward model at which a careful reader would stop before PPO trusts it.
package struct RewardAlert: Codable, Sendable, Equatable {
  package let kind: Kind
  /// What was found, with the run's own numbers; a sentence without capital and full stop.
  package let text: String

  /// What it means, and what to try.
  package var rule: Rule { kind.rule }

  package enum Kind: String, Codable, Sendable, CaseIterable {
    case chance
    case wrongSign = "wrong-sign"
    case goldChance = "gold-chance"
    case probe
    case overlooked
    case length
    case memorized
    case risingLoss = "rising-loss"
    case farBelowCeiling = "far-below-ceiling"
    case aboveCeiling = "above-ceiling"
    case miscalibrated
    case disagreement

    package var rule: Rule { Rule.of(self) }
  }

  /// Alerts of a reward model, in the order of their declarations.
  ///
  /// - Parameters:
  ///   - epochs: how often it saw its training pairs.
  ///   - lowestLoss: the lowest held-out loss while it was trained; nil where it was not recorded.
  package static func raised(
    by figures: EvaluationSummary.RewardModel, epochs: Int, lowestLoss: Double? = nil
  ) -> [RewardAlert] {
    let examined = Examined(figures: figures, epochs: epochs, lowestLoss: lowestLoss)
    return Kind.allCases.compactMap { kind in
      kind.rule.finding(examined, kind.rule.threshold).map { RewardAlert(kind: kind, text: $0) }
    }
  }

  struct Examined {
    let figures: EvaluationSummary.RewardModel
    let epochs: Int
    let lowestLoss: Double?
  }
}

extension EvaluationSummary.RewardModel {
  /// What today's rules find in the figures and the run does not name, because the rule is younger.
  ///
  /// Without the epochs and the losses on the way, which are not among the figures.
  package var laterAlerts: [RewardAlert] {
    let known = Set((alerts ?? []).map(\.kind))
    return RewardAlert.raised(by: self, epochs: 1).filter { !known.contains($0.kind) }
  }

  /// Kinds of alert whose figures are not there, so that nobody can know of them.
  package var unexamined: [RewardAlert.Kind] {
    RewardAlert.Kind.allCases.filter { kind in
      switch kind {
      case .chance: accuracy == nil
      case .wrongSign, .goldChance: (goldAgreement?.count ?? 0) == 0
      case .probe, .overlooked: !(probes ?? []).contains { $0.goldChange != nil }
      case .length: length == nil
      case .memorized: trainingGap == nil
      case .risingLoss: loss == nil
      case .farBelowCeiling, .aboveCeiling: accuracy == nil || ceiling == nil
      case .miscalibrated: ece == nil
      case .disagreement: false  // a model alone has nobody to disagree with
      }
    }
  }
}

extension RewardAlert {
  /// The declaration of a kind of alert.
  package struct Rule: Sendable {
    /// A few words, for a headline.
    package let title: String
    /// What the figure is compared with.
    package let threshold: Double
    /// A sentence without capital and full stop.
    package let meaning: String
    /// What to try, likewise; keys of the scenario stand between backticks.
    package let advice: String
    let finding: @Sendable (Examined, _ threshold: Double) -> String?

    static func of(_ kind: Kind) -> Rule {
      switch kind {
      case .chance: chance
      case .wrongSign: wrongSign
      case .goldChance: goldChance
      case .probe: probe
      case .overlooked: overlooked
      case .length: length
      case .memorized: memorized
      case .risingLoss: risingLoss
      case .farBelowCeiling: farBelowCeiling
      case .aboveCeiling: aboveCeiling
      case .miscalibrated: miscalibrated
      case .disagreement: disagreement
      }
    }
  }
}

extension RewardAlert.Rule {
  private static let chance = Self(
    title: "No better than chance", threshold: Verdict.chance,
    meaning: "the reward model has not learned what annotators prefer, and its score says nothing",
    advice: "train longer or on more pairs (`reward.epochs`, `preferences.pairs`), and look at "
      + "whether chosen and rejected are mixed up in the rows"
  ) { examined, threshold in
    guard let accuracy = examined.figures.accuracy, accuracy.low <= threshold else { return nil }
    return "it is right on \(percent(accuracy)) of \(accuracy.count) held-out pairs, "
      + (accuracy.high < threshold ? "worse than a coin" : "which a coin could be too")
  }

  private static let wrongSign = Self(
    title: "Against gold", threshold: Verdict.chance,
    meaning: "what it rewards is what gold dislikes: the more PPO earns, the worse the responses "
      + "get",
    advice: "look at whom the comparisons come from (`annotators`) and whether chosen and "
      + "rejected are mixed up"
  ) { examined, threshold in
    guard let agreement = examined.figures.goldAgreement, agreement.count > 0,
      agreement.high < threshold
    else { return nil }
    return "it orders \(percent(agreement)) of \(agreement.count) pairs as gold does"
  }

  private static let goldChance = Self(
    title: "Unrelated to gold", threshold: Verdict.chance,
    meaning: "its score says nothing of which response is better: PPO can raise it without making "
      + "responses better",
    advice: wrongSign.advice
  ) { examined, threshold in
    guard let agreement = examined.figures.goldAgreement, agreement.count > 0,
      agreement.low <= threshold, agreement.high >= threshold
    else { return nil }
    let interval = [agreement.low, agreement.high].map { NumberText.fixed($0 * 100, 1) }
    return "it orders \(percent(agreement)) of \(agreement.count) pairs as gold does (95 %: "
      + "\(interval[0]) to \(interval[1])), which a coin could too"
  }

  // In sound runs of `sentiment` filler is worth up to 0.56 sd (seeds 1 to 8), and PPO gains 1.3 to 2.1.
  private static let probe = Self(
    title: "Rewards what gold dislikes", threshold: 0.6,
    meaning: "the policy can raise its score by a change that makes responses worse, and PPO "
      + "will find it",
    advice: "add comparisons in which such responses lose, or hold the policy closer to the "
      + "reference (`ppo.kl.coefficient`)"
  ) { examined, threshold in
    let found = (examined.figures.probes ?? []).filter { probe in
      guard let gold = probe.goldChange else { return false }
      return probe.change.low > 0 && probe.change.mean > threshold && gold.high < 0
    }
    guard let worst = found.max(by: { $0.change.mean < $1.change.mean }),
      let gold = worst.goldChange
    else { return nil }
    return "\(worst.title) changes the reward by \(NumberText.signed(worst.change.mean, 2)) sd "
      + "where it changes gold by \(NumberText.signed(gold.mean, 2)) sd"
  }

  // In sound runs of `sentiment` no probe costs more gold than 2.4 sd (seeds 1 to 8; 2.0 on 101 to 108).
  private static let overlooked = Self(
    title: "Overlooks what gold dislikes", threshold: 2.5,
    meaning: "nothing in the score holds the policy back from responses that are much worse",
    advice: probe.advice
  ) { examined, threshold in
    let found = (examined.figures.probes ?? []).compactMap { probe in
      probe.goldChange.map { (title: probe.title, reward: probe.change.mean, gold: $0) }
    }
    // Less than a tenth of what gold falls by; a change that raises the score is an alert of its own.
    let overlooked = found.filter {
      $0.gold.high < -threshold && $0.reward > $0.gold.mean / 10 && $0.reward <= probe.threshold
    }
    guard let worst = overlooked.min(by: { $0.gold.mean < $1.gold.mean }) else { return nil }
    return "\(worst.title) changes gold by \(NumberText.signed(worst.gold.mean, 2)) sd, and the "
      + "reward by \(NumberText.signed(worst.reward, 2)) sd"
  }

  private static let length = Self(
    title: "Follows length", threshold: 0.3,
    meaning: "it takes length for quality, and the policy will learn to write longer",
    advice: "balance the pairs by length, or look at whether annotators prefer what is long"
  ) { examined, threshold in
    guard let length = examined.figures.length, length.excess > threshold else { return nil }
    return "its correlation with length is \(NumberText.signed(length.correlation, 2))"
      + (length.goldCorrelation.map { ", that of gold \(NumberText.signed($0, 2))" } ?? "")
  }

  // After one epoch no pair was seen twice, and a gap has other reasons.
  private static let memorized = Self(
    title: "Learned pairs by heart", threshold: 0.1,
    meaning: "much of what it learned is the noise of its training pairs",
    advice: "take fewer epochs (`reward.epochs`) or more pairs (`preferences.pairs`)"
  ) { examined, threshold in
    guard examined.epochs > 1, let gap = examined.figures.trainingGap, gap > threshold,
      let training = examined.figures.trainingAccuracy, let heldOut = examined.figures.accuracy
    else { return nil }
    return "it is right on \(percent(training)) of training pairs after \(examined.epochs) "
      + "epochs and on \(percent(heldOut)) of held-out ones"
  }

  private static let risingLoss = Self(
    title: "Held-out loss rose again", threshold: 1.05,
    meaning: "training went on after it no longer helped",
    advice: "stop early (`reward.early_stopping`), or lower `reward.learning_rate` or "
      + "`reward.epochs`"
  ) { examined, threshold in
    guard let least = examined.lowestLoss, let loss = examined.figures.loss,
      loss > least * threshold
    else { return nil }
    return
      "the held-out loss rose from \(NumberText.fixed(least, 3)) to \(NumberText.fixed(loss, 3))"
  }

  private static let farBelowCeiling = Self(
    title: "Far below its ceiling", threshold: 0.1,
    meaning: "annotators are more consistent than it has learned",
    advice: "give it more pairs or steps (`preferences.pairs`, `reward.epochs`), or a larger model"
  ) { examined, threshold in
    guard let accuracy = examined.figures.accuracy, let ceiling = examined.figures.ceiling,
      accuracy.high < ceiling - threshold
    else { return nil }
    return "it is right on \(percent(accuracy)) of held-out pairs, and "
      + "\(NumberText.percent(ceiling)) are possible"
  }

  private static let aboveCeiling = Self(
    title: "Above what is possible", threshold: 0,
    meaning: "nothing can be right more often than the annotators’ noise allows",
    advice: "look for training pairs among the held-out ones"
  ) { examined, threshold in
    guard let accuracy = examined.figures.accuracy, let ceiling = examined.figures.ceiling,
      accuracy.low > ceiling + threshold
    else { return nil }
    return "it is right on \(percent(accuracy)) of held-out pairs, and only "
      + "\(NumberText.percent(ceiling)) are possible"
  }

  private static let miscalibrated = Self(
    title: "Miscalibrated", threshold: Metric.calibrationError.bound?.level ?? 0.05,
    meaning: Metric.calibrationError.concern,
    advice: "take fewer epochs (`reward.epochs`), or smooth the labels (`reward.slips`)"
  ) { examined, threshold in
    guard let error = examined.figures.ece, error > threshold else { return nil }
    return "stated preferences miss the observed ones by \(NumberText.fixed(error, 3)) on average"
  }

  private static let disagreement = Self(
    title: "Members disagree", threshold: 0.5,
    meaning: "the members learned different things, and off the data they will differ more",
    advice: "give them more pairs, or let the lowest count (`reward.combine`)"
  ) { examined, threshold in
    guard let disagreement = examined.figures.disagreement, disagreement > threshold else {
      return nil
    }
    return "the members’ rewards of a held-out response differ by "
      + "\(NumberText.fixed(disagreement, 2)) sd on average"
  }

  private static func percent(_ share: Proportion) -> String { NumberText.percent(share.value) }
}
