import Preferences
import RunRecords
import Settings
import Statistics

/// A world as a person would explain it, read from the resolved scenario.
struct WorldDescription {
  /// Something that gold likes or dislikes, or an annotator beside gold.
  struct Taste {
    /// `valence`, `repetition`, …
    let kind: String
    /// What `weights` of annotators call the feature.
    let feature: String
    let words: String
    /// Gold for one of it.
    let value: Double
    /// Whether `value` is for one, or a factor of the words after it.
    var isFactor = false
  }

  struct Annotator {
    let name: String
    /// Part of the judgements, in 0...1.
    let share: Double
    let sentences: [String]
    /// Features of gold that it does not see.
    let overlooks: [String]
    let biases: [Bias]
  }

  /// A way in which an annotator judges otherwise than by gold.
  struct Bias {
    /// To follow “annotators”.
    let words: String
    /// Part of the judgements by those who have it, in 0...1.
    var share: Double
    var trace = Trace.none
  }

  /// Where a bias would show in a reward model that learned it.
  enum Trace {
    /// In its correlation with length; of the sign, which is 1 or −1.
    case length(Double)
    /// In a probe, as a change of its reward of the sign.
    case probe(String, Double)
    /// Nowhere: it judges responses one by one, in no order.
    case order
    case none
  }

  private(set) var tastes: [Taste] = []
  private(set) var annotators: [Annotator] = []
  /// s of s·tanh(v/s), what the values v of a text's words add up to.
  private(set) var scale: Double?
  private let rules: SettingNode?

  /// - Returns: `nil` where the settings have no world.
  init?(_ records: ReportRecords) {
    guard let world = records.settings?.root.entry("world")?.value else { return nil }
    rules = world.entry("grammar")?.value.entry("rules")?.value
    for node in world.entry("gold")?.value.items ?? [] {
      tastes += tastes(node)
      if node.text("feature") == "valence" { scale = node.number("scale") }
    }
    let nodes = world.entry("annotators")?.value.items ?? []
    let total = max(nodes.reduce(0) { $0 + ($1.number("share") ?? 1) }, 1e-9)
    // Those who judge some prompts only have their share of these, so theirs of all is counted.
    let judged = records.judgements.compactMap(\.annotator)
    let isCounted = !judged.isEmpty && nodes.contains { !condition($0).isEmpty }
    annotators = nodes.map { node in
      let name = node.text("name") ?? ""
      return annotator(
        node, name: name,
        share: isCounted
          ? Double(judged.count { $0 == name }) / Double(judged.count)
          : (node.number("share") ?? 1) / total)
    }
    guard !tastes.isEmpty || !annotators.isEmpty else { return nil }
  }

  /// Features of gold that no annotator sees, with what they are worth: what a reward model cannot learn.
  var blindSpots: [Taste] {
    guard let first = annotators.first else { return [] }
    let unseen = first.overlooks.filter { name in
      annotators.allSatisfy { $0.overlooks.contains(name) }
    }
    return tastes.filter { unseen.contains($0.feature) }
  }

  /// How annotators judge otherwise than by gold, the most frequent first; not what none of them sees.
  var biases: [Bias] {
    var found: [Bias] = []
    let unseen = Set(blindSpots.map { overlooking($0.feature) })
    for bias in annotators.flatMap(\.biases) where !unseen.contains(bias.words) {
      if let index = found.firstIndex(where: { $0.words == bias.words }) {
        found[index].share += bias.share
      } else {
        found.append(bias)
      }
    }
    return found.sorted { $0.share > $1.share }
  }

  // MARK: Gold

  private func tastes(_ node: SettingNode) -> [Taste] {
    let kind = node.text("feature") ?? ""
    let weight = node.number("weight") ?? 1
    let name = node.text("name") ?? kind
    if kind == "valence" { return valence(node, weight: weight, name) }
    return [
      Taste(
        kind: kind, feature: name, words: meaning(of: kind, node) + condition(node), value: weight)
    ]
  }

  private func valence(_ node: SettingNode, weight: Double, _ name: String) -> [Taste] {
    var groups: [(value: Double, words: [String])] = []
    for group in node.entry("lexicon")?.value.items ?? [] {
      let value = group.number("value") ?? 0
      let words = wordList(group)
      if let index = groups.firstIndex(where: { $0.value == value }) {
        groups[index].words += words
      } else {
        groups.append((value, words))
      }
    }
    let factors =
      (node.entry("negations")?.value.texts ?? []).map {
        ($0, node.number("negation_factor") ?? -1)
      }
      + (node.entry("intensifiers")?.value.map ?? []).map { ($0.key, Double($0.value.text) ?? 1) }
    var byFactor: [(factor: Double, words: [String])] = []
    for (word, factor) in factors {
      if let index = byFactor.firstIndex(where: { $0.factor == factor }) {
        byFactor[index].words.append(word)
      } else {
        byFactor.append((factor, [word]))
      }
    }
    return groups.sorted { $0.value > $1.value }.map {
      Taste(
        kind: "valence", feature: name, words: Self.listed($0.words), value: weight * $0.value)
    }
      + byFactor.map {
        Taste(
          kind: "valence", feature: name, words: "after \(Self.listed($0.words))",
          value: $0.factor, isFactor: true)
      }
  }

