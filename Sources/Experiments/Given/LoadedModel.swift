import Formats
package import Foundation
package import LanguageModels
import Numerics
package import Preferences
import RLHF
import Worlds

/// A model of a directory in Hugging Face layout, with the tokenizer that lies beside it.
package struct LoadedModel<Model: Sendable>: Sendable {
  package let directory: URL
  package let model: Model
  package let tokenizer: Tokenizer
  /// The shape of the model's decoder.
  package let shape: DecoderConfiguration

  private init(
    _ directory: URL, _ model: Model, _ tokenizer: Tokenizer, _ shape: DecoderConfiguration
  ) throws(LoopError) {
    (self.directory, self.model, self.tokenizer, self.shape) = (directory, model, tokenizer, shape)
    guard tokenizer.vocabularySize <= shape.vocabularySize else {
      throw .vocabulary(
        "\(directory.path): tokenizer.json has \(tokenizer.vocabularySize) tokens and the model "
          + "\(shape.vocabularySize); put the tokenizer beside it that it was trained with")
    }
  }

  /// How messages become text for this model.
  package var chatFormat: ChatFormat { .of(directory, tokenizer: tokenizer) }

  package var plainFormatNote: String { ChatFormat.plainNote(directory) }

  /// Throws ``LoopError/vocabulary(_:)`` naming both directories when an id may mean different
  /// things to the two models.
  package func requireVocabulary(of other: LoadedModel<some Sendable>) throws(LoopError) {
    var difference = tokenizer.sharesVocabulary(with: other.tokenizer)
    if difference == nil, shape.vocabularySize != other.shape.vocabularySize {
      difference = "\(shape.vocabularySize) rows here, \(other.shape.vocabularySize) there"
    }
    guard let difference else { return }
    throw .vocabulary(
      "\(directory.path) and \(other.directory.path) do not share a vocabulary (\(difference)); "
        + "use models of one run, or train the one from the other")
  }

  /// Refuses a model that does not speak the words of a scenario's world, or that cannot hold its
  /// texts.
  package func requireWorld(of scenario: Scenario) throws {
    let world = try World(scenario.world)
    if let difference = tokenizer.sharesVocabulary(with: .wordLevel(words: world.vocabulary)) {
      throw LoopError.world(
        "\(directory.path) does not have the vocabulary of the scenario `\(scenario.name)` "
          + "(\(difference))")
    }
    try requirePositions(scenario.neededPositions, for: "the scenario `\(scenario.name)`")
  }

  /// The scenario as a run has it that goes on from this checkpoint: with the checkpoint's shape for
  /// `model`, so that `scenario.yaml` says what there was; and what the person should know of that.
  ///
  /// - Parameter overrides: `--set` assignments; they cannot give the checkpoint another shape.
  /// - Throws: ``LoopError/input(_:)`` for one that tries to.
  package func adopted(
    by scenario: Scenario, overrides: [String]
  ) throws(LoopError) -> (scenario: Scenario, notes: [String]) {
    var adopted = scenario
    adopted.model = ModelConfiguration(of: shape)
    let wanted = scenario.model.decoder(vocabularySize: shape.vocabularySize)
    let described = adopted.model.decoder(vocabularySize: shape.vocabularySize)
    guard wanted != described else { return (adopted, []) }
    let form = "a \(shape.family.rawValue) of width \(shape.width) with \(shape.layers) layers"
    if let override = overrides.first(where: { $0.hasPrefix("model.") || $0.hasPrefix("model=") }) {
      throw .input(
        "--set \(override): the run goes on from \(directory.path), \(form), which keeps its shape; "
          + "train a policy of another with `rlhf-sim sft`")
    }
    return (adopted, ["the run goes on from \(directory.path) and has its shape: \(form)"])
  }

  /// Throws ``LoopError/input(_:)`` when the model has fewer positions than are needed.
  func requirePositions(_ needed: Int, for purpose: String) throws(LoopError) {
    guard needed > shape.maximumPositions else { return }
    throw .input(
      "\(purpose) needs \(needed) positions, and the model in \(directory.path) has "
        + "\(shape.maximumPositions); shorten it, or lower `ppo.maximum_tokens`")
  }
}

