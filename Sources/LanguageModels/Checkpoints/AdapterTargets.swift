import Formats

/// What `adapter_config.json` says of the modules that an adapter changes. Tensors that say otherwise are
/// refused: PEFT would load another model from them, or none.
struct AdapterTargets {
  private let settings: ConfigurationFile
  /// `r`; nil where it is not said.
  private let rank: Int?
  /// `rank_pattern`, by the end of a module's name.
  private let ranks: [(module: String, rank: Int)]
  /// `target_modules`; nil where it is no list of names.
  private let names: [String]?
  /// Modules of which there is a whole new tensor.
  private let replaced: [String]
  /// Whether a module with such a name is left as it is only in some layers.
  private let isPartial: Bool

  init(_ settings: ConfigurationFile) throws(CheckpointError) {
    self.settings = settings
    rank = settings["r"] == nil ? nil : try settings.int("r")
    var ranks: [(String, Int)] = []
    if settings["rank_pattern"] != nil {
      let pattern = try settings.nested("rank_pattern")
      for name in pattern.keys {
        guard name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }) else {
          throw pattern.failure(
            name, "is a regular expression, which is not read here; name the modules")
        }
        ranks.append((name, try pattern.int(name)))
      }
    }
    self.ranks = ranks
    names = settings["target_modules"]?.array == nil ? nil : try settings.strings("target_modules")
    replaced = try settings.strings("modules_to_save", default: [])
    isPartial = settings["layers_to_transform"] != nil || settings["exclude_modules"] != nil
  }

  private static func isEnd(_ name: String, of module: String) -> Bool {
    module == name || module.hasSuffix("." + name)
  }

  /// Every module with tensors is a target, and every target has tensors.
  func require(modules: [String]) throws(CheckpointError) {
    guard let names else { return }
    if let name = names.first(where: { name in !modules.contains { Self.isEnd(name, of: $0) } }) {
      throw settings.failure(
        "target_modules",
        "names `\(name)`, of which the adapter holds no tensor; save it again, or "
          + "take the name out")
    }
    if let module = modules.first(where: { module in
      !names.contains { Self.isEnd($0, of: module) }
    }) {
      throw settings.failure(
        "target_modules",
        "does not name `\(module)`, of which the adapter holds tensors; PEFT would "
          + "leave them out: add the name, or save the adapter again")
    }
  }

  /// A module that is named and has no tensors, beside others of its name that have.
  func requireNone(of modules: [String], in file: String) throws(CheckpointError) {
    guard !isPartial, let names else { return }
    for module in modules where !replaced.contains(where: { Self.isEnd($0, of: module) }) {
      guard let name = names.first(where: { Self.isEnd($0, of: module) }) else { continue }
      throw settings.failure(
        "target_modules",
        "names `\(name)`, and \(file) holds no tensor of `\(module)`; save the "
          + "adapter again")
    }
  }

  func require(rank found: Int, of module: String) throws(CheckpointError) {
    let pattern = ranks.first { Self.isEnd($0.module, of: module) }
    guard let expected = pattern?.rank ?? rank, expected != found else { return }
    throw settings.failure(
      pattern.map { "rank_pattern.\($0.module)" } ?? "r",
      "is \(expected), and the tensors of `\(module)` have a rank of \(found); the scale α / r "
        + "depends on it: save the adapter again")
  }
}
