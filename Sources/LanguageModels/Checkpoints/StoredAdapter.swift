import Formats
import Foundation
import Numerics

/// A LoRA adapter as PEFT saves it: W + s · B A for the modules that it names (Hu et al. 2021).
struct StoredAdapter {
  let tensors: StoredTensors
  private let settings: ConfigurationFile
  private let isStabilized: Bool  // s = α / √r instead of α / r
  private let targets: AdapterTargets

  private static let prefix = "base_model.model."

  /// - Throws: ``CheckpointError`` naming what is not computed here.
  init(directory: URL) throws {
    settings = try ConfigurationFile(directory.appending(path: "adapter_config.json"))
    let type = try settings.string("peft_type")
    guard type == "LORA" else {
      throw settings.failure("peft_type", "is \(type), and only LORA is computed here")
    }
    for key in [
      "use_dora", "use_qalora", "use_bdlora", "lora_bias", "layer_replication", "arrow_config",
      "kasa_config", "velora_config", "monteclora_config", "alora_invocation_tokens",
      "trainable_token_indices", "target_parameters",
    ] {
      let value = settings[key]
      if value == nil || value == .bool(false) || value == .object([:]) || value == .array([]) {
        continue
      }
      throw settings.refusal(key)
    }
    if let start = settings["init_lora_weights"]?.string, start != "gaussian", start != "eva",
      start != "orthogonal"
    {
      throw settings.failure(
        "init_lora_weights",
        "is \(start), which changes the base model; convert the adapter to a plain one in PEFT")
    }
    let bias = try settings.string("bias", default: "none")
    guard ["none", "all", "lora_only"].contains(bias) else {
      throw settings.failure("bias", "is \(bias); it must be none, all or lora_only")
    }
    isStabilized = try settings.bool("use_rslora", default: false)
    targets = try AdapterTargets(settings)
    let file = directory.appending(path: "adapter_model.safetensors")
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw CheckpointError.unreadable(
        path: file.path, reason: "no such file",
        remedy: "save the adapter as safetensors: model.save_pretrained(DIRECTORY)")
    }
    tensors = try StoredTensors(file: file)
    for name in tensors.names where Self.isPart(name) {
      guard name.contains(".lora_A.") || name.contains(".lora_B."), name.hasSuffix(".weight") else {
        throw CheckpointError.unreadable(
          path: file.path, reason: "`\(name)` is of a kind of adapter that is not computed here",
          remedy: "merge it in PEFT: model.merge_and_unload().save_pretrained(DIRECTORY)")
      }
    }
    try targets.require(modules: tensors.names.filter(Self.isPart).map(Self.module))
    let whole = try settings.strings("modules_to_save", default: [])
    let saved = tensors.names.filter { !Self.isPart($0) }
    // PEFT adds names of heads that a model may have, of which it has one.
    if !whole.isEmpty,
      !whole.contains(where: { name in saved.contains { $0.contains(".\(name).") } })
    {
      throw settings.failure(
        "modules_to_save",
        "names \(whole.joined(separator: ", ")), and \(file.path) holds no tensor "
          + "of them; save the adapter again")
    }
  }

  /// The module that a part of an update belongs to.
  private static func module(_ name: String) -> String {
    let module = name.hasPrefix(prefix) ? name.dropFirst(prefix.count) : name[...]
    return module.range(of: ".lora_").map { String(module[..<$0.lowerBound]) } ?? String(module)
  }

  private static func isPart(_ name: String) -> Bool { name.contains(".lora_") }

  /// The name in the base model of a tensor that takes the place of one of it (`modules_to_save`); nil for
  /// a part of an update.
  func nameInPlaceOfBase(_ name: String) -> String? {
    guard !Self.isPart(name) else { return nil }
    var name = name
    if name.hasPrefix(Self.prefix) { name.removeFirst(Self.prefix.count) }
    for infix in [".modules_to_save.default", ".modules_to_save", ".base_layer"] {
      name = name.replacingOccurrences(of: infix + ".", with: ".")
    }
    return name
  }

  /// Whether it brings a head to one number.
  var hasScalarHead: Bool {
    tensors.names.contains { nameInPlaceOfBase($0) == "score.weight" }
  }

  /// What changes a tensor of the base model.
  struct Update {
    let down: String  // A [r, I]
    let up: String  // B [O, r]
    let rank: Int
    let alpha: Double
  }

  /// The update of a tensor, by any of its names; nil when there is none.
  ///
  /// - Throws: ``CheckpointError`` where the tensors are others than `adapter_config.json` says.
  func update(of names: [String], outputs: Int, inputs: Int) throws -> Update? {
    for name in names where name.hasSuffix(".weight") {
      let module = Self.prefix + name.dropLast(".weight".count)
      let (down, up) = (module + ".lora_A.weight", module + ".lora_B.weight")
      guard let shape = tensors.shape(of: down) else { continue }
      let rank = shape.first ?? 0
      guard rank > 0 else {
        throw CheckpointError.damaged(
          file: tensors.source, tensor: down, problem: "has a rank of 0")
      }
      try targets.require(rank: rank, of: Self.module(down))
      try tensors.require(down, shape: [rank, inputs])
      try tensors.require(up, shape: [outputs, rank])
      return Update(
        down: down, up: up, rank: rank, alpha: try targets.alpha(of: Self.module(down)))
    }
    let modules = names.filter { $0.hasSuffix(".weight") }.map { String($0.dropLast(7)) }
    // Of several names, the one that begins as those of the model that the adapter was made for.
    let beginning = tensors.names.first.map { Self.module($0).prefix { $0 != "." } }
    if let module = modules.first(where: { $0.prefix { $0 != "." } == beginning }) ?? modules.first
    {
      try targets.requireNone(of: module, in: tensors.source)
    }
    return nil
  }

  /// Adds s · B A to rows of a parameter, given where each row of B belongs.
  func add(
    _ update: Update, to parameter: UnsafeMutablePointer<Float>, columns: Int, rows: [Range<Int>]
  ) throws {
    let down = try tensors.tensor(update.down)
    let up = try tensors.tensor(update.up)
    guard down.isFinite, up.isFinite else {
      throw ModelError.checkpoint(
        "\(tensors.source): tensor `\(update.up)` or `\(update.down)` holds numbers that are not "
          + "finite; use an earlier checkpoint")
    }
    let rank = update.rank
    let scale = update.alpha / (isStabilized ? Double(rank).squareRoot() : Double(rank))
    down.read { down in
      up.read { up in
        var first = 0  // row of B
        for range in rows {
          multiply(
            MatrixOperand(up + first * rank, stride: rank), MatrixOperand(down, stride: columns),
            into: parameter + range.lowerBound * columns, stride: columns, rows: range.count,
            columns: columns, inner: rank, scale: Float(scale), accumulating: true)
          first += range.count
        }
      }
    }
  }
}
