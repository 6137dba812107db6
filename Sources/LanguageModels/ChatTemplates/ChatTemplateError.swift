package import Formats

/// Why a chat template cannot be read or followed, with its name and line.
package struct ChatTemplateError: EndingError, Sendable, Equatable, CustomStringConvertible {
  package enum Kind: Sendable, Equatable {
    /// A file is missing or cannot be read.
    case file
    /// The text is not a template.
    case syntax
    /// A part of Jinja2 that is not implemented here.
    case unsupported
    /// Rendering failed, as it would in Jinja2; also when a bound on work or nesting is reached.
    case failed
    /// The template itself refuses the conversation, by `raise_exception`.
    case refused
  }

  package let kind: Kind
  package let problem: String
  /// The file, or what else the template is called.
  package internal(set) var name = ""
  /// In the template, from 1.
  package internal(set) var line: Int?

  init(_ kind: Kind, _ problem: String, line: Int? = nil) {
    self.kind = kind
    self.problem = problem
    self.line = line
  }

  static func unsupported(_ part: String) -> Self { Self(.unsupported, part) }
  static func failed(_ problem: String) -> Self { Self(.failed, problem) }

  func located(in name: String, line: Int?) -> Self {
    var copy = self
    copy.name = name
    copy.line = copy.line ?? line
    return copy
  }

  package var exitStatus: ExitStatus { .badData }

  package var description: String {
    let place = line.map { "\(name):\($0)" } ?? name
    return switch kind {
    case .file: "\(place): \(problem)"
    case .syntax: "\(place): not a chat template: \(problem); copy or save it again"
    case .unsupported:
      "\(place): \(problem) is not supported in chat templates; render the rows with transformers"
    case .failed: "\(place): the chat template fails: \(problem)"
    case .refused: "\(place): the chat template refuses the conversation: \(problem)"
    }
  }
}
