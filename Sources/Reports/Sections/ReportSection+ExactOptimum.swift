import RunRecords
import Statistics

extension ReportSection {
  /// The learned policy against the best there is, where every response can be listed.
  @Sendable static func exactOptimum(_ records: ReportRecords) -> ReportSection? {
    guard let exact = records.evaluation?.exact else { return nil }
    return ReportSection(id: "exact", title: "The learned policy against the exact optimum") {
      element("p") {
        """
        This world is so small that all \(exact.responses) responses to each of its \
        \(exact.prompts) prompts can be listed. So the best policy there is for score − β·KL is \
        known, π* ∝ π_ref·exp(score / β), and nothing in this section was sampled.
        """
      }
      figures(exact, of: records.method)
      element("div", ["class": "charts"]) {
        frontierChart(exact, of: records.method).figure()
        likeliestChart(exact, of: records.method)
      }
    }
  }

  private static func figures(_ exact: EvaluationSummary.Exact, of method: String) -> Markup {
    func row(
      _ name: String, _ note: String, _ value: (EvaluationSummary.Exact.Policy) -> Double?
    ) -> Markup? {
      let values = [exact.reference, exact.policy, exact.optimum].compactMap(value)
      guard values.count == 3 else { return nil }
      return element("tr") {
        rowTitle(name, unit: note)
        for value in values { number(NumberText.fixed(value, 3)) }
      }
    }
    return element("div", ["class": "wide"]) {
      facts([
        (
          "Of the possible improvement", exact.fraction.map(NumberText.percent) ?? ""
        ),
        ("KL from the optimum", "\(NumberText.fixed(exact.klFromOptimum, 3)) nats"),
        ("Most score at the policy’s KL", NumberText.fixed(exact.scoreCeiling, 3)),
      ])
      let table = element("table") {
        element("thead") {
          element("tr") {
            for name in ["", "SFT, π_ref", "\(method), π", "optimum, π*"] {
              element("th", name.isEmpty ? [:] : ["class": "number"]) { name }
            }
          }
        }
        element("tbody") {
          row("score − β·KL", "β = \(NumberText.short(exact.coefficient))", \.objective)
          row("score", "raw", \.score)
          row("KL", "nats from π_ref", \.kl)
          row("gold", "raw, never seen", \.gold)
        }
      }
      scrolled(table)
    }
  }

  private static func frontierChart(
    _ exact: EvaluationSummary.Exact, of method: String
  ) -> LineChart {
    func mark(_ name: String, _ policy: EvaluationSummary.Exact.Policy) -> LineChart.Series {
      .init(name: name, points: [.init(x: policy.kl, y: policy.score)], isScattered: true)
    }
    return LineChart(
      title: "The frontier",
      takeaway: exact.fraction.map {
        "\(method) made \(NumberText.percent($0)) of the possible improvement"
      } ?? "",
      unit: "score, raw", horizontalTitle: "exact KL from π_ref, nats",
      isHorizontalWhole: false, horizontalIncludes: [0],
      series: [
        .init(
          name: "the most that any policy has",
          points: exact.frontier.map { .init(x: $0.kl, y: $0.score) }),
        mark(method, exact.policy), mark("optimum at this β", exact.optimum),
        mark("SFT", exact.reference),
      ],
      note: "The curve is drawn by π* for every β. No policy of any method lies above it; what is "
        + "missing below is what \(method) paid in KL without getting score for it.")
  }

  private static func likeliestChart(
    _ exact: EvaluationSummary.Exact, of method: String
  ) -> Markup? {
    let responses = exact.likeliest
    let largest = responses.flatMap { [$0.reference, $0.policy, $0.optimum] }.max() ?? 0
    guard largest > 0 else { return nil }
    return figure(
      "The optimum’s likeliest responses", unit: "probability, per cent",
      note:
        "For the most frequent prompts. Where the lower two bars agree, \(method) has found the "
        + "optimum; where the reference’s bar is missing, the optimum goes where SFT hardly ever "
        + "went."
    ) {
      legend([
        (barKey("s4"), "SFT, π_ref"), (barKey("s2"), "\(method), π"), (barKey("s3"), "optimum, π*"),
      ])
      element("table", ["class": "bars three"]) {
        element("tbody") {
          for response in responses { bars(response, largest: largest) }
        }
      }
    }
  }

  private static func bars(
    _ response: EvaluationSummary.Exact.Response, largest: Double
  ) -> Markup {
    let shares = [
      ("s4", response.reference), ("s2", response.policy), ("s3", response.optimum),
    ]
    return element("tr") {
      element("th", ["scope": "row"]) {
        element("span", ["class": "prompt"]) { response.prompt }
        " " + (response.response.isEmpty ? "∅" : response.response)
      }
      element("td", ["class": "track"]) {
        for (style, share) in shares {
          let width = NumberText.coordinate(min(max(share / largest, 0), 1) * 100)
          element("div", ["class": style, "style": "width:\(width)%"])
        }
      }
      number(shares.map { NumberText.fixed($0.1 * 100, 1) }.joined(separator: " · "))
    }
  }
}
