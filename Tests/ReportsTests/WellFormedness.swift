import Foundation

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What an XML parser saw of a page.
final class ParsedPage: NSObject, XMLParserDelegate {
  /// Why the page is not well-formed; `nil` when it is.
  private(set) var failure: String?
  /// Name and attributes of every element in order.
  private(set) var elements: [(name: String, attributes: [String: String])] = []
  /// All text, unescaped.
  private(set) var text = ""

  init(_ page: String) {
    super.init()
    let parser = XMLParser(data: Data(page.utf8))
    parser.delegate = self
    if !parser.parse() {
      failure =
        "line \(parser.lineNumber): "
        + (parser.parserError.map(String.init(describing:)) ?? "unknown")
    }
  }

  func count(_ name: String) -> Int {
    elements.count { $0.name == name }
  }

  func values(of attribute: String) -> [String] {
    elements.compactMap { $0.attributes[attribute] }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    elements.append((name, attributes))
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    text += string
  }
}
