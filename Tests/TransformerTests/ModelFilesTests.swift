import Foundation
import LanguageModels
import Numerics
import Statistics
import Testing

@Suite("A model's files")
struct ModelFilesTests {
  private let directory: TemporaryDirectory
  private let specialTokens = SpecialTokens(endOfSequence: 2, padding: 1)

  init() throws { directory = try TemporaryDirectory() }

  private var configurationFile: URL { directory.url.appending(path: "config.json") }

  /// Changes members of the saved `config.json`; nil removes one.
  private func edit(_ changes: [String: Any?]) throws {
    let data = try Data(contentsOf: configurationFile)
    var object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    for (key, value) in changes { object[key] = value }
    try JSONSerialization.data(withJSONObject: object).write(to: configurationFile)
  }

  /// The message of an attempt to load, which must name each of `parts`.
  private func expectFailure(
    naming parts: String..., sourceLocation: SourceLocation = #_sourceLocation,
    _ load: () throws -> Void
  ) {
    let error = #expect(throws: (any Error).self, sourceLocation: sourceLocation) { try load() }
    let message = error.map { "\($0)" } ?? ""
    for part in parts {
      #expect(message.contains(part), "\(message)", sourceLocation: sourceLocation)
    }
  }

  @Test(
    "config.json and tensors come back as they were", arguments: TestModels.families, [false, true])
  func language(family: DecoderConfiguration.Family, tied: Bool) throws {
    var configuration = TestModels.configuration(family)
    configuration.tiedEmbeddings = tied
    if family != .opt { configuration.normEpsilon = 3e-6 }
    if family == .llama {
      configuration.rotaryBase = 500
      configuration.attentionBias = true
      configuration.attentionOutputBias = true
      configuration.feedForwardBias = false
      configuration.headWidth = 6  // more than width / heads
    }
    var generator = SeededGenerator(seed: 4)
    let model = try LanguageModel(configuration, using: &generator)
    try model.save(to: directory.url, specialTokens: specialTokens)
    let restored = try LanguageModel(directory: directory.url)
    #expect(restored.configuration == configuration)
    #expect(restored.parameters.names == model.parameters.names)
    #expect(restored.parameters.tensors.map(\.values) == model.parameters.tensors.map(\.values))
    let file = try ConfigurationFile(configurationFile)
    #expect(try file.int("eos_token_id") == 2)
    #expect(try file.int("pad_token_id") == 1)
  }

  @Test(
    "a scalar model comes back with its head and normalization",
    arguments: TestModels.families)
  func scalar(family: DecoderConfiguration.Family) throws {
    let model = try TestModels.scalar(family)
    let normalization = RewardNormalization(mean: -0.25, standardDeviation: 1.5)
    try model.save(
      to: directory.url, specialTokens: specialTokens, normalization: normalization)
    let restored = try ScalarModel(directory: directory.url)
    #expect(restored.configuration == model.configuration)
    #expect(restored.head.values == model.head.values)
    #expect(restored.parameters.tensors.map(\.values) == model.parameters.tensors.map(\.values))
    #expect(try ScalarModel.normalization(directory: directory.url) == normalization)

    try model.save(to: directory.url, specialTokens: specialTokens)
    #expect(try ScalarModel.normalization(directory: directory.url) == nil)
  }

  @Test("a reward model is no policy and a policy no reward model", arguments: TestModels.families)
  func architectures(family: DecoderConfiguration.Family) throws {
    try TestModels.scalar(family).save(to: directory.url, specialTokens: specialTokens)
    expectFailure(naming: configurationFile.path, "architectures", "language head") {
      _ = try LanguageModel(directory: directory.url)
    }
    try TestModels.language(family).save(to: directory.url, specialTokens: specialTokens)
    expectFailure(naming: configurationFile.path, "architectures", "scalar head") {
      _ = try ScalarModel(directory: directory.url)
    }
  }

  @Test("a classifier of several labels is no reward model")
  func labels() throws {
    try TestModels.scalar(.llama).save(to: directory.url, specialTokens: specialTokens)
    try edit(["id2label": ["0": "bad", "1": "good"]])
    expectFailure(naming: configurationFile.path, "`num_labels`", "is 2") {
      _ = try ScalarModel(directory: directory.url)
    }
    // Two is what transformers does not write.
    try edit(["id2label": nil as Any?, "num_labels": nil as Any?])
    expectFailure(naming: configurationFile.path, "`num_labels`", "is 2", "must be 1") {
      _ = try ScalarModel(directory: directory.url)
    }
    try edit(["id2label": nil as Any?, "num_labels": 3])
    expectFailure(naming: configurationFile.path, "`num_labels`", "is 3") {
      _ = try ScalarModel(directory: directory.url)
    }
  }

  @Test("a normalization that would divide by 0 is refused", arguments: [0.0, -1])
  func normalization(deviation: Double) throws {
    try TestModels.scalar(.llama).save(
      to: directory.url, specialTokens: specialTokens,
      normalization: RewardNormalization(mean: 1, standardDeviation: deviation))
    expectFailure(naming: configurationFile.path, "`reward_normalization.std`", "above 0") {
      _ = try ScalarModel.normalization(directory: directory.url)
    }
  }