  /// One of what a feature counts.
  private func meaning(of kind: String, _ node: SettingNode) -> String {
    let words = wordList(node)
    switch kind {
    case "grammar_breaks": return "each break of the grammar"
    case "length":
      if let target = node.text("target") { return "each word off a length of \(target)" }
      return "each word beyond \(node.text("limit") ?? "0")"
    case "repetition":
      let run = node.number("words") ?? 1
      let word = node.text("words_of") ?? "word"
      return run == 1
        ? "each \(word) that is said again"
        : "each run of \(NumberText.fixed(run, 0)) \(word)s that is said again"
    case "phrase":
      return "saying “\(node.text("phrase") ?? "")”"
    case "words":
      let most = node.text("limit").map { ", at most \($0)" } ?? ""
      return "saying \(Self.listed(words))\(most)"
    case "answers": return "the right answer to the prompt"
    case "copies": return "taking up the words of the prompt"
    case "pattern": return "keeping to the required form"
    case "arithmetic":
      return node.text("credit") == "steps" ? "right steps of the sum" : "the right result"
    case "agrees": return "agreeing with the opinion in the prompt"
    default: return kind.replacing("_", with: " ")
    }
  }

  private func condition(_ node: SettingNode) -> String {
    func rule(_ key: String) -> String? { node.entry(key)?.value.text("prompt") }
    return (rule("when").map { ", if the prompt is \($0)" } ?? "")
      + (rule("unless").map { ", unless the prompt is \($0)" } ?? "")
  }

  // MARK: Annotators

  private func annotator(_ node: SettingNode, name: String, share: Double) -> Annotator {
    func number(_ key: String) -> Double { node.number(key) ?? 0 }
    let temperature = node.number("temperature") ?? 0.5
    let weights = (node.entry("weights")?.value.map ?? []).map {
      (name: $0.key, factor: Double($0.value.text) ?? 1)
    }.filter { $0.factor != 1 }
    let overlooks = weights.filter { $0.factor == 0 }.map(\.name)
    var sentences = [
      temperature == 0
        ? "Sees every difference of gold."
        : "Picks the better one in 73 of 100 where gold differs by \(NumberText.short(temperature))."
    ]
    if number("flip") > 0 {
      sentences.append("Errs by mistake in \(NumberText.short(number("flip") * 100)) of 100.")
    }
    var biases: [Bias] = []
    func add(_ sentence: String, _ words: String, _ trace: Trace = .none) {
      sentences.append(sentence)
      biases.append(Bias(words: words + condition(node), share: share, trace: trace))
    }
    if !overlooks.isEmpty {
      sentences.append("Overlooks \(called(overlooks)).")
      biases += overlooks.map { Bias(words: overlooking($0) + condition(node), share: share) }
    }
    for (name, factor) in weights where factor != 0 {
      let times = "\(called([name])) \(NumberText.short(factor)) times"
      add("Counts \(times).", "count \(times)")
    }
    let (length, position) = (number("length_bias"), number("position_bias"))
    if length != 0 {
      add(
        "Adds \(NumberText.short(length)) gold for each word.",
        "prefer what is \(length > 0 ? "longer" : "shorter")"
          + " (\(NumberText.signed(length, 2)) gold for each word)",
        .length(length > 0 ? 1 : -1))
    }
    if position != 0 {
      add(
        "Adds \(NumberText.short(position)) for the response shown first.",
        "prefer the response shown \(position > 0 ? "first" : "second")", .order)
    }
    for taste in (node.entry("likes")?.value.items ?? []).flatMap({ tastes($0) })
    where !taste.isFactor && taste.value != 0 {
      let text = "\(taste.words) (\(NumberText.signed(taste.value, 1)))"
      add(
        "Likes \(text).", "\(taste.value > 0 ? "like" : "dislike") \(text)",
        taste.kind == "repetition" ? .probe("repetition", taste.value > 0 ? 1 : -1) : .none)
    }
    if let reads = node.text("reads") {
      add("Reads the first \(reads) words only.", "read the first \(reads) words only")
    }
    return Annotator(
      name: name, share: share, sentences: sentences, overlooks: overlooks, biases: biases)
  }

  private func called(_ names: [String]) -> String {
    names.map { $0.replacing("_", with: " ") }.joined(separator: " and ")
  }

  private func overlooking(_ name: String) -> String { "overlook \(called([name]))" }

  // MARK: Words

  private func wordList(_ node: SettingNode) -> [String] {
    (node.entry("words")?.value.texts ?? []) + (node.text("words_of").map { words(of: $0) } ?? [])
  }

  /// All that a rule of the grammar can say, as far as it says single words.
  private func words(of rule: String, depth: Int = 0) -> [String] {
    guard depth < 8, let node = rules?.entry(rule)?.value else { return [] }
    return (node.texts + (node.map ?? []).map(\.key)).flatMap { expansion -> [String] in
      guard expansion.hasPrefix("<"), expansion.hasSuffix(">") else { return [expansion] }
      return words(of: String(expansion.dropFirst().dropLast()), depth: depth + 1)
    }
  }

  /// `good, nice, pleasant and 12 more`
  private static func listed(_ words: [String]) -> String {
    let shown = words.prefix(5).joined(separator: ", ")
    return words.count > 6
      ? "\(shown) and \(words.count - 5) more" : words.joined(separator: ", ")
  }
}

extension SettingNode {
  /// The items of a list.
  var items: [SettingNode] { if case .list(let items) = content { items } else { [] } }
  /// The entries of a map.
  var map: [SettingEntry]? { if case .map(let entries) = content { entries } else { nil } }
  /// The plain values of a list.
  var texts: [String] { items.map(\.text) }
  /// A plain value, or nothing.
  var text: String { if case .scalar(let text, _) = content { text } else { "" } }

  /// A plain value of a map; nil for null.
  func text(_ key: String) -> String? {
    guard let value = entry(key)?.value.text, !value.isEmpty, value != "null" else { return nil }
    return value
  }
  func number(_ key: String) -> Double? { text(key).flatMap { Double($0) } }
}
