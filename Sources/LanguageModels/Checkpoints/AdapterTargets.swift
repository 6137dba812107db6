import Formats

/// What `adapter_config.json` says of the modules that an adapter changes, read as PEFT reads it. Tensors
/// that say otherwise are refused: PEFT would load another model from them, or none.
struct AdapterTargets {
  /// What names modules: their names or the ends of them, or a regular expression of whole names.
  private enum Names {
    case list([String])
    case pattern(ModulePattern)
    case allLinear
  }

  private let settings: ConfigurationFile
  /// `r`; nil where it is not said.
  private let rank: Int?
  private let alpha: Double
  private let ranks: [(key: String, module: ModulePattern, rank: Int)]
  private let alphas: [(key: String, module: ModulePattern, alpha: Double)]
  /// `target_modules`; nil where nothing is said.
  private let targets: Names?
  private let excluded: Names?
  /// Modules of which there is a whole new tensor.
  private let replaced: [String]
  /// `layers_to_transform`; nil for all.
  private let layers: [Int]?
  /// What stands before the number of a layer; empty for anything.
  private let layerNames: [String]

  init(_ settings: ConfigurationFile) throws(CheckpointError) {
    self.settings = settings
    rank = settings["r"] == nil ? nil : try settings.int("r")
    alpha = try Self.alpha(settings, "lora_alpha")
    var ranks: [(String, ModulePattern, Int)] = []
    for (pattern, key) in try Self.patterns("rank_pattern", settings) {
      ranks.append((key, try Self.pattern(key, key, pattern), try pattern.int(key)))
    }
    var alphas: [(String, ModulePattern, Double)] = []
    for (pattern, key) in try Self.patterns("alpha_pattern", settings) {
      alphas.append((key, try Self.pattern(key, key, pattern), try Self.alpha(pattern, key)))
    }
    (self.ranks, self.alphas) = (ranks, alphas)
    targets = try Self.names("target_modules", settings)
    excluded = try Self.names("exclude_modules", settings)
    replaced = try settings.strings("modules_to_save", default: [])
    let layers = try settings.ints("layers_to_transform", default: [])
    self.layers = layers.isEmpty ? nil : layers
    layerNames =
      if let name = settings["layers_pattern"]?.string {
        name.isEmpty ? [] : [name]
      } else {
        try settings.strings("layers_pattern", default: [])
      }
    if let name = layerNames.first(where: { !$0.allSatisfy(Self.isOfName) }) {
      throw settings.failure(
        "layers_pattern", "is `\(name)`, a regular expression, which is not read here; name it")
    }
    if self.layers != nil, case .pattern = targets {
      throw settings.failure(
        "layers_to_transform",
        "stands beside a regular expression in target_modules; PEFT reads one of them: say the layers "
          + "in the expression")
    }
  }

  private static func isOfName(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }

  private static func alpha(
    _ settings: ConfigurationFile, _ key: String
  ) throws(CheckpointError) -> Double {
    let alpha = try settings.double(key)
    guard abs(alpha) <= 1e6 else {
      throw settings.failure(key, "is \(alpha); it must be at most 1000000")
    }
    return alpha
  }

  private static func patterns(
    _ key: String, _ settings: ConfigurationFile
  ) throws(CheckpointError) -> [(ConfigurationFile, String)] {
    guard settings[key] != nil else { return [] }
    let pattern = try settings.nested(key)
    return pattern.keys.map { (pattern, $0) }
  }

  private static func pattern(
    _ text: String, _ key: String, _ settings: ConfigurationFile
  ) throws(CheckpointError) -> ModulePattern {
    guard let pattern = ModulePattern(text) else {
      throw settings.failure(
        key, "is a regular expression that is not read here; name the modules instead")
    }
    return pattern
  }

  private static func names(
    _ key: String, _ settings: ConfigurationFile
  ) throws(CheckpointError) -> Names? {
    guard let value = settings[key] else { return nil }
    guard let text = value.string else { return .list(try settings.strings(key)) }
    if key == "target_modules", text.lowercased() == "all-linear" { return .allLinear }
    return .pattern(try pattern(text, key, settings))
  }

