import RunRecords
import Statistics

extension ReportSection {
  /// Everything recorded that the story did not show, so that nothing is hidden.
  @Sendable static func otherMetrics(_ records: ReportRecords) -> ReportSection? {
    let figures = records.tables.flatMap { name, table in
      table.names.filter { Metric.named($0)?.chart == nil }.compactMap { column in
        LineChart(
          title: column, unit: Metric.named(column)?.unit ?? name,
          series: [table.series(column, named: column)].compactMap(\.self)
        ).figure()
      }
    }
    guard !figures.isEmpty else { return nil }
    return ReportSection(id: "metrics", title: "Other recorded metrics") {
      element("details") {
        element("summary") { "\(figures.count) more \(figures.count == 1 ? "chart" : "charts")" }
        element("div", ["class": "charts"]) { figures }
      }
    }
  }

  /// Every setting.
  @Sendable static func scenario(_ records: ReportRecords) -> ReportSection? {
    guard let scenario = records.scenario else { return nil }
    return ReportSection(id: "scenario", title: "Settings") {
      element("details") {
        element("summary") { "The scenario as resolved, with every default written out" }
        element("pre") { element("code") { scenario } }
      }
    }
  }

  /// What each number means, and what is a bad sign.
  @Sendable static func glossary(_ records: ReportRecords) -> ReportSection? {
    let names = Set(records.tables.flatMap(\.table.names))
    let evaluation = records.evaluation
    let parts = [
      ("Final figures", evaluation == nil ? [] : MetricGlossary.figures),
      ("The reward model", evaluation?.reward == nil ? [] : MetricGlossary.rewardModel),
      ("The exact optimum", evaluation?.exact == nil ? [] : MetricGlossary.exactOptimum),
      ("Tokens", records.rollouts.isEmpty ? [] : MetricGlossary.tokens),
      (
        "Metrics",
        Metric.all.filter(names.compactMap(Metric.named).contains).map(MetricGlossary.Entry.init)
      ),
    ].filter { !$0.1.isEmpty }
    guard !parts.isEmpty else { return nil }
    return ReportSection(id: "glossary", title: "Glossary") {
      folded("What every number means, and what is a bad sign") {
        for (title, entries) in parts {
          element("h3", ["class": "part"]) { title }
          MetricGlossary.list(entries)
        }
      }
    }
  }
}

/// What every number of a report means, and what is a bad sign.
enum MetricGlossary {
  /// One number: its names on the page, and the two halves of the sentence about it.
  struct Entry: Sendable {
    /// As headings and metrics files say it; the first is the most usual.
    var names: [String]
    var meaning: String
    /// What to stop at, or, where no value is bad by itself, what would be odd.
    var badSign: String

    init(_ names: String..., meaning: String, badSign: String) {
      self.names = names
      self.meaning = meaning
      self.badSign = badSign
    }

    init(_ metric: Metric) {
      self.init(
        metric.name, meaning: "\(metric.meaning) (\(metric.unit))", badSign: metric.badSign)
    }
  }

  /// What stands in the cards, tables and charts of the end.
  static let figures = [
    Entry(
      "gold reward", "gold",
      meaning: "The world’s reward of a response, which no model sees, the sum of its features",
      badSign: "it is lower after tuning"),
    Entry(
      "score",
      meaning:
        "What `ppo.reward` gives; a reward model’s in standard deviations of the SFT policy’s",
      badSign: "it rises and gold does not"),
    Entry(
      "±",
      meaning:
        "One standard deviation over responses, the spread and not the error, unless it says "
        + "interval",
      badSign: "0 after tuning: every prompt gets responses that are worth the same"),
    Entry(
      "95 % interval",
      meaning: "Where the true value lies in 95 of 100 such runs of the evaluation",
      badSign: "it holds the value of no effect"),
    Entry(
      "win rate against SFT",
      meaning: "How often gold prefers the response after tuning, ties half",
      badSign: "its interval holds 50 %"),
    Entry(
      "exact KL from the reference", "KL",
      meaning:
        "Kullback–Leibler divergence of a response, Σ π log(π/π_ref), in nats: how unlike the "
        + "reference the policy writes",
      badSign: Metric.exactKL.badSign),
    Entry(
      "√KL", meaning: "The root of KL, in which reward rises about linearly at first",
      badSign: "the policy’s gold bends down while √KL still grows"),
    Entry(
      "best of n", meaning: "Of n responses of the reference the one with the best score",
      badSign: "the policy lies below this curve: it paid too much KL"),
    Entry(
      "grammatical responses", meaning: "Responses that the world’s grammar allows",
      badSign: "it falls after tuning"),
    Entry(
      "length", meaning: "Mean tokens in a response after tuning",
      badSign: "it nears the limit, or nothing, while gold does not ask for it"),
    Entry(
      "entropy", meaning: "How undecided the policy is about its next token, in nats",
      badSign: "near 0: one response for every prompt"),
    Entry(
      "expected",
      meaning:
        "The probability with which a judgement was to be expected by who knows the annotators",
      badSign: "far below 50 %: it was label noise or a whim"),
  ]

