import Formats
import Foundation
import Numerics
import Statistics
import Testing

@testable import LanguageModels

@Suite("A PEFT adapter")
struct AdapterFileTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(at: base, withIntermediateDirectories: true)
    try FileManager.default.createDirectory(at: adapter, withIntermediateDirectories: true)
    try TestModels.language(.llama).save(
      to: base, specialTokens: SpecialTokens(endOfSequence: 2, padding: 1))
  }

  private var base: URL { directory.url.appending(path: "base") }
  private var adapter: URL { directory.url.appending(path: "adapter") }
  private let module = "base_model.model.model.layers.0.self_attn.o_proj"

  private func write(_ changes: [(String, JSONValue?)], _ tensors: [NamedTensor]? = nil) throws {
    var settings: JSONObject = [
      "peft_type": .string("LORA"), "base_model_name_or_path": .string("../base"),
      "lora_alpha": .int(6), "r": .int(2),
    ]
    for (key, value) in changes { settings[key] = value }
    try ConfigurationFile.write(
      settings.members.map { ($0.key, $0.value) },
      to: adapter.appending(path: "adapter_config.json"))
    let plain = [
      NamedTensor(name: module + ".lora_A.weight", tensor: Tensor(repeating: 0.5, shape: [2, 16])),
      NamedTensor(
        name: module + ".lora_B.weight", tensor: Tensor(repeating: 0.25, shape: [12, 2])),
    ]
    try Safetensors.write(
      tensors ?? plain, to: adapter.appending(path: "adapter_model.safetensors"))
  }

  @Test("adds α / r · B A, or α / √r · B A, to its module", arguments: [false, true])
  func scale(isStabilized: Bool) throws {
    try write([("use_rslora", .bool(isStabilized))])
    let before = try LanguageModel(directory: base)
    let after = try LanguageModel(directory: adapter)
    let index = before.decoder.layout.layers[0].attentionOutput.weight
    // Every element of B A is 2 · 0.5 · 0.25.
    let change = Float(isStabilized ? 6 / 2.0.squareRoot() : 3) * 0.25
    for (other, (a, b)) in zip(before.parameters.tensors, after.parameters.tensors).enumerated() {
      let added = other == index ? change : 0
      #expect(largestDifference(a.values.map { $0 + added }, b.values) <= 1e-6)
    }
    #expect(try CheckpointFiles(adapter).tokenizer == base.standardizedFileURL)
  }

  @Test("says what is not computed, and where the base model should be")
  func refused() throws {
    func expectFailure(_ parts: String..., sourceLocation: SourceLocation = #_sourceLocation) {
      let error = #expect(throws: (any Error).self, sourceLocation: sourceLocation) {
        _ = try LanguageModel(directory: adapter)
      }
      let message = error.map { "\($0)" } ?? ""
      #expect(
        (error as? any EndingError)?.exitStatus == .badData, "\(message)",
        sourceLocation: sourceLocation)
      for part in parts {
        #expect(message.contains(part), "\(message)", sourceLocation: sourceLocation)
      }
    }
    for (key, value) in [
      ("peft_type", JSONValue.string("IA3")), ("use_dora", .bool(true)),
      ("init_lora_weights", .string("pissa")), ("alora_invocation_tokens", .array([.int(1)])),
      ("trainable_token_indices", .array([.int(1)])), ("bias", .string("some")),
      ("target_parameters", .array([.string("w")])), ("lora_bias", .bool(true)),
      ("lora_alpha", .string("much")), ("lora_alpha", .double(1e300)),
      ("layer_replication", .array([.array([.int(0), .int(2)])])),
    ] {
      try write([(key, value)])
      expectFailure("adapter_config.json", "`\(key)`")
    }
    func strings(_ names: String...) -> JSONValue { .array(names.map { .string($0) }) }
    for (key, value, words) in [
      ("r", JSONValue.int(4), "rank of 2"),
      ("rank_pattern", .object(["o_proj": .int(8)]), "rank of 2"),
      ("rank_pattern", .object([".*proj": .int(8)]), "rank of 2"),
      ("rank_pattern", .object(["o_proj(?<=a)": .int(2)]), "regular expression"),
      ("alpha_pattern", .object(["o_proj": .string("much")]), "a number"),
      ("target_modules", .string("all-linear"), "no tensor of"),
      ("target_modules", .string(".*q_proj"), "leaves out"),
      ("target_modules", .string(".*o_proj"), "no tensor of"),
      ("target_modules", .string("o_proj"), "leaves out"),
      ("target_modules", .string(".*(o_proj"), "regular expression"),
      (
        "target_modules",
        .string(String(repeating: "(?=.*", count: 9) + String(repeating: ")", count: 9)), "steps"
      ),
      ("target_modules", strings("o_proj", "v_proj"), "v_proj`, and"),
      ("target_modules", strings(), "leaves out"),
      ("target_modules", strings("o_proj"), "`model.layers.1.self_attn.o_proj`, and"),
      ("modules_to_save", strings("score"), "names score"),
    ] {
      try write([(key, value)])
      expectFailure("adapter_config.json", key, words)
    }
    for fine in [
      [("rank_pattern", JSONValue.object(["layers.0.self_attn.o_proj": .int(2)])), ("r", .int(4))],
      [("target_modules", strings("o_proj")), ("layers_to_transform", .array([.int(0)]))],
      [("target_modules", .string(#".*layers\.0\..*o_proj"#))],
      [("target_modules", strings("o_proj")), ("exclude_modules", .string(#".*\.1\..*"#))],
      // A name of no module, and one that is left out, say nothing in PEFT either.
      [
        ("target_modules", strings("o_proj", "c_attn")), ("layers_to_transform", .array([.int(0)])),
      ],
      [
        ("target_modules", strings("o_proj", "k_proj")), ("exclude_modules", strings("k_proj")),
        ("layers_to_transform", .array([.int(0)])),
      ],
      [("bias", .string("all")), ("fan_in_fan_out", .bool(true)), ("lora_dropout", .double(0.1))],
    ] {
      try write(fine)
      _ = try LanguageModel(directory: adapter)
    }
    for (settings, key) in [
      (
        [("target_modules", strings("o_proj")), ("layers_to_transform", .int(1))],
        "layers_to_transform"
      ),
      (
        [("target_modules", strings("o_proj")), ("exclude_modules", strings("o_proj"))],
        "exclude_modules"
      ),
      (
        [("target_modules", strings("o_proj")), ("modules_to_save", strings("self_attn"))],
        "modules_to_save"
      ),
      (
        [("target_modules", .string(".*")), ("layers_to_transform", .int(0))], "layers_to_transform"
      ),
    ] as [([(String, JSONValue?)], String)] {
      try write(settings)
      expectFailure("adapter_config.json", "`\(key)`")
    }
    try write([("base_model_name_or_path", .string("meta-llama/Llama-3.2-1B"))])
    expectFailure("base_model_name_or_path", "meta-llama/Llama-3.2-1B", "download")
    try write([("base_model_name_or_path", nil)])
    expectFailure("base_model_name_or_path", "missing")
    let a = NamedTensor(name: module + ".lora_A.weight", tensor: Tensor(zeros: [2, 15]))
    let b = NamedTensor(name: module + ".lora_B.weight", tensor: Tensor(zeros: [12, 2]))
    try write([], [a, b])
    expectFailure("lora_A", "[2, 15]", "[2, 16]")
    let stray = NamedTensor(
      name: "base_model.model.model.layers.7.self_attn.o_proj.lora_A.weight",
      tensor: Tensor(zeros: [2, 16]))
    try write([], [stray])
    expectFailure("layers.7", "changes nothing")
    let embedding = NamedTensor(
      name: "base_model.model.model.embed_tokens.lora_embedding_A", tensor: Tensor(zeros: [2, 19]))
    try write([], [embedding])
    expectFailure("lora_embedding_A", "not computed")
    try write([])
    try FileManager.default.removeItem(at: adapter.appending(path: "adapter_model.safetensors"))
    expectFailure("adapter_model.safetensors", "no such file")
  }

  @Test("α may depend on the module, the first pattern deciding")
  func alphaPattern() throws {
    let before = try LanguageModel(directory: base)
    let index = before.decoder.layout.layers[0].attentionOutput.weight
    for (patterns, alpha) in [
      (["o_proj": JSONValue.int(2)] as JSONObject, Float(2)),
      (["q_proj": .int(2)], 6), ([#"layers\.0\..*"#: .int(4), "o_proj": .int(2)], 4),
      (["proj": .int(2)], 6),
    ] {
      try write([("alpha_pattern", .object(patterns))])
      let after = try LanguageModel(directory: adapter)
      let expected = before.parameters.tensors[index].values.map { $0 + alpha / 2 * 0.25 }
      #expect(largestDifference(expected, after.parameters.tensors[index].values) <= 1e-6)
    }
  }

  @Test("flipped bytes of its files are read or refused")
  func flipped() throws {
    try write([])
    try Data(#"{"eos_token_id": [2, 3]}"#.utf8)
      .write(to: adapter.appending(path: "generation_config.json"))
    var generator = SeededGenerator(seed: 18)
    for name in ["adapter_config.json", "adapter_model.safetensors", "generation_config.json"] {
      let file = adapter.appending(path: name)
      let whole = try Data(contentsOf: file)
      for _ in 0..<60 {
        var damaged = whole
        for _ in 0...generator.index(below: 3) {
          damaged[generator.index(below: damaged.count)] = UInt8(generator.index(below: 128))
        }
        try damaged.write(to: file)
        do { _ = try LanguageModel(directory: adapter) } catch let error as any EndingError {
          #expect(error.exitStatus == .badData)
        }
      }
      try whole.write(to: file)
    }
    _ = try LanguageModel(directory: adapter)
  }
}

@Suite("Regular expressions over names of modules")
struct ModulePatternTests {
  private static let names = [
    "model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.v_proj",
    "model.layers.0.mlp.up_proj", "model.layers.1.mlp.gate_proj", "lm_head",
  ]

  /// 1 where Python's `re.fullmatch(pattern, name)` finds something, and where
  /// `re.match(rf"(.*\.)?({pattern})$", name)` does, name by name.
  @Test(
    "match as Python's do",
    arguments: [
      (#".*\.(q_proj|v_proj)$"#, "11000", "11000"),
      (#"model\.layers\.\d+\.self_attn\..*"#, "11000", "11000"),
      ("q_proj", "00000", "10000"),
      (".*q_proj", "10000", "10000"),
      (#".*layers\.[0-1]\.(?!mlp).*_proj"#, "11000", "11000"),
      (#".*\.[\d]{1,}\.(?:self_attn|mlp)\.(?:(?:q_proj|up_proj))"#, "10100", "10100"),
      (
        #"(?:.*?(?:self_attn|mlp).*?(?:k_proj|gate_proj).*?)|(?:\bmodel\.layers\.1\.mlp\.\w+)"#,
        "00010", "00010"
      ),
      (#"^model.*\bo_proj$"#, "00000", "00000"),
      ("[^m].*", "00001", "11111"),
      (#"model\.layers\.(0|[2-9])\.mlp\..+"#, "00100", "00100"),
    ])
  func matches(pattern: String, whole: String, end: String) throws {
    let read = try #require(ModulePattern(pattern))
    #expect(Self.names.map { read.matches($0) == true ? "1" : "0" }.joined() == whole)
    #expect(Self.names.map { read.matchesEnd(of: $0) == true ? "1" : "0" }.joined() == end)
  }

  @Test(
    "what is no expression, or looks back, is not read",
    arguments: ["(", ")", "[a", "*", "a**", ".*{2}", "(?<=a)b", #"\1"#, "a{2", "a{3,2}", "[z-a]"])
  func unread(pattern: String) { #expect(ModulePattern(pattern) == nil) }

  @Test("no expression takes long")
  func hostile() {
    let stars = String(repeating: "(", count: 30) + "a" + String(repeating: "*)*", count: 30)
    let counts = String(repeating: "(", count: 30) + String(repeating: "){100}", count: 30)
    let looks = String(repeating: "(?=.*", count: 30) + String(repeating: ")", count: 30)
    for pattern in [stars, counts, looks] {
      #expect(ModulePattern(pattern)?.matches(String(repeating: "a", count: 200) + "b") != true)
    }
  }
}