  // MARK: - Modules

  private static func isEnd(_ name: String, of module: String) -> Bool {
    module == name || module.hasSuffix("." + name)
  }

  /// What PEFT takes no head and no embedding for, where it takes all linear modules.
  private static let notLinear: Set = [
    "lm_head", "embed_out", "score", "embed_tokens", "embed_positions", "embed_in", "wte", "wpe",
  ]

  private func isNamed(
    _ module: String, by names: Names, _ key: String
  ) throws(CheckpointError) -> Bool {
    switch names {
    case .list(let names): return names.contains { Self.isEnd($0, of: module) }
    case .allLinear:
      return !Self.notLinear.contains { Self.isEnd($0, of: module) }
    case .pattern(let pattern): return try decided(pattern.matches(module), key)
    }
  }

  private func decided(_ answer: Bool?, _ key: String) throws(CheckpointError) -> Bool {
    guard let answer else {
      throw settings.failure(
        key, "is a regular expression that takes too many steps; name the modules instead")
    }
    return answer
  }

  /// Whether PEFT makes the module one with an update; nil where the settings do not say.
  private func isTarget(_ module: String) throws(CheckpointError) -> Bool? {
    guard let targets else { return nil }
    if let excluded, try isNamed(module, by: excluded, "exclude_modules") { return false }
    let parts = module.split(separator: ".").map(String.init)
    if replaced.contains(where: parts.contains) { return false }
    guard try isNamed(module, by: targets, "target_modules") else { return false }
    guard let layers, case .list(let names) = targets, !names.contains(module) else { return true }
    let place = parts.indices.first { index in
      parts[index].allSatisfy(\.isWholeNumber) && index < parts.count - 1
        && (layerNames.isEmpty ? index > 1 : index > 0 && layerNames.contains(parts[index - 1]))
    }
    return place.flatMap { Int(parts[$0]) }.map(layers.contains) ?? false
  }

  /// Every module with tensors is a target. A name that no module of the model has says nothing, in PEFT
  /// too.
  func require(modules: [String]) throws(CheckpointError) {
    for module in modules where try isTarget(module) == false {
      throw settings.failure(
        try blamed(for: module),
        "leaves out `\(module)`, of which the adapter holds tensors, as PEFT would; change it, or save "
          + "the adapter again")
    }
  }

  /// The key that makes a module no target.
  private func blamed(for module: String) throws(CheckpointError) -> String {
    if let excluded, try isNamed(module, by: excluded, "exclude_modules") {
      return "exclude_modules"
    }
    if replaced.contains(where: module.split(separator: ".").map(String.init).contains) {
      return "modules_to_save"
    }
    guard let targets, try isNamed(module, by: targets, "target_modules") else {
      return "target_modules"
    }
    return "layers_to_transform"
  }

  /// A module that is a target and has no tensors, beside others that have.
  func requireNone(of module: String, in file: String) throws(CheckpointError) {
    guard try isTarget(module) == true else { return }
    throw settings.failure(
      "target_modules",
      "names `\(module)`, and \(file) holds no tensor of it; save the adapter again")
  }

  func require(rank found: Int, of module: String) throws(CheckpointError) {
    var expected = rank.map { (key: "r", rank: $0) }
    for pattern in ranks where try decided(pattern.module.matchesEnd(of: module), "rank_pattern") {
      expected = ("rank_pattern.\(pattern.key)", pattern.rank)
      break
    }
    guard let (key, expected) = expected, expected != found else { return }
    throw settings.failure(
      key,
      "is \(expected), and the tensors of `\(module)` have a rank of \(found); the scale α / r "
        + "depends on it: save the adapter again")
  }

  /// α of a module.
  func alpha(of module: String) throws(CheckpointError) -> Double {
    for pattern in alphas where try decided(pattern.module.matchesEnd(of: module), "alpha_pattern")
    {
      return pattern.alpha
    }
    return alpha
  }
}