  @Test("configurations that this decoder does not compute are refused by file, key and value")
  func unknownConfigurations() throws {
    func rope(_ kind: String, _ others: [String: Any] = [:]) -> [String: Any] {
      ["rope_type": kind, "factor": 2.0].merging(others) { $1 }
    }
    let common: [(String, Any?, String)] = [
      ("model_type", "mamba", "is mamba"), ("model_type", nil, "missing"),
      ("vocab_size", "many", "a whole number"),
      ("quantization_config", ["bits": 4], #"is {"bits":4}"#),
      ("add_cross_attention", true, "is true"),
      ("is_encoder_decoder", true, "is true"),
    ]
    let llama: [(String, Any?, String)] = [
      ("hidden_size", nil, "missing"), ("hidden_act", "relu", "is relu"),
      ("rope_scaling", rope("longrope"), "is longrope"),
      ("rope_parameters", rope("proportional"), "is proportional"),
      ("rope_scaling", rope("linear", ["factor": 0]), "factor"),
      ("rope_scaling", rope("llama3", ["low_freq_factor": 2, "high_freq_factor": 1]), "high_freq"),
      ("rope_scaling", rope("yarn", ["original_max_position_embeddings": 0]), "original_max"),
      ("rope_parameters", ["full_attention": ["rope_type": "default"]], "full_attention"),
      ("rope_parameters", ["partial_rotary_factor": 0.5], "is 0.5"),
      ("partial_rotary_factor", 0.5, "is 0.5"),
    ]
    let others: [(DecoderConfiguration.Family, String, Any?, String)] = [
      (.gpt2, "activation_function", "gelu_10", "is gelu_10"), (.gpt2, "n_embd", nil, "missing"),
      (.gpt2, "scale_attn_weights", false, "is false"),
      (.gpt2, "scale_attn_by_inverse_layer_idx", true, "is true"),
      (.opt, "layer_norm_elementwise_affine", false, "is false"),
      (.opt, "activation_function", "mish", "is mish"),
      (.gptJ, "rotary_dim", 3, "is 3"), (.gptJ, "rotary_dim", 100, "is 100"),
      (.gptNeoX, "rotary_pct", 1.5, "is 1.5"),
      (.qwen2, "layer_types", ["full_attention"], "1 entries"),
      (.qwen2, "layer_types", ["linear_attention", "full_attention"], "linear_attention"),
      (.smollm3, "no_rope_layers", [1], "1 entries"),
      (.smollm3, "no_rope_layers", "all", "a list"),
    ]
    let all = common.map { (.llama, $0, $1, $2) } + llama.map { (.llama, $0, $1, $2) } + others
    for (family, key, value, problem) in all {
      try TestModels.language(family).save(to: directory.url, specialTokens: specialTokens)
      try edit([key: value])
      expectFailure(naming: configurationFile.path, key, problem) {
        _ = try LanguageModel(directory: directory.url)
      }
    }
  }

  @Test("sizes that do not fit together are refused by file")
  func impossibleSizes() throws {
    try TestModels.language(.llama).save(to: directory.url, specialTokens: specialTokens)
    try edit(["num_attention_heads": 5])
    expectFailure(naming: configurationFile.path, "heads 5") {
      _ = try LanguageModel(directory: directory.url)
    }
  }

  @Test("plain rotary positions may be spelt out")
  func rotaryBase() throws {
    try TestModels.language(.llama).save(to: directory.url, specialTokens: specialTokens)
    try edit(["rope_parameters": ["rope_type": "default", "rope_theta": 777.0] as [String: Any]])
    #expect(try LanguageModel(directory: directory.url).configuration.rotaryBase == 777)
    // An empty object of the older key counts as absent.
    try edit(["rope_scaling": [:] as [String: Any]])
    #expect(try LanguageModel(directory: directory.url).configuration.rotaryBase == 777)
  }

  @Test("tensors that are missing, strange or of another shape are named with their place")
  func tensors() throws {
    let model = try TestModels.language(.llama)
    try model.save(to: directory.url, specialTokens: specialTokens)
    let tensors = model.exportedTensors
    let file = directory.url.appending(path: "model.safetensors")
    let name = "model.layers.1.self_attn.k_proj.weight"
    func expectFailure(_ tensors: [NamedTensor], naming parts: String...) throws {
      try FileManager.default.removeItem(at: file)
      try Safetensors.write(tensors, to: file)
      let error = #expect(throws: (any Error).self) {
        _ = try LanguageModel(directory: directory.url)
      }
      for part in parts + [directory.url.path] {
        #expect(error.map { "\($0)" }?.contains(part) == true, "\(error.map { "\($0)" } ?? "")")
      }
    }
    try expectFailure(tensors.filter { $0.name != name }, naming: name, "missing")
    let stranger = NamedTensor(
      name: "model.layers.9.mlp.gate_proj.weight", tensor: Tensor(zeros: [2, 2]))
    try expectFailure(tensors + [stranger], naming: stranger.name, "no place")
    let wider = tensors.map {
      $0.name == name ? NamedTensor(name: name, tensor: Tensor(zeros: [8, 13])) : $0
    }
    try expectFailure(wider, naming: name, "[8, 13]", "[8, 12]")
    try expectFailure(tensors.filter { $0.name != "lm_head.weight" }, naming: "lm_head.weight")
    let astray = tensors.map {
      $0.name == name
        ? NamedTensor(name: name, tensor: Tensor(repeating: .nan, shape: [8, 12])) : $0
    }
    try expectFailure(astray, naming: name, "not finite")
  }
}
