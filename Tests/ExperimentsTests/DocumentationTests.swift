import Foundation
import LanguageModels
import Preferences
import RLHF
import RunRecords
import Settings
import Statistics
import Testing

@testable import Experiments

/// The articles of `documentation/` and the READMEs, compared with the code that they describe.
@Suite struct DocumentationTests {
  struct Article {
    let name: String
    let text: String

    /// What stands between single backticks, outside of code blocks and links to symbols.
    var codes: [String] {
      let prose = text.replacing(/(?s)```.*?```/, with: "").replacing(/``[^`]+``/, with: "")
      return prose.matches(of: /`([^`\n]+)`/).map { String($0.output.1) }
    }
  }

  static let catalogue = packageRoot.appending(path: "documentation/RLHFSimulation.docc")

  let articles: [Article]

  init() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.catalogue.path)
    articles = try names.filter { $0.hasSuffix(".md") }.sorted().map { name in
      Article(
        name: name,
        text: try String(contentsOf: Self.catalogue.appending(path: name), encoding: .utf8))
    }
    #expect(articles.count > 12)
  }

  func article(_ name: String) throws -> Article {
    try #require(articles.first { $0.name == name })
  }

  @Test("the whole world that an article shows passes its check")
  func shownWorld() throws {
    let text = try article("WritingAScenario.md").text
    let shown = try #require(text.split(separator: "### A whole world").last)
    let yaml = try #require(shown.firstMatch(of: /(?s)```yaml\n(.*?)```/)).output.1
    let scenario = try Scenario.read(SettingsDocument(yaml: String(yaml), file: "greetings.yaml"))
    #expect(scenario.name == "greetings")
  }

  /// The names of all metrics that small runs of every kind record, by stage.
  func recorded() throws -> [RunStage: Set<String>] {
    let runs = [
      [], ["reward.ensemble=2", "reward.early_stopping=1", "ppo.pretraining_weight=1"],
      ["ppo.algorithm=dapo", "ppo.samples_per_prompt=2"],
      ["ppo.reward.sources=[{source: model}, {source: gold}]"],
      ["preferences.responses=1", "reward.objective=binary", "dpo.loss=kto"],
      ["reward.objective=binary", "reward.read=steps"],
    ]
    var names: [RunStage: Set<String>] = [:]
    for assignments in runs {
      let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
      defer { try? FileManager.default.removeItem(at: url) }
      let directory = try RunDirectory.create(at: url, force: false)
      let recorder = try RunRecorder(
        directory: directory, terminal: Terminal(isInteractive: false, isQuiet: true))
      let run = try LoopRun(makeLoop(assignments, observer: recorder), in: directory)
      let policy = try run.trainPolicy()
      let preferences = try run.comparePreferences(of: policy)
      if run.loop.scenario.reward.reading == .steps {
        // With a wrong step, and with none.
        let steps = [[true, false], [true, true]].map {
          PreferenceRow.steps(
            StepLabels(prompt: "the soup", steps: ["was good", "was bad"], labels: $0))
        }
        _ = try run.loop.trainReward(
          from: policy, training: steps, heldOut: [Comparison](), labels: steps)
        names[.reward, default: []].formUnion(
          try MetricsTable(stage: .reward, in: directory).names)
        continue
      }
      let (reward, _) = try run.trainReward(from: policy, preferences: preferences)
      _ = try run.optimize(policy, reward: reward)
      _ = try run.loop.optimizeDirectly(policy, rows: preferences.training, reward: reward)
      for stage in RunStage.trained {
        // By the name of its declaration, which `source/1` shares with `source/2`.
        names[stage, default: []].formUnion(
          try MetricsTable(stage: stage, in: directory).names.map { Metric.named($0)?.name ?? $0 })
      }
    }
    return names
  }