  /// What is known of the reward model, on pairs that it was not trained on.
  static let rewardModel = [
    Entry(
      "reward-model accuracy", "held-out accuracy",
      meaning: "Held-out pairs that the reward model ranks as the annotator did",
      badSign: "near 50 %, and suspect above the ceiling"),
    Entry(
      "ceiling", "Bayes ceiling",
      meaning:
        "Accuracy of someone who knows gold and the annotators’ habits: noise allows no more",
      badSign: "near 50 %: the judgements are noise, and nothing can be learned from them"),
    Entry(
      "training accuracy",
      meaning: "Training pairs that the reward model ranks as the annotator did",
      badSign: "above the ceiling: it has learned noise by heart"),
    Entry(
      "gap", meaning: "Training accuracy minus held-out accuracy",
      badSign: "above 10 points: noise learned by heart"),
    Entry(
      "agreement with gold",
      meaning:
        "Held-out pairs that the reward model ranks as gold does, of those that differ in gold",
      badSign: "below held-out accuracy: it learned the annotators’ habits rather than gold"),
    Entry(
      "rank correlation with gold",
      meaning: "Spearman’s: 1 when the reward model orders responses as gold does",
      badSign: "below about 0.5"),
    Entry(
      "accuracy on length-balanced pairs",
      meaning:
        "Accuracy on held-out pairs of which the longer response was chosen as often as the "
        + "shorter, so that length alone is worth 50 %",
      badSign: "clearly below held-out accuracy: much of that was length"),
    Entry(
      "judgements for the longer",
      meaning: "How often the annotators chose the longer response, where lengths differ",
      badSign: "far from 50 % in a world whose gold does not care for length"),
    Entry(
      "rewards for the longer",
      meaning: "How often the reward model prefers the longer response, where lengths differ",
      badSign: "on the other side of 50 % than the judgements, or much farther out"),
    Entry(
      "probe: filler", "probe: repetition", "probe: truncation", "probe: swapped prompt",
      meaning: "What a change to held-out responses does to their reward and to gold, on average",
      badSign: "the reward rises and gold falls: a policy can live on that"),
    Entry(
      "alerts", meaning: "What its examination found before a policy was tuned by it",
      badSign: "any: look at the report of the run for its numbers and what to try"),
    Entry(
      "calibration error", meaning: "Mean gap between stated and observed preference",
      badSign: Metric.calibrationError.badSign),
    Entry(
      "margin",
      meaning:
        "Reward of the chosen minus reward of the other response; σ of it is the stated "
        + "probability",
      badSign: "nearly all are near 0"),
  ]

  /// What is known only where every response can be listed.
  static let exactOptimum = [
    Entry(
      "of the possible improvement",
      meaning:
        "How much of the way from SFT to the optimum’s score − β·KL the policy went, 100 % "
        + "being all of it",
      badSign: "far below 100 %, and below 0 % it is worse than SFT"),
    Entry(
      "KL from the optimum", meaning: "KL(π ‖ π*) in nats, 0 when the policy is the optimum",
      badSign: "no smaller than the policy’s KL from π_ref: it went another way than the optimum"),
    Entry(
      "most score at the policy’s KL",
      meaning: "What the best policy that is as far from the reference scores",
      badSign: "the policy’s own score is far below: KL was spent on nothing"),
    Entry(
      "score − β·KL", meaning: "What tuning maximizes, the optimum’s being the most there is",
      badSign: "the policy’s is below that of SFT; above the optimum’s would be an error"),
  ]

  /// What each number of a token means; see `TokenTint`.
  static let tokens = [
    Entry(
      "log π", meaning: "Log-probability of the token under the policy that drew it, in nats",
      badSign: "0 nearly everywhere: the policy no longer explores"),
    Entry(
      "log π_ref", meaning: "The same under the reference",
      badSign: "far below log π on token after token: the reference would not write this"),
    Entry(
      "log-ratio", meaning: "log π − log π_ref; its sum over a response estimates the KL",
      badSign: "large on tokens that gold does not care for"),
    Entry(
      "reward", meaning: "The KL penalty −β·KL, and the score at the last token",
      badSign: "the penalty outweighs the score"),
    Entry(
      "value", meaning: "The reward still to come, as the value model expects it before the token",
      badSign: "the same for good and bad responses alike, late in training"),
    Entry(
      "advantage",
      meaning:
        "How much better than expected it went, whitened: above 0 PPO makes the token likelier",
      badSign: "one token in hundreds has nearly all of it"),
    Entry(
      "return", meaning: "Advantage before whitening plus value: what the value model learns",
      badSign: "far from the value still after many iterations"),
    Entry(
      "new/old", meaning: "The token’s probability after the update over that before",
      badSign: "\(Metric.ratioMax.badSign); clipped ones, without gradient, are no harm while few"),
  ]

  /// Entries as they stand on the page, a sentence each.
  static func list(_ entries: [Entry]) -> Markup {
    element("dl", ["class": "glossary"]) {
      for entry in entries {
        element("dt") {
          for (index, name) in entry.names.enumerated() {
            if index > 0 { element("br") }
            element("code") { name }
          }
        }
        element("dd") {
          ReportWarning.passages(entry.meaning + "; ")
          element("b") { "bad sign" }
          ReportWarning.passages(": \(entry.badSign).")
        }
      }
    }
  }
}
