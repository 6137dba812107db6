import RunRecords
import Settings
import Statistics

/// Below the verdict: why it came so, what had warned, and which figure shows it.
enum ReportReasons {
  static func markup(_ records: ReportRecords) -> Markup {
    let word = records.evaluation?.verdict?.word
    let reward = records.evaluation?.reward
    let isBad = word == .fooled || word == .worse
    // Who judged says something of a policy that was tuned by what was learned from them.
    let world =
      isBad && reward != nil && records.rewardWithoutJudge == nil ? WorldDescription(records) : nil
    return element("ul", ["class": "reasons"]) {
      if isBad, let words = turningPoint(OutcomeFrames(records)) {
        reason("When", "#outcome", "Score and gold") { words }
      }
      for words in [world.flatMap { unseen($0, reward) }, world.flatMap { biases($0, reward) }] {
        if let words { reason("Why", "#world", "the world") { words } }
      }
      if isBad, records.settings?.text(at: "ppo.kl.coefficient").flatMap(Double.init) == 0 {
        reason("Not held back", "#outcome", "KL from SFT") {
          ReportWarning.passages(
            "β is 0, so no KL penalty kept the policy near the reference, where the reward model was "
              + "trained; raise `ppo.kl.coefficient`.")
        }
      }
      for alert in reward?.alerts ?? [] {
        reason(word == nil ? "Warning" : "Warned before", "#reward", "the reward model") {
          text(alert)
        }
      }
      for alert in reward?.laterAlerts ?? [] {
        reason("Not examined when it ran", "#reward", "the reward model") { text(alert) }
      }
    }
  }

  private static func text(_ alert: RewardAlert) -> [Markup] {
    ReportWarning.passages("\(alert.text) (\(alert.rule.title.lowercased())).")
  }

  /// When gold was best, where that is not the end.
  private static func turningPoint(_ frames: OutcomeFrames) -> String? {
    guard let peak = frames.peak, peak.gold > Verdict.leastChange, let end = frames.last.gold,
      let row = frames.iterations.firstIndex(of: peak.iteration)
    else { return nil }
    func sd(_ value: Double) -> String { "\(NumberText.signed(value, 1)) sd" }
    let score = frames.score[row].flatMap { before in
      frames.last.score.map { "; the score went from \(sd(before)) to \(sd($0))" }
    }
    return
      "gold was best after \(peak.iteration) iterations (\(sd(peak.gold))) and fell from there to "
      + "\(sd(end))\(score ?? "")."
  }

  /// What gold counts and no annotator sees.
  private static func unseen(
    _ world: WorldDescription, _ reward: EvaluationSummary.RewardModel?
  ) -> String? {
    let spots = world.blindSpots
    guard let first = spots.first else { return nil }
    let names = Set(spots.map { $0.feature.replacing("_", with: " ") }).sorted()
    let probes = Set(spots.map(\.kind)).compactMap { reward?.probe($0) }
    return "no annotator sees \(names.joined(separator: " or ")) (gold: "
      + "\(NumberText.signed(first.value, 1)), raw, for \(first.words)), so no judgement tells of it."
      + probes.map { " \(ReportSection.finding($0).sentenceCased)." }.joined()
  }

  /// How annotators judge otherwise than by gold, and what shows whether the reward model learned it.
  private static func biases(
    _ world: WorldDescription, _ reward: EvaluationSummary.RewardModel?
  ) -> String? {
    let biases = world.biases
    guard let reward, !biases.isEmpty else { return nil }
    func judging(_ bias: WorldDescription.Bias) -> String {
      "\(NumberText.percent(bias.share)) of the judgements \(bias.words)"
    }
    let traces = biases.map { trace(of: $0, in: reward) }
    var sentences = zip(biases, traces).compactMap { bias, trace in
      trace.map { "Annotators of \(judging(bias)); \($0)." }
    }
    let untraced = zip(biases, traces).filter { $1 == nil }.map(\.0)
    if !untraced.isEmpty {
      sentences.append(
        "Annotators of \(untraced.map(judging).joined(separator: "; of "))"
          + ": nothing that was examined shows whether the reward model learned "
          + (untraced.count == 1 ? "it." : "these."))
    }
    let known = [
      reward.accuracy.map { "is right on \(NumberText.percent($0.value)) of held-out judgements" },
      reward.goldAgreement.map { "orders \(NumberText.percent($0.value)) of pairs as gold does" },
    ].compactMap(\.self)
    return "the annotators judge otherwise than gold does. " + sentences.joined(separator: " ")
      + (known.isEmpty ? "" : " The reward model \(known.joined(separator: " and ")).")
  }

  /// Whether the reward model learned a bias; nil where no record shows it.
  private static func trace(
    of bias: WorldDescription.Bias, in reward: EvaluationSummary.RewardModel
  ) -> String? {
    func said(_ isLearned: Bool, _ words: String) -> String {
      (isLearned
        ? "the reward model learned it: "
        : "the examination does not show that the reward model learned it: ") + words
    }
    switch bias.trace {
    case .length(let sign):
      guard let length = reward.length else { break }
      let excess = sign > 0 ? length.excess : length.shortfall
      return said(
        excess > RewardAlert.Kind.length.rule.threshold, ReportSection.correlations(length))
    case .probe(let name, let sign):
      guard let probe = reward.probe(name) else { break }
      let least = sign > 0 ? probe.change.low : -probe.change.high
      return said(least > 0, ReportSection.finding(probe))
    case .order: return "a reward model, which sees no order, cannot learn it"
    case .none: break
    }
    return nil
  }

  private static func reason(
    _ title: String, _ target: String, _ place: String, @MarkupBuilder _ text: () -> [Markup]
  ) -> Markup {
    element("li") {
      element("b") { "\(title): " }
      text()
      " See "
      element("a", ["href": target]) { place }
      "."
    }
  }
}

extension EvaluationSummary.RewardModel {
  fileprivate func probe(_ name: String) -> ProbeResult? { probes?.first { $0.name == name } }
}
