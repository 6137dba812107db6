import Foundation
import RunRecords
import Testing

@testable import Reports

@Suite struct ExactOptimumTests {
  typealias Exact = EvaluationSummary.Exact

  let exact = ExampleRun.exact

  func page(_ exact: Exact?) -> ParsedPage {
    var records = ReportRecords(information: ExampleRun.information)
    records.evaluation = EvaluationSummary(exact: exact)
    let page = ParsedPage(Report.page(of: records))
    #expect(page.failure == nil)
    return page
  }

  @Test("the section shows the part reached, three policies, the curve and the bars")
  func section() {
    let text = page(exact).text
    for figure in [
      "all 2801 responses to each of its 48 prompts", "90.0\u{A0}%", "0.400 nats", "1.562",
      "β = 0.25", "−1.250", "0.438", "The frontier", "optimum at this β", "mi <sol> do", "∅",
      "1.7 · 57.5 · 58.6",
    ] {
      #expect(text.contains(figure), "\(figure)")
    }
    let widths = page(exact).elements.compactMap { $0.attributes["style"] }
    #expect(widths.contains("width:100.0%") && widths.contains("width:98.1%"))
  }

  @Test("and is left out where nothing was listed")
  func absent() {
    #expect(!page(nil).elements.contains { $0.attributes["id"] == "exact" })
  }

  @Test("nothing to improve and no gold leave out what they would show")
  func degenerate() {
    var exact = exact
    exact.optimum.objective = exact.reference.objective
    exact.policy.gold = nil
    exact.likeliest = []
    #expect(exact.fraction == nil)
    let text = page(exact).text
    #expect(!text.contains("Of the possible improvement") && !text.contains("never seen"))
    #expect(!text.contains("likeliest responses"))
  }
}
