import Statistics

/// A chart, table or excerpt in a frame: its title and unit above, one sentence below.
func figure(
  _ title: String, unit: String = "", note: String = "", isWide: Bool = false,
  @MarkupBuilder _ content: () -> [Markup]
) -> Markup {
  element("figure", ["class": isWide ? "chart wide" : "chart"]) {
    element("figcaption") {
      element("b") { title }
      if !unit.isEmpty { element("span", ["class": "unit"]) { unit } }
    }
    content()
    if !note.isEmpty { element("p", ["class": "note"]) { note } }
  }
}

/// A column of a table: its title, and the class of its cells (`number`, `words` or none).
struct Column {
  let title: String
  let style: String

  static func number(_ title: String) -> Column { Column(title: title, style: "number") }
  static func words(_ title: String) -> Column { Column(title: title, style: "words") }
  static func plain(_ title: String) -> Column { Column(title: title, style: "") }
}

/// A table under the titles of its columns.
func table(
  _ columns: [Column], style: String = "", caption: String? = nil,
  @MarkupBuilder rows: () -> [Markup]
) -> Markup {
  element("table", style.isEmpty ? [:] : ["class": style]) {
    if let caption { element("caption") { caption } }
    element("thead") {
      element("tr") {
        for column in columns {
          element(
            "th",
            column.style.isEmpty ? ["scope": "col"] : ["scope": "col", "class": column.style]
          ) { column.title }
        }
      }
    }
    element("tbody") { rows() }
  }
}

/// A table that is moved sideways where the page is too narrow for it.
func scrolled(_ table: Markup) -> Markup { element("div", ["class": "scroll"]) { table } }

/// The first cell of a row.
func rowTitle(_ title: String, unit: String = "") -> Markup {
  element("th", ["scope": "row"]) {
    title
    if !unit.isEmpty { element("span", ["class": "unit"]) { unit } }
  }
}

/// A cell of a number.
///
/// - Parameter label: the column's title, shown where a narrow page has no columns.
func number(_ text: String, _ label: String? = nil, style: String = "number") -> Markup {
  element("td", label.map { ["class": style, "data-label": $0] } ?? ["class": style]) { text }
}

/// A cell of a number with two decimals, or of a dash.
func number(_ value: Double?, _ label: String? = nil) -> Markup {
  number(value.map { NumberText.fixed($0, 2) } ?? "–", label)
}

/// A bar and the text behind it.
struct Bar {
  let name: String
  var unit = ""
  /// How much of the track is filled, in 0...1.
  let share: Double
  let text: String
}

/// Bars under each other.
func table(_ bars: [Bar]) -> Markup {
  element("table", ["class": "bars"]) {
    element("tbody") {
      for bar in bars {
        element("tr") {
          rowTitle(bar.name, unit: bar.unit)
          element("td", ["class": "track"]) {
            let width = NumberText.coordinate(min(max(bar.share, 0), 1) * 100)
            element("div", ["style": "width:\(width)%"])
          }
          number(bar.text)
        }
      }
    }
  }
}

/// What is a name and a value each, side by side.
func facts(_ facts: [(name: String, value: String)]) -> Markup {
  element("dl", ["class": "facts"]) {
    for fact in facts where !fact.value.isEmpty {
      element("div") {
        element("dt") { fact.name }
        element("dd") { fact.value }
      }
    }
  }
}

/// What lines or bars are told apart by: a small drawing and a name each.
func legend(_ keys: [(drawing: Markup, name: String)]) -> Markup {
  element("ul", ["class": "legend"]) {
    for key in keys {
      element("li") {
        element("svg", ["viewBox": "0 0 34 10", "aria-hidden": "true"]) { key.drawing }
        key.name
      }
    }
  }
}

/// The drawing of bars in a legend.
func barKey(_ style: String) -> Markup {
  element(
    "rect", ["class": "bar \(style)", "x": "12", "y": "0", "width": "12", "height": "10"])
}

/// What is there for those who ask: behind one line until it is opened.
func folded(_ summary: String, @MarkupBuilder _ content: () -> [Markup]) -> Markup {
  element("details") {
    element("summary") { summary }
    content()
  }
}

/// Charts side by side where there is room; `nil` when all are empty.
func charts(_ charts: [LineChart]) -> Markup? {
  let figures = charts.compactMap { $0.figure() }
  guard !figures.isEmpty else { return nil }
  return element("div", ["class": "charts"]) { figures }
}
