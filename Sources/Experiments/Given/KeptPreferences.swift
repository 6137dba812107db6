package import Preferences
import RunRecords

/// The preference rows of a run, in its files: there may be a million.
package struct KeptPreferences: Sendable {
  /// What the reward model is trained on.
  package let training: PreferenceSource
  /// What it is judged by.
  package let heldOut: Judgements<PreferenceSource>

  /// - Throws: `PreferenceError` when a file is not there.
  init(of directory: RunDirectory) throws(PreferenceError) {
    training = try PreferenceSource(directory.preferences(.train))
    heldOut = Judgements(of: try PreferenceSource(directory.preferences(.eval)))
  }
}
