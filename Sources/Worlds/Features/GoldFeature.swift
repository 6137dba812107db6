import Settings

/// One kind of feature: its keys, and what it measures of a text.
///
/// A new kind is such a type in a file of its own and its place in ``GoldFeature/kinds``.
protocol GoldMeasure: Configurable {
  /// What `feature:` calls the kind.
  static var kind: String { get }
  /// What it measures.
  static var summary: String { get }
  /// The default of `weight`, in gold reward for each unit of the measure.
  static var weight: Double { get }
  /// The measure, before it is weighed.
  ///
  /// - Throws: `SettingsError` for words and rules that the grammar does not have.
  func measure(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> Measure
}

typealias Measure = @Sendable (JudgedText) -> Double

/// What a feature looks at.
struct JudgedText: Sendable {
  /// The words of the prompt, then those of the response.
  let words: [String]
  /// How many of them are the prompt's.
  let promptCount: Int
  /// How often the text leaves the grammar.
  let breaks: Int

  var prompt: ArraySlice<String> { words[..<promptCount] }
  var response: ArraySlice<String> { words[promptCount...] }
}

/// A feature of the gold reward with its weight.
///
/// The key `feature` says which kind it is, and so which other keys it has.
struct GoldFeature: SettingValue, Equatable {
  /// Every kind, in the order of the documentation.
  static let kinds: [any GoldMeasure.Type] = [
    ValenceFeature.self, GrammarBreaksFeature.self, LengthFeature.self, RepetitionFeature.self,
    PhraseFeature.self, WordsFeature.self, AnswersFeature.self, CopiesFeature.self,
    PatternFeature.self, ArithmeticFeature.self, AgreesFeature.self,
  ]

  let term: any GoldTerm

  static var typeDescription: String { "a section whose other keys depend on `feature`" }

  init(_ location: SettingsLocation) throws(SettingsError) {
    _ = try location.entries(of: Self.typeDescription)
    let place = location.key("feature")
    let names = Self.kinds.map { $0.kind }
    guard place.node != nil else {
      throw place.error(
        "this key is missing", advice: "add `feature:`, one of \(names.joined(separator: ", "))")
    }
    let name = try String(place)
    guard let kind = Self.kinds.first(where: { $0.kind == name }) else {
      throw place.error(
        "there is no choice `\(name)`",
        advice: Suggestion.choice(for: name, among: names))
    }
    term = try Self.read(kind, location)
  }

  private static func read<Kind: GoldMeasure>(
    _ kind: Kind.Type, _ location: SettingsLocation
  ) throws(SettingsError) -> any GoldTerm {
    try Weighted<Kind>(location)
  }

  var node: SettingNode { term.node }

  static func == (one: Self, other: Self) -> Bool { one.node == other.node }

  /// The keys of every kind, which share a path; those that all have come first, once.
  static func keys(below path: String, default value: Self?) -> [KeyDescription] {
    func keys<Kind: GoldMeasure>(of kind: Kind.Type) -> [KeyDescription] {
      Weighted<Kind>.keys(below: path, default: nil)
    }
    let shared = FeatureScope.keys(below: path, default: nil)
    return shared + kinds.flatMap { keys(of: $0) }.filter { !shared.contains($0) }
  }
}

/// A feature that an annotator values beside gold: the same keys, documented once.
struct LikedFeature: SettingValue, Equatable {
  let feature: GoldFeature

  static var typeDescription: String { "a feature as in `world.gold`" }
  init(_ location: SettingsLocation) throws(SettingsError) { feature = try GoldFeature(location) }
  var node: SettingNode { feature.node }
}

/// What every feature has, whatever its kind.
struct FeatureScope: Configurable, Equatable {
  var name: String?
  var scope = PromptScope()

  init() {}

  static let fields: [Field<Self>] =
    [
      Field(
        "name", \.name,
        "what `weights` of annotators and reports call the feature; null for that of its kind")
    ] + PromptScope.fields.map { $0.inside(\.scope) }
}

/// A feature of some kind as the world uses it.
protocol GoldTerm: Configurable {
  /// What it has whatever its kind.
  var shared: FeatureScope { get }
  func weighed(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> WeightedFeature
}

/// A kind of feature with the keys that all have.
struct Weighted<Kind: GoldMeasure>: GoldTerm {
  var feature = Kind.kind
  var weight = Kind.weight
  var shared = FeatureScope()
  var kind = Kind()

  init() {}

  static var fields: [Field<Self>] {
    [
      Field("feature", \.feature, "\(Kind.kind): \(Kind.summary)", isRequired: true),
      Field(
        "weight", \.weight, "gold reward for each unit of the measure", in: -1e6...1e6),
    ] + Kind.fields.map { $0.inside(\.kind) } + FeatureScope.fields.map { $0.inside(\.shared) }
  }

  func validate(at location: SettingsLocation) throws(SettingsError) {
    try kind.validate(at: location)
  }

  func weighed(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> WeightedFeature {
    WeightedFeature(
      name: shared.name ?? Kind.kind, weight: weight,
      counts: try shared.scope.condition(in: grammar, at: location),
      ofText: try kind.measure(in: grammar, at: location),
      arithmetic: kind as? ArithmeticFeature)
  }
}

/// A feature with its words looked up.
struct WeightedFeature: Sendable {
  /// What annotators' weights and reports call it.
  let name: String
  let weight: Double
  /// Whether it counts for a prompt.
  let counts: PromptScope.Condition
  fileprivate let ofText: Measure
  /// Where its kind knows which steps of a response are right.
  let arithmetic: ArithmeticFeature?

  /// The measure, 0 for prompts for which it does not count.
  func measure(_ text: JudgedText) -> Double { counts(text.prompt) ? ofText(text) : 0 }
}
