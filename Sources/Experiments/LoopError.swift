/// What can go wrong between the stages.
package enum LoopError: Error, Sendable, CustomStringConvertible {
  /// The policy's answers hardly ever differ.
  case nothingToCompare(rows: Int, wanted: Int)
  /// The world has too few prompts to keep some of them apart.
  case tooFewPrompts
  /// Models or files that do not share a vocabulary.
  case vocabulary(String)
  /// Input that the models cannot take; the text says where and what to do.
  case input(String)
  /// A file without a usable row.
  case empty(file: String, what: String)

  package var description: String {
    switch self {
    case .nothingToCompare(let rows, let wanted):
      "only \(rows) of \(wanted) comparisons have different answers; raise "
        + "`preferences.temperature`, or train the SFT policy for fewer steps"
    case .tooFewPrompts:
      "the world has too few different prompts to keep some for judging; give it more, or change "
        + "`preferences.held_out_pairs` relative to `preferences.pairs`"
    case .vocabulary(let text), .input(let text): text
    case .empty(let file, let what):
      "\(file): there is no usable \(what) in it; check its rows against the README"
    }
  }
}
