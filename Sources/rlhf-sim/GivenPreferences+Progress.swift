import Experiments
import Foundation
import LanguageModels
import RunRecords

extension GivenPreferences {
  /// Reads preference rows under a bar that goes when they are read; a million take a while.
  init(
    _ file: String, heldOut: String? = nil, for base: LoadedModel<LanguageModel>,
    scenario: Scenario, options: LoopOptions
  ) throws {
    let bar = ProgressBar(
      stage: "reading rows", total: 0, unit: "rows", terminal: options.machine.terminal)
    defer { bar.abandon() }
    try self.init(
      URL(filePath: file), heldOut: heldOut.map { URL(filePath: $0) }, for: base,
      scenario: scenario, seed: options.seed, progress: { bar.update($0) })
  }
}
