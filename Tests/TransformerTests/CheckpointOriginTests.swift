import Formats
import Foundation
import Numerics
import Statistics
import Testing

@testable import LanguageModels

@Suite("A checkpoint from elsewhere")
struct CheckpointOriginTests {
  private let source: TemporaryDirectory
  private let target: TemporaryDirectory
  private let specialTokens = SpecialTokens(endOfSequence: 2, padding: 1)

  init() throws {
    source = try TemporaryDirectory()
    target = try TemporaryDirectory()
  }

  private func write(_ text: String, _ name: String) throws {
    try Data(text.utf8).write(to: source.url.appending(path: name))
  }

  private func data(_ name: String, in directory: TemporaryDirectory) throws -> Data {
    try Data(contentsOf: directory.url.appending(path: name))
  }

  private func configuration(of directory: TemporaryDirectory) throws -> ConfigurationFile {
    try ConfigurationFile(directory.url.appending(path: "config.json"))
  }

  /// Sets members of the source's `config.json`; nil removes one.
  private func edit(_ changes: [(String, JSONValue?)]) throws {
    var object = try configuration(of: source).object
    for (key, value) in changes { object[key] = value }
    try ConfigurationFile.write(
      object.members.map { ($0.key, $0.value) }, to: source.url.appending(path: "config.json"))
  }

