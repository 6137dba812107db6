package import Formats

/// Why settings were refused: the place, the key, the problem and what to do about it.
///
/// Reads as `FILE:LINE: KEY.PATH: problem; advice`.
package struct SettingsError: EndingError, CustomStringConvertible, Sendable, Equatable {
  /// The line of a file, or the `--set` override, that is at fault.
  package let source: SettingSource
  /// The full key path, as in `ppo.kl.coefficient`; empty for the document as a whole.
  package let path: String
  /// What is wrong.
  package let problem: String
  /// What to do next.
  package let advice: String

  package init(source: SettingSource, path: String, problem: String, advice: String) {
    self.source = source
    self.path = path
    self.problem = problem
    self.advice = advice
  }

  package var exitStatus: ExitStatus { .badData }

  package var description: String {
    let place = [source.description, path.isEmpty ? "" : "`\(path)`"].filter { !$0.isEmpty }
    return (place + ["\(problem); \(advice)"]).joined(separator: ": ")
  }
}
