import Foundation
package import RunRecords

/// report.html: one self-contained page that tells the story of a run.
package enum Report {
  /// Reads what `run` recorded and writes its report.html, atomically; sections whose records are
  /// absent are left out.
  ///
  /// - Throws: when run.json is absent, a record is malformed, or the file cannot be written.
  package static func write(runDirectory run: RunDirectory) throws {
    try AtomicFile.write(page(of: ReportRecords(reading: run)), to: run.report)
  }

  static func page(of records: ReportRecords) -> String {
    document(
      title: "rlhf-sim · \(records.information.scenario)",
      sections: ReportSection.story.compactMap { $0(records) },
      footer: ReportHeader.provenance(records)
    ) { ReportHeader.markup(records) }
  }

  /// A whole document; well-formed XML as well as HTML.
  static func document(
    title: String, sections: [ReportSection], footer: Markup? = nil,
    @MarkupBuilder header: () -> [Markup]
  ) -> String {
    let document = element("html", ["lang": "en"]) {
      element("head") {
        element("meta", ["charset": "utf-8"])
        element(
          "meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
        element("meta", ["name": "color-scheme", "content": "light dark"])
        element("title") { title }
        element("style") { Markup.verbatim(ReportStyle.css) }
      }
      element("body") {
        header()
        element("nav", ["aria-label": "Contents"]) {
          for section in sections {
            element("a", ["href": "#\(section.id)"]) { section.title }
          }
        }
        element("main") { sections.map(\.markup) }
        footer
        element("script") { Markup.verbatim(ReportScript.javaScript) }
      }
    }
    return "<!DOCTYPE html>\n" + document.rendered
  }
}

/// One part of the story: each stands in its own file and is `nil` when its records are absent.
struct ReportSection {
  /// The link target.
  var id: String
  var title: String
  var content: [Markup]

  init(id: String, title: String, @MarkupBuilder content: () -> [Markup]) {
    self.id = id
    self.title = title
    self.content = content()
  }

  /// All parts in the order in which they are told.
  static let story: [@Sendable (ReportRecords) -> ReportSection?] = [
    outcome, frontier, exactOptimum, samples, rewardModel, world, preferences, headline,
    policyOptimization, directPreference, supervisedTuning, rollouts, models, stageTimes,
    otherMetrics, scenario, glossary,
  ]

  var markup: Markup {
    element("section", ["id": id]) {
      element("h2") { title }
      content
    }
  }
}