  /// A policy as users have them: several end tokens, older names of keys, files beside it.
  private func writePolicy() throws {
    try TestModels.language(.qwen2).save(to: source.url, specialTokens: specialTokens)
    try edit([
      ("eos_token_id", .array([.int(2), .int(4)])), ("bos_token_id", .int(7)),
      ("pad_token_id", .int(2)), ("dtype", nil), ("torch_dtype", .string("bfloat16")),
      ("transformers_version", .string("4.40.0")), ("use_cache", .bool(true)),
    ])
    try write(#"{"eos_token_id": [4, 5],  "temperature": 0.7}"#, "generation_config.json")
    try write("{% for m in messages %}…", "chat_template.jinja")
    try write(#"{ "model_max_length": 1000000000000000019884624838656 }"#, "tokenizer_config.json")
    try write("{}\n", "tokenizer.json")
    try FileManager.default.removeItem(at: source.url.appending(path: "README.md"))
  }

  @Test("is saved with its own keys and files")
  func saved() throws {
    try writePolicy()
    let model = try LanguageModel(directory: source.url)
    try model.save(to: target.url, specialTokens: specialTokens)
    for name in [
      "generation_config.json", "chat_template.jinja", "tokenizer_config.json", "tokenizer.json",
    ] {
      #expect(try data(name, in: source) == data(name, in: target), "\(name)")
    }
    var before = try configuration(of: source).object
    before["torch_dtype"] = .string("float32")
    #expect(try configuration(of: target).object == before)
    #expect(try data("model.safetensors", in: source) == data("model.safetensors", in: target))
  }

  @Test("becomes a reward model whose padding is no end token")
  func reward() throws {
    try writePolicy()
    let policy = try LanguageModel(directory: source.url)
    let reward = ScalarModel(trunkOf: policy, head: Tensor(zeros: [1, 12]))
    try reward.save(
      to: target.url, specialTokens: specialTokens, normalization: RewardNormalization(mean: 1))
    let file = try configuration(of: target)
    #expect(try file.strings("architectures") == ["Qwen2ForSequenceClassification"])
    #expect(try file.int("num_labels") == 1)
    #expect(try file.int("pad_token_id") == 1)
    #expect(try file.ints("eos_token_id") == [2, 4])
    #expect(try file.nested("reward_normalization").double("mean") == 1)
    // Its value model has no normalization, and no padding where that of the tokenizer is an end, too.
    let loaded = try ScalarModel(directory: target.url)
    let value = try TemporaryDirectory()
    try ScalarModel(trunkOf: loaded, head: loaded.head).save(
      to: value.url, specialTokens: specialTokens)
    #expect(try configuration(of: value)["reward_normalization"] == nil)
    try reward.save(
      to: target.url, specialTokens: SpecialTokens(endOfSequence: 2, padding: 4))
    #expect(try configuration(of: target)["pad_token_id"] == nil)
  }

  @Test("says so when its rewards are read elsewhere by transformers")
  func padding() throws {
    try TestModels.scalar(.gpt2).save(to: source.url, specialTokens: specialTokens)
    #expect(try ScalarModel(directory: source.url).paddingNote == nil)
    try edit([("pad_token_id", .int(2))])
    let reward = try ScalarModel(directory: source.url)
    #expect(reward.paddingNote?.contains("both 2") == true)
    // It is saved as it was.
    try reward.save(to: target.url, specialTokens: specialTokens)
    #expect(try configuration(of: target).int("pad_token_id") == 2)
  }

  @Test("ends a response with each of its end tokens")
  func ends() throws {
    try writePolicy()
    let model = try LanguageModel(directory: source.url)
    var options = SamplingOptions()
    options.maximumTokens = 12
    options.temperature = 3
    let count = 60
    let responses = try Sampler(options, endOfSequence: 2).responses(
      from: model, to: Array(repeating: [3], count: count),
      generators: (0..<count).map { SeededGenerator(seed: UInt64($0)) },
      workers: Workers(count: 1))
    let ends: Set<Int32> = [2, 4, 5]
    for response in responses {
      #expect(response.tokens.dropLast().allSatisfy { !ends.contains($0) })
      #expect(response.ended == response.tokens.last.map(ends.contains))
    }
    #expect(Set(responses.filter(\.ended).compactMap(\.tokens.last)) == ends)
    #expect(model.withAllEnds(specialTokens).ended([6, 5]) == [6, 5])
    #expect(model.withAllEnds(specialTokens).ended([6]) == [6, 2])
  }

  @Test("is described by a card, which names what training began from")
  func card() throws {
    try writePolicy()
    try edit([("_name_or_path", .string("Qwen/Qwen2-0.5B"))])
    try LanguageModel(directory: source.url).save(to: target.url, specialTokens: specialTokens)
    let card = try String(decoding: data("README.md", in: target), as: UTF8.self)
    #expect(card.contains("base_model: Qwen/Qwen2-0.5B\n"))
    #expect(card.contains("Trained with rlhf-sim \(programVersion), from `Qwen/Qwen2-0.5B`."))
    #expect(card.contains("AutoModelForCausalLM"))
    // Saved again, it still names the first.
    let again = try TemporaryDirectory()
    try LanguageModel(directory: target.url).save(to: again.url, specialTokens: specialTokens)
    #expect(try data("README.md", in: again) == data("README.md", in: target))
    let scratch = try TemporaryDirectory()
    try TestModels.scalar(.opt).save(to: scratch.url, specialTokens: specialTokens)
    let other = try String(decoding: data("README.md", in: scratch), as: UTF8.self)
    #expect(other.contains("from random weights"))
    #expect(other.contains("AutoModelForSequenceClassification"))
  }

  @Test(
    "is written as 16-bit numbers and read again to the nearest",
    arguments: [
      (StoredNumber.bfloat16, Float(0x1p-8)), (.float16, 0x1p-11),
    ])
  func halves(_ type: StoredNumber, unit: Float) throws {
    let model = try TestModels.language(.gptJ)
    try model.save(to: source.url, specialTokens: specialTokens, as: type)
    #expect(try configuration(of: source).string("dtype") == type.rawValue)
    let loaded = try LanguageModel(directory: source.url)
    for (a, b) in zip(model.parameters.tensors, loaded.parameters.tensors) {
      for (exact, rounded) in zip(a.values, b.values) {
        #expect(abs(exact - rounded) <= unit * abs(exact) + 0x1p-25)
      }
    }
    try loaded.save(to: target.url, specialTokens: specialTokens, as: type)
    #expect(try data("model.safetensors", in: source) == data("model.safetensors", in: target))
  }

  @Test(
    "keeps 16 bits where it is only asked, and gives the same rewards bit for bit",
    arguments: TestModels.families)
  func narrowed(_ family: DecoderConfiguration.Family) throws {
    let exchanges = [
      Exchange(prompt: [3, 4, 5], response: [6, 2]), Exchange(prompt: [7], response: [8, 9, 2]),
    ]
    func rewards(_ model: ScalarModel) -> [UInt32] {
      model.rewards(exchanges, on: Tape(recording: false)).value.values.map(\.bitPattern)
    }
    for (type, isNarrow) in [(StoredNumber.bfloat16, true), (.float32, false)] {
      try TestModels.scalar(family).save(to: source.url, specialTokens: specialTokens, as: type)
      let wide = try ScalarModel(directory: source.url)
      let narrow = try ScalarModel(directory: source.url, narrowingAbove: 0)
      #expect(narrow.parameters.narrow.isEmpty != isNarrow && wide.parameters.narrow.isEmpty)
      #expect(rewards(narrow) == rewards(wide))
      #expect(!isNarrow || narrow.parameters.elementCount < wide.parameters.elementCount / 4)
    }
    let large = try ScalarModel(directory: source.url, narrowingAbove: 1 << 29)
    #expect(large.parameters.narrow.isEmpty)
  }

  @Test("every binary16 and bfloat16 number is written as itself, and others to the nearest")
  func narrowing() {
    for bits in UInt16.min...UInt16.max {
      let (half, brain) = (
        HalfPrecision.widen(binary16: bits), HalfPrecision.widen(bfloat16: bits)
      )
      if !half.isNaN { #expect(HalfPrecision.binary16(half.bitPattern) == bits) }
      if !brain.isNaN { #expect(HalfPrecision.bfloat16(brain.bitPattern) == bits) }
    }
    #expect(HalfPrecision.widen(binary16: HalfPrecision.binary16(Float.nan.bitPattern)).isNaN)
    #expect(HalfPrecision.widen(bfloat16: HalfPrecision.bfloat16(Float.nan.bitPattern)).isNaN)
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<2_000 {
      let x = Float(generator.uniform() - 0.5) * (generator.index(below: 2) == 0 ? 1e-6 : 100)
      for (narrow, widen) in [
        (HalfPrecision.binary16, HalfPrecision.widen(binary16:)),
        (HalfPrecision.bfloat16, HalfPrecision.widen(bfloat16:)),
      ] {
        let bits = narrow(x.bitPattern)
        let error = abs(widen(bits) - x)
        for neighbour in [bits &- 1, bits &+ 1] where neighbour & 0x7FFF != 0x7FFF {
          #expect(error <= abs(widen(neighbour) - x))
        }
      }
    }
  }

  @Test("numbers that float16 cannot hold are not written")
  func overflow() throws {
    var model = try TestModels.language(.llama)
    model.parameters.tensors[0][0] = 65_520
    let error = #expect(throws: CheckpointError.self) {
      try model.save(to: source.url, specialTokens: specialTokens, as: .float16)
    }
    #expect("\(try #require(error))".contains("bfloat16"))
  }
}

@Suite("A checkpoint that is damaged or not a model")
struct HostileCheckpointTests {
  private let directory: TemporaryDirectory
  private let specialTokens = SpecialTokens(endOfSequence: 2, padding: 1)

  init() throws { directory = try TemporaryDirectory() }

  private func file(_ name: String) -> URL { directory.url.appending(path: name) }

  private func edit(_ name: String, _ changes: [(String, JSONValue?)]) throws {
    var object = try ConfigurationFile(file(name)).object
    for (key, value) in changes { object[key] = value }
    try ConfigurationFile.write(object.members.map { ($0.key, $0.value) }, to: file(name))
  }

  private func expectFailure(
    _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: (any Error).self, sourceLocation: sourceLocation) {
      _ = try LanguageModel(directory: directory.url)
    }
    #expect((error as? any EndingError)?.exitStatus == .badData, sourceLocation: sourceLocation)
    let message = error.map { "\($0)" } ?? ""
    for part in parts {
      #expect(message.contains(part), "\(message)", sourceLocation: sourceLocation)
    }
  }

  @Test(
    "sizes that the tensors do not have are refused by tensor",
    arguments: [
      ("intermediate_size", 1 << 24, "mlp.gate_proj.weight"),
      ("num_hidden_layers", 100_000, "layers.2."),
      ("num_hidden_layers", 1 << 24, "layers.2."), ("vocab_size", 1 << 24, "embed_tokens"),
      ("hidden_size", 1 << 24, "embed_tokens"), ("num_key_value_heads", 1, "k_proj"),
      ("head_dim", 1 << 20, "q_proj"), ("num_hidden_layers", 1, "no place"),
    ])
  func claims(_ key: String, _ size: Int, _ part: String) throws {
    try TestModels.language(.llama).save(to: directory.url, specialTokens: specialTokens)
    try edit("config.json", [(key, .double(Double(size)))])
    expectFailure(part)
  }

  @Test("every family refuses claims of many layers", arguments: TestModels.families)
  func manyLayers(_ family: DecoderConfiguration.Family) throws {
    try TestModels.language(family).save(to: directory.url, specialTokens: specialTokens)
    let key = family == .gpt2 || family == .gptJ ? "n_layer" : "num_hidden_layers"
    for layers in [100_000, 1 << 24, 1 << 40] {
      try edit("config.json", [(key, .int(layers))])
      expectFailure()
    }
  }

  @Test("millions of positions cost nothing until they are used")
  func positions() throws {
    try TestModels.language(.llama).save(to: directory.url, specialTokens: specialTokens)
    try edit("config.json", [("max_position_embeddings", .int(1 << 24))])
    #expect(try LanguageModel(directory: directory.url).configuration.maximumPositions == 1 << 24)
  }

  @Test("pointers of Git LFS, pickles and missing shards say what to do")
  func otherFiles() throws {
    try TestModels.language(.llama).save(to: directory.url, specialTokens: specialTokens)
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 123\n"
    try Data(pointer.utf8).write(to: file("model.safetensors"))
    expectFailure("model.safetensors", "git lfs pull")
    try FileManager.default.removeItem(at: file("model.safetensors"))
    expectFailure("model.safetensors", "no such file")
    try Data("pickle".utf8).write(to: file("pytorch_model.bin"))
    expectFailure("pytorch_model.bin", "save_pretrained")
    try Data(#"{"weight_map": {"a": "model-00001-of-00002.safetensors"}}"#.utf8)
      .write(to: file("model.safetensors.index.json"))
    expectFailure("model-00001-of-00002.safetensors", "is not there")
    try Data(pointer.utf8).write(to: file("config.json"))
    expectFailure("config.json", "git lfs pull")
  }

  @Test("a head beside tied embeddings must be the embedding")
  func tied() throws {
    var untied = try TestModels.language(.llama)
    try untied.save(to: directory.url, specialTokens: specialTokens)
    try edit("config.json", [("tie_word_embeddings", .bool(true))])
    expectFailure("tie_word_embeddings", "lm_head.weight")
    let embedding = untied.parameters.tensors[untied.decoder.layout.tokenEmbedding]
    untied.parameters.tensors[untied.headWeight] = embedding
    try untied.save(to: directory.url, specialTokens: specialTokens)
    try edit("config.json", [("tie_word_embeddings", .bool(true))])
    #expect(try LanguageModel(directory: directory.url).configuration.tiedEmbeddings)
  }

  @Test("a value head needs all of its tensors, and a policy beside one is read")
  func valueHeads() throws {
    let model = try TestModels.language(.gpt2)
    try model.save(to: directory.url, specialTokens: specialTokens)
    func addHead(_ tensors: [(name: String, shape: [Int])]) throws {
      let head = tensors.map { NamedTensor(name: $0.name, tensor: Tensor(zeros: $0.shape)) }
      try Safetensors.write(model.exportedTensors + head, to: file("model.safetensors"))
    }
    for (tensors, missing) in [
      ([("v_head.summary.weight", [1, 12])], "v_head.summary.bias"),
      ([("v_head.0.weight", [24, 12]), ("v_head.0.bias", [24])], "v_head.2.weight"),
      ([("v_head.0.weight", [24, 13])], "[24, 12]"),
    ] {
      try addHead(tensors)
      _ = try LanguageModel(directory: directory.url)
      let error = #expect(throws: CheckpointError.self) {
        try ScalarModel(directory: directory.url)
      }
      #expect("\(try #require(error))".contains(missing))
    }
  }

  @Test("flipped bytes of configurations and headers are read or refused")
  func flipped() throws {
    try TestModels.language(.gptNeoX).save(to: directory.url, specialTokens: specialTokens)
    var generator = SeededGenerator(seed: 17)
    for name in ["config.json", "model.safetensors"] {
      let whole = try Data(contentsOf: file(name))
      let length = min(whole.count, 3_000)
      for _ in 0..<150 {
        var damaged = whole
        for _ in 0...generator.index(below: 3) {
          damaged[generator.index(below: length)] = UInt8(generator.index(below: 128))
        }
        try damaged.write(to: file(name))
        do { _ = try LanguageModel(directory: directory.url) } catch let error as any EndingError {
          #expect(error.exitStatus == .badData)
        }
      }
      try whole.write(to: file(name))
    }
  }
}