  @Test("every metric that a run records is declared, and every declared one is recorded")
  func metrics() throws {
    for (stage, recorded) in try recorded() {
      let declared = Set(stage.metrics.map(\.name))
      #expect(
        recorded.subtracting(declared).sorted() == [], "declare it in Sources/Statistics/Metrics")
      #expect(declared.subtracting(recorded).sorted() == [], "nothing records these")
    }
    #expect(Metric.all.count > 40)
    #expect(
      Metric.all.map(\.name).sorted() == RunStage.trained.flatMap(\.metrics).map(\.name).sorted())
  }

  @Test("the page of metrics is what the program prints")
  func metricsPage() throws {
    #expect(
      try article("Metrics.md").text == Metric.referenceArticle,
      """
      make it again: .build/release/rlhf-sim scenarios metrics --markdown \
      > documentation/RLHFSimulation.docc/Metrics.md
      """)
    let headings = Metric.referenceArticle.matches(of: /(?m)^## (metrics.+)$/).map {
      String($0.output.1)
    }
    #expect(headings == ["sft", "reward", "ppo", "dpo"].map { "metrics/\($0).jsonl" })
    for metric in Metric.all {
      #expect(
        Metric.referenceArticle.contains(
          "| `\(metric.name)` | \(metric.unit) | \(metric.meaning) | "))
      #expect(!metric.unit.isEmpty && metric.meaning.count >= 15 && metric.concern.count >= 4)
    }
  }

  @Test("the page of keys is what the program prints")
  func keys() throws {
    #expect(
      try article("ScenarioKeys.md").text == Scenario.referenceArticle,
      """
      make it again: .build/release/rlhf-sim scenarios keys --markdown \
      > documentation/RLHFSimulation.docc/ScenarioKeys.md
      """)
    for key in Scenario.reference {
      #expect(Scenario.referenceArticle.contains("| `\(key.path)` | "), "\(key.path)")
    }
  }

  /// What reads like a path of keys, in prose and in commands.
  func namedKeys(in article: Article) -> [String] {
    let commands = article.text.matches(of: /--set "?([a-z_]+(?:\.[a-z_.\[\]0-9]+)?)=/)
      .map { String($0.output.1) }.filter { $0 != "key.path" }  // the pattern itself
    // Such as `ppo.kl.coefficient` and `reward.objective: pairwise`, but not `evaluation.json`.
    let files = [".json", ".jsonl", ".safetensors"]
    let named = article.codes.filter { code in !files.contains { code.hasSuffix($0) } }
      .compactMap { $0.prefixMatch(of: /[a-z_]+\.[a-z_.\[\]0-9]+/).map { String($0.output) } }
    let sections = Set(Scenario.reference.map(\.path).filter { !$0.contains(".") })
    return commands
      + named.filter { sections.contains(String($0.prefix { $0 != "." })) }
  }

  @Test("every key of a scenario that the articles name is one")
  func namedKeys() {
    let paths = Set(Scenario.reference.map(\.path))
    var count = 0
    for article in articles {
      for path in namedKeys(in: article) {
        #expect(paths.contains(path.replacing(/\[\d+\]/, with: "[]")), "\(article.name): \(path)")
        count += 1
      }
    }
    #expect(count > 50)
  }

  /// The articles, and the READMEs of the project by their paths.
  func pages() throws -> [(path: String, text: String)] {
    let folders = ["", "Benchmarks/", "Tests/", "documentation/", "scenarios/", "script/"]
    return try articles.map { ("documentation/RLHFSimulation.docc/\($0.name)", $0.text) }
      + folders.map { folder in
        let path = folder + "README.md"
        return (path, try String(contentsOf: packageRoot.appending(path: path), encoding: .utf8))
      }
  }

  @Test("every file and folder of the project that articles and READMEs name is there")
  func files() throws {
    let path =
      /(?:^|[^\w\/.])((?:Sources|Tests|Benchmarks|script|scenarios|documentation)\/[\w\/.+-]*\w)/
    let names = try Set(sources().map(\.lastPathComponent)).union(["Package.swift"])
    var count = 0
    for page in try pages() {
      for name in page.text.matches(of: /[\w+]+\.swift/).map({ String($0.output) }) {
        #expect(names.contains(name), "\(page.path): \(name)")
      }
      let folder = packageRoot.appending(path: page.path).deletingLastPathComponent()
      let named = page.text.matches(of: path.anchorsMatchLineEndings()).map {
        packageRoot.appending(path: String($0.output.1))
      }
      let linked = page.text.matches(of: /\]\(([^):#]+)\)/).map {
        folder.appending(path: String($0.output.1))
      }
      for url in named + linked {
        #expect(FileManager.default.fileExists(atPath: url.path), "\(page.path): \(url.path)")
        count += 1
      }
    }
    #expect(count > 100)
  }

  @Test("where figures of a run are shown, the page says that other processors round otherwise")
  func processors() throws {
    let shown = [
      /(?i)gold[^.]{0,80}\s(?:rises|rose|falls|fell)\s(?:from|to)\s/, /\bVerdict: \w/,
    ]
    let found = try pages().filter { page in shown.contains { page.text.contains($0) } }
    for page in found {
      #expect(
        page.text.contains(/other\s+processors\s+round\s+otherwise/),
        "\(page.path): say on which processor the figures were made, and that others round otherwise"
      )
    }
    #expect(found.count > 4)
  }

  /// Every Swift file of the project.
  func sources() throws -> [URL] {
    try ["Sources", "Tests", "Benchmarks/Sources"].flatMap { folder in
      let root = packageRoot.appending(path: folder)
      return try FileManager.default.subpathsOfDirectory(atPath: root.path)
        .filter { $0.hasSuffix(".swift") }.map { root.appending(path: $0) }
    }
  }

  /// Lines without their indentation.
  func unindented(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map {
      $0.drop(while: \.isWhitespace)
    }
  }

  @Test("every Swift block of articles and READMEs is quoted from a source")
  func quotes() throws {
    let sources = try sources().map { unindented(try String(contentsOf: $0, encoding: .utf8)) }
    var count = 0
    for page in try pages() {
      for block in page.text.matches(of: /(?s)```swift\n(.*?)```/) {
        // A line of `…` or `// …`, which may say what comes next, stands for what is left out.
        let pieces = unindented(String(block.output.1)).split {
          $0.hasPrefix("…") || $0.hasPrefix("// …")
        }
        for piece in pieces {
          let quote = piece.drop(while: \.isEmpty).reversed().drop(while: \.isEmpty).reversed()
          if quote.isEmpty { continue }
          let isQuoted = sources.contains { lines in
            lines.indices.contains { lines[$0...].starts(with: quote) }
          }
          #expect(
            isQuoted,
            "\(page.path) quotes what no source says:\n\(quote.joined(separator: "\n"))")
          count += 1
        }
      }
    }
    #expect(count > 5)
  }

  @Test("every article that is linked is there, and every one is linked")
  func links() {
    let names = Set(articles.map { $0.name.replacing(".md", with: "") })
    var linked: Set = ["rlhf-sim"]
    for article in articles {
      for match in article.text.matches(of: /<doc:(\w+)(?:#[\w-]+)?>/) {
        linked.insert(String(match.output.1))
      }
    }
    #expect(linked.subtracting(names).sorted() == [])
    #expect(names.subtracting(linked).sorted() == [])
  }
}
