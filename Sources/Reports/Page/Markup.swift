import Foundation

/// A piece of HTML or SVG as a tree. It is written so that it is well-formed XML too, which lets a
/// test parse a whole report, and all text is escaped on the way out.
indirect enum Markup: Sendable {
  case element(name: String, attributes: [Attribute], children: [Markup])
  case text(String)
  /// Text that is not escaped: only for the style sheet and the script of this module.
  case verbatim(String)

  struct Attribute: Sendable {
    let name: String
    let value: String
  }

  /// The document's text.
  var rendered: String {
    var output = ""
    write(to: &output)
    return output
  }

  private func write(to output: inout String) {
    switch self {
    case .text(let text): output += Self.escaped(text)
    case .verbatim(let text): output += text
    case .element(let name, let attributes, let children):
      output += "<\(name)"
      for attribute in attributes {
        output += " \(attribute.name)=\"\(Self.escaped(attribute.value))\""
      }
      if children.isEmpty, Self.voidElements.contains(name) {
        output += " />"
        return
      }
      output += ">"
      for child in children { child.write(to: &output) }
      output += "</\(name)>"
      if Self.blockElements.contains(name) { output += "\n" }
    }
  }

  /// The five characters that mean something in markup; control characters, which XML forbids,
  /// become U+FFFD so that they stay visible.
  static func escaped(_ text: String) -> String {
    var escaped = ""
    escaped.unicodeScalars.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\n", "\t": escaped.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// Elements that HTML closes by itself; all others get an end tag even when empty.
  private static let voidElements: Set = [
    "meta", "br", "input", "line", "path", "rect", "circle", "polygon",
  ]
  /// Followed by a line end, so that the file can be read.
  private static let blockElements: Set = [
    "head", "title", "style", "script", "header", "nav", "section", "h1", "h2", "h3", "p", "ul",
    "li", "figure", "svg", "table", "tr", "thead", "tbody", "details", "dl", "dd", "div", "footer",
  ]
}

extension Markup {
  /// Data for a script, in an element of its own, without what would mean something in markup.
  static func json(_ data: some Encodable, id: String? = nil) -> Markup? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let bytes = try? encoder.encode(data) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
      .replacing("&", with: "\\u0026").replacing("<", with: "\\u003c").replacing(
        ">", with: "\\u003e")
    let attributes = [Attribute(name: "type", value: "application/json")]
    return .element(
      name: "script",
      attributes: attributes + (id.map { [Attribute(name: "id", value: $0)] } ?? []),
      children: [.verbatim(text)])
  }
}

/// An element with fixed attributes and the children that `content` builds.
func element(
  _ name: String, _ attributes: KeyValuePairs<String, String> = [:],
  @MarkupBuilder _ content: () -> [Markup] = { [] }
) -> Markup {
  .element(
    name: name, attributes: attributes.map { Markup.Attribute(name: $0.key, value: $0.value) },
    children: content())
}

/// Lets markup be written as nested blocks, with strings as text.
@resultBuilder
enum MarkupBuilder {
  static func buildExpression(_ markup: Markup) -> [Markup] { [markup] }
  static func buildExpression(_ markup: Markup?) -> [Markup] { markup.map { [$0] } ?? [] }
  static func buildExpression(_ markup: [Markup]) -> [Markup] { markup }
  static func buildExpression(_ text: String) -> [Markup] { [.text(text)] }
  static func buildBlock(_ parts: [Markup]...) -> [Markup] { parts.flatMap(\.self) }
  static func buildOptional(_ part: [Markup]?) -> [Markup] { part ?? [] }
  static func buildEither(first part: [Markup]) -> [Markup] { part }
  static func buildEither(second part: [Markup]) -> [Markup] { part }
  static func buildArray(_ parts: [[Markup]]) -> [Markup] { parts.flatMap(\.self) }
}
