import RunRecords

extension ReportSection {
  /// The same prompts answered before and after.
  @Sendable static func samples(_ records: ReportRecords) -> ReportSection? {
    guard !records.samples.isEmpty else { return nil }
    let shown = 12
    return ReportSection(id: "samples", title: "Samples before and after") {
      table(records.samples.prefix(shown), after: records.method)
      if records.samples.count > shown {
        element("details") {
          element("summary") { "\(records.samples.count - shown) more" }
          table(records.samples.dropFirst(shown), after: records.method)
        }
      }
    }
  }

  private static func table(
    _ samples: some Sequence<SampleComparison>, after method: String
  ) -> Markup {
    element("table", ["class": "samples"]) {
      element("thead") {
        element("tr") {
          element("th", ["scope": "col", "class": "words"]) { "Prompt and response before (SFT)" }
          element("th", ["scope": "col", "class": "number"]) { "gold" }
          element("th", ["scope": "col", "class": "number"]) { "score" }
          element("th", ["scope": "col", "class": "words"]) { "Response after (\(method))" }
          element("th", ["scope": "col", "class": "number"]) { "gold" }
          element("th", ["scope": "col", "class": "number"]) { "score" }
          element("th", ["scope": "col", "class": "number"]) { "KL" }
        }
      }
      element("tbody") {
        for sample in samples {
          element("tr") {
            words(sample.prompt, sample.before, "Before")
            number(sample.goldBefore, "gold")
            number(sample.scoreBefore, "score")
            words(sample.prompt, sample.after, "After")
            change(sample.goldBefore, sample.goldAfter)
            number(sample.scoreAfter, "score")
            number(sample.klAfter, "KL")
          }
        }
      }
    }
  }

  private static func words(_ prompt: String, _ response: String, _ label: String) -> Markup {
    element("td", ["class": "words", "data-label": label]) {
      element("span", ["class": "prompt"]) { prompt }
      " "
      if response.isEmpty {
        element("i") { "(empty)" }
      } else {
        response
      }
    }
  }

  private static func number(_ value: Double?, _ label: String) -> Markup {
    element("td", ["class": "number", "data-label": label]) {
      value.map { NumberText.fixed($0, 2) } ?? "–"
    }
  }

  /// Gold afterwards, with an arrow for its direction.
  private static func change(_ before: Double?, _ after: Double?) -> Markup {
    var style = "number"
    var arrow = ""
    if let before, let after, after != before {
      style += after > before ? " better" : " worse"
      arrow = after > before ? "▲ " : "▼ "
    }
    return element("td", ["class": style, "data-label": "gold"]) {
      arrow + (after.map { NumberText.fixed($0, 2) } ?? "–")
    }
  }
}