extension LoadedModel<LanguageModel> {
  /// Loads a policy.
  package init(policy directory: URL) throws {
    var model = try LanguageModel(directory: directory)
    model.parameters.moveToOwnArena()
    NumericalLibraries.releaseFreedMemory()
    try self.init(
      directory, model, Tokenizer(directory: CheckpointFiles(directory).tokenizer),
      model.configuration)
  }
}

extension LoadedModel<RewardModel> {
  /// Loads a reward model.
  package init(reward directory: URL) throws {
    let tokenizer = try Tokenizer(directory: CheckpointFiles(directory).tokenizer)
    var model = try RewardModel(directory: directory, specialTokens: tokenizer.specialTokens)
    model.moveToOwnArena()
    NumericalLibraries.releaseFreedMemory()
    try self.init(directory, model, tokenizer, model.model.configuration)
  }
}

extension DecoderConfiguration {
  /// How many positions a checkpoint has, by its `config.json` alone.
  package static func positions(of directory: URL) throws -> Int {
    try DecoderConfiguration(ConfigurationFile(CheckpointFiles(directory).configuration))
      .maximumPositions
  }
}

extension Tokenizer {
  /// The ids that a checkpoint's `config.json` carries.
  var specialTokens: SpecialTokens {
    SpecialTokens(endOfSequence: endOfSequence, padding: padding)
  }
}

extension ChatFormat {
  /// The chat template of a checkpoint; the plain format where there is none. A template that cannot
  /// be read matters at the first messages only.
  ///
  /// - Parameter tokenizer: the checkpoint's, whose special tokens templates name.
  package static func of(_ directory: URL, tokenizer: Tokenizer?) -> ChatFormat {
    let variables = tokenizer?.templateVariables ?? [:]
    let templates = Result { () throws(ChatTemplateError) in try ChatTemplates(directory: directory)
    }
    if case .success(let found) = templates, found.isEmpty { return .plain }
    func template(forTools: Bool) -> Result<ChatTemplate, ChatTemplateError> {
      templates.flatMap { templates in
        Result { () throws(ChatTemplateError) in try templates.template(forTools: forTools) }
      }
    }
    let (plain, withTools) = (template(forTools: false), template(forTools: true))
    return ChatFormat(name: "the chat template of \(directory.path)") { messages, tools, asks in
      try (tools == nil ? plain : withTools).get().render(
        messages: messages.compactMap(\.object), tools: tools?.array, addGenerationPrompt: asks,
        variables: variables)
    }
  }

  /// What the person should know where messages became text without a chat template.
  package static func plainNote(_ directory: URL) -> String {
    "\(directory.path) has no chat template: messages are written as lines of `role: content`"
  }
}

/// A checkpoint written again as numbers of another type, an adapter merged into its base model.
package enum CheckpointCopy {
  /// - Throws: whatever is wrong with the checkpoint, or `FileWritingError` when the place is taken.
  package static func write(_ directory: URL, as type: StoredNumber, to place: URL) throws {
    let files = try CheckpointFiles(directory)
    // Its files are copied, whether they are understood or not.
    let tokens =
      (try? Tokenizer(directory: files.tokenizer).specialTokens)
      ?? SpecialTokens(endOfSequence: 0, padding: nil)
    let write: (URL) throws -> Void
    if try files.hasScalarHead {
      let model = try RewardModel(directory: directory, specialTokens: tokens)
      write = { try model.save(to: $0, as: type) }
    } else {
      let model = try LanguageModel(directory: directory)
      write = { try model.save(to: $0, specialTokens: tokens, as: type) }
    }
    try writeDirectoryAtomically(place, replacingExisting: false, write)
  }
}
