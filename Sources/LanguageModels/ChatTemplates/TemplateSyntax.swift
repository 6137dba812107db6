/// An expression of a template. How deep it is, is known and bounded, so that walking it cannot
/// exhaust the stack.
struct TemplateExpression: Sendable {
  indirect enum Kind: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case text(TemplateText)
    case name(String)
    case list([TemplateExpression])
    case tuple([TemplateExpression])
    case dictionary([(key: TemplateExpression, value: TemplateExpression)])
    case attribute(TemplateExpression, String)
    case item(TemplateExpression, TemplateExpression)
    case slice(TemplateExpression, [TemplateExpression?])
    case call(TemplateExpression, TemplateCall)
    /// Without a value inside `{% filter %}` and `{% set x | … %}`, where it is the block's text.
    case filter(TemplateExpression?, String, TemplateCall)
    case test(TemplateExpression, String, TemplateCall)
    case not(TemplateExpression)
    case and(TemplateExpression, TemplateExpression)
    case or(TemplateExpression, TemplateExpression)
    case compare(TemplateExpression, [(sign: String, right: TemplateExpression)])
    case binary(String, TemplateExpression, TemplateExpression)
    case sign(isMinus: Bool, TemplateExpression)
    case concatenation([TemplateExpression])
    case conditional(TemplateExpression, then: TemplateExpression, otherwise: TemplateExpression?)
  }

  let kind: Kind
  let depth: Int
}

/// The arguments of a call, a filter or a test.
struct TemplateCall: Sendable {
  var positional: [TemplateExpression] = []
  var named: [(name: String, value: TemplateExpression)] = []
  var list: TemplateExpression?  // *arguments
  var dictionary: TemplateExpression?  // **arguments

  var all: [TemplateExpression] {
    positional + named.map(\.value) + [list, dictionary].compactMap(\.self)
  }
}

indirect enum TemplateTarget: Sendable {
  case name(String)
  case attribute(of: String, String)
  case tuple([TemplateTarget])
}

struct TemplateParameters: Sendable {
  var names: [String] = []
  /// Of the last parameters.
  var defaults: [TemplateExpression] = []
}

/// A macro, or the body of a `{% call %}` block.
struct TemplateMacroDefinition: Sendable {
  let name: String
  let parameters: TemplateParameters
  let body: [TemplateStatement]
  /// `caller`, `kwargs` and `varargs`, if the body names them.
  let implicit: Set<String>
}

struct TemplateLoopDefinition: Sendable {
  let target: TemplateTarget
  let items: TemplateExpression
  let condition: TemplateExpression?
  let body: [TemplateStatement]
  let otherwise: [TemplateStatement]
}

struct TemplateStatement: Sendable {
  indirect enum Kind: Sendable {
    case data(TemplateText)
    case output(TemplateExpression)
    case loop(TemplateLoopDefinition)
    case branch([(condition: TemplateExpression?, body: [TemplateStatement])])
    case set(TemplateTarget, TemplateExpression)
    case setBlock(TemplateTarget, filter: TemplateExpression?, [TemplateStatement])
    case with([(target: TemplateTarget, value: TemplateExpression)], [TemplateStatement])
    case macro(TemplateMacroDefinition)
    case call(TemplateExpression, TemplateCall, TemplateMacroDefinition)
    case filter(TemplateExpression, [TemplateStatement])
    /// `{% generation %}`: what the assistant wrote; rendered as it is, in a scope of its own.
    case generation([TemplateStatement])
    case breakLoop
    case continueLoop
  }

  let kind: Kind
  let line: Int
}
