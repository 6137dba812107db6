import RunRecords
import Statistics

extension ReportSection {
  /// The same prompts answered before and after.
  @Sendable static func samples(_ records: ReportRecords) -> ReportSection? {
    guard !records.samples.isEmpty else { return nil }
    let shown = Array(records.samples.prefix(SampleComparison.countByToken))
    let more = records.samples.dropFirst(shown.count)
    return ReportSection(id: "samples", title: "Samples before and after") {
      if shown.contains(where: { !tokens($0).isEmpty }) {
        coloured(shown, records)
      } else {
        table(shown, records)
      }
      if !more.isEmpty {
        element("details") {
          element("summary") { "\(more.count) more" }
          table(more, records)
        }
      }
    }
  }

  /// The samples with the later responses coloured token by token.
  @MarkupBuilder private static func coloured(
    _ samples: [SampleComparison], _ records: ReportRecords
  ) -> [Markup] {
    let tinting = TokenTinting(
      "sample-tint", by: [.divergence, .logRatio], of: samples.flatMap(tokens))
    element("p") {
      if !records.fixedPrompts.isEmpty {
        "The first prompts of the evaluation; above they were answered with other random numbers. "
      }
      "An arrow says whether gold rose or fell. "
      """
      The later responses are coloured by how far each token is from the reference; point at one, \
      or tap it, for its numbers. Gold and score are in \(records.units.unit).
      """
      if !records.rollouts.isEmpty {
        " Advantages and values exist only where an update was made: see "
        element("a", ["href": "#tokens"]) { "Token by token" }
        "."
      }
    }
    element("div", ["class": "tinted"]) {
      tinting.choices
      element("div", ["class": "tokens"]) {
        table(samples, records, tinting)
        TokenTinting.numbers(samples.map { ($0.prompt, tokens($0)) })
      }
      TokenTinting.readout
    }
  }

  /// The later response's tokens; none where they were not saved.
  private static func tokens(_ sample: SampleComparison) -> [TintedToken] {
    let numbers = zip(sample.exactKLTokensAfter ?? [], sample.logRatioTokensAfter ?? [])
    return zip(sample.tokensAfter ?? [], numbers).map { text, numbers in
      let (divergence, logRatio) = numbers
      return TintedToken(
        text: text, values: [.divergence: divergence, .logRatio: logRatio],
        figures: [
          (TokenTint.divergence.title, NumberText.fixed(divergence, 3)),
          (TokenTint.logRatio.title, NumberText.signed(logRatio, 3)),
        ])
    }
  }

  private static func table(
    _ samples: some Sequence<SampleComparison>, _ records: ReportRecords,
    _ tinting: TokenTinting? = nil
  ) -> Markup {
    let units = records.units
    return Reports.table(
      [
        .words("Prompt and response before (SFT)"), .number("gold"), .number("score"),
        .words("Response after (\(records.method))"), .number("gold"), .number("score"),
        .number("KL"),
      ], style: "samples"
    ) {
      for sample in samples {
        element("tr") {
          words(sample.prompt, sample.before, "Before")
          reward(.gold, sample.goldBefore, units)
          reward(.score, sample.scoreBefore, units)
          words(sample.prompt, sample.after, "After", tinting, tokens(sample))
          change(sample.goldBefore, sample.goldAfter, units)
          reward(.score, sample.scoreAfter, units)
          number(sample.klAfter, "KL")
        }
      }
    }
  }

  private static func words(
    _ prompt: String, _ response: String, _ label: String, _ tinting: TokenTinting? = nil,
    _ tokens: [TintedToken] = []
  ) -> Markup {
    element("td", ["class": "words", "data-label": label]) {
      element("span", ["class": "prompt"]) { prompt }
      " "
      if let tinting, !tokens.isEmpty {
        for token in tokens {
          tinting.span(token)
          " "
        }
      } else if response.isEmpty {
        element("i") { "(empty)" }
      } else {
        response
      }
    }
  }

  /// Gold afterwards, with an arrow for its direction.
  private static func change(
    _ before: Double?, _ after: Double?, _ units: StandardUnits
  ) -> Markup {
    var style = "number"
    var arrow = ""
    if let before, let after, after != before {
      style += after > before ? " better" : " worse"
      arrow = after > before ? "▲ " : "▼ "
    }
    return reward(.gold, after, units, prefix: arrow, style: style)
  }
}
