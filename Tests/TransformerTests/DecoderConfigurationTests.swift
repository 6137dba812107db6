import LanguageModels
import Testing

@Suite("A decoder's sizes")
struct DecoderConfigurationTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let family: DecoderConfiguration.Family
    let change: @Sendable (inout DecoderConfiguration) -> Void
    let parts: [String]

    init(
      _ description: String, of family: DecoderConfiguration.Family = .llama, _ parts: [String],
      _ change: @escaping @Sendable (inout DecoderConfiguration) -> Void
    ) {
      (testDescription, self.family, self.parts, self.change) = (description, family, parts, change)
    }
  }

  static let cases = [
    Case("no vocabulary", ["vocabulary is 0", "at least 1"]) { $0.vocabularySize = 0 },
    Case("negative width", ["width is -4", "at least 1"]) { $0.width = -4 },
    Case("no layers", ["layers is 0"]) { $0.layers = 0 },
    Case("no heads", ["heads is 0"]) { $0.heads = 0 },
    Case("no key-value heads", ["key_value_heads is 0"]) { $0.keyValueHeads = 0 },
    Case("no head width", ["head_width is 0"]) { $0.headWidth = 0 },
    Case("no feed-forward width", ["feed_forward_width is 0"]) { $0.feedForwardWidth = 0 },
    Case("no positions", ["maximum_positions is 0"]) { $0.maximumPositions = 0 },
    Case("too large", ["vocabulary is \(1 << 40)", "memory"]) { $0.vocabularySize = 1 << 40 },
    Case("heads that do not share", ["key_value_heads 3", "heads 4", "[1, 2, 4]"]) {
      $0.keyValueHeads = 3
    },
    Case("a norm without an epsilon", ["epsilon is 0.0", "above 0"]) { $0.normEpsilon = 0 },
    Case("no rotary base", ["rotary base 0.0", "above 0"]) { $0.rotaryBase = 0 },
    Case("an odd head", ["head width 3 is odd", "even"]) { $0.headWidth = 3 },
    Case("GPT-2 with another width", of: .gpt2, ["GPT2 needs width", "width 16"]) {
      $0.width = 16
    },
    Case("GPT-2 with grouped heads", of: .gpt2, ["GPT2 needs", "1 key_value_heads"]) {
      $0.keyValueHeads = 1
    },
  ]

  @Test("that do not fit together are refused with what would", arguments: cases)
  func refused(_ example: Case) {
    var configuration = TestModels.configuration(example.family)
    example.change(&configuration)
    let error = #expect(throws: ModelError.self) { try configuration.validate() }
    for part in example.parts {
      #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }
  }

  @Test("that fit are accepted", arguments: TestModels.families)
  func accepted(family: DecoderConfiguration.Family) throws {
    try TestModels.configuration(family).validate()
  }
}
