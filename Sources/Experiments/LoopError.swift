package import Formats

/// What can go wrong between the stages.
package enum LoopError: EndingError, Sendable, CustomStringConvertible {
  /// The policy's responses hardly ever differ.
  case nothingToCompare(rows: Int, wanted: Int)
  /// The world has too few prompts to keep some of them apart.
  case tooFewPrompts
  /// Models or files that do not share a vocabulary.
  case vocabulary(String)
  /// Input that the models cannot take; the text says where and what to do.
  case input(String)
  /// A file without a usable row.
  case empty(file: String, what: String)
  /// Rows of which none can be trained on or judged by; the text says where and why.
  case unusable(String)
  /// A prompt without tokens.
  case emptyPrompt
  /// A model that does not have the words of a scenario's world; the text says which.
  case world(String)
  /// Something else stands where a file is to be written; the text says what.
  case taken(String)

  package var exitStatus: ExitStatus { .badData }

  package var description: String {
    switch self {
    case .nothingToCompare(let rows, let wanted):
      "only \(rows) of \(wanted) comparisons have different responses; raise "
        + "`preferences.temperature`, or train the SFT policy for fewer steps"
    case .tooFewPrompts:
      "the world has too few different prompts to keep some for judging; give it more, or change "
        + "`preferences.held_out_pairs` relative to `preferences.pairs`"
    case .vocabulary(let text), .input(let text), .unusable(let text), .world(let text),
      .taken(let text):
      text
    case .emptyPrompt: "the prompt has no tokens"
    case .empty(let file, let what):
      "\(file): there is no usable \(what) in it; check its rows against the README"
    }
  }
}
