import Foundation
import Settings
import Testing

@Suite struct ReadingTests {
  @Test("an empty document gives every default", arguments: ["", "# nothing\n", "optimizer:\n"])
  func defaults(yaml: String) throws {
    #expect(try outcome(yaml).get() == Run())
  }

  @Test("every kind of value is read from where it is written")
  func everyKind() throws {
    let run = try outcome(
      """
      steps: 1_000
      title: yes
      quiet: true
      warmup: [3, 7]
      layers: [4]
      optimizer: {clip: 1, schedule: constant}
      teacher: {learning_rate: 1e-4}
      stages:
        - name: "null"
          weight: -2
        - name: 5
      factors: {b: 1, a: 2.5}
      """
    ).get()
    var expected = Run()
    expected.steps = 1000
    expected.title = "yes"
    expected.quiet = true
    expected.warmup = 3...7
    expected.layers = [4]
    expected.optimizer.clip = 1
    expected.optimizer.schedule = .constant
    var teacher = Optimizer()
    teacher.learningRate = 1e-4
    expected.teacher = teacher
    var first = Stage()
    first.name = "null"
    first.weight = -2
    var second = Stage()
    second.name = "5"
    expected.stages = [first, second]
    expected.factors = SettingMap([.init(name: "b", value: 1), .init(name: "a", value: 2.5)])
    #expect(run == expected)
    // The default of a nested section is the property's, not that of its type.
    #expect(run.optimizer.learningRate == 0.5)
  }

  @Test("null switches an optional setting off")
  func null() throws {
    #expect(try outcome("optimizer: {clip: null}").get().optimizer.clip == nil)
    let run = try outcome("teacher: {clip: 2}", set: "teacher=null").get()
    #expect(run.teacher == nil)
  }

  @Test("in an optional section with a default, keys that are not written have the default")
  func optionalSection() throws {
    let document = try SettingsDocument(yaml: "teacher: {clip: 2}", file: "run.yaml")
    let written = try document.read(Teaching.self).teacher
    #expect(written?.clip == 2 && written?.schedule == .constant)
    #expect(try outcome("teacher: {clip: 2}").get().teacher?.schedule == .linear)
  }

  @Test(
    "what is wrong is refused with file, line, key path and advice",
    arguments: [
      (
        "steps: 5\noptimizer:\n  learning_rat: 1\n",
        "run.yaml:3: `optimizer.learning_rat`: unknown key; did you mean `learning_rate`?"
      ),
      (
        "zebra: 1",
        "run.yaml:1: `zebra`: unknown key; the keys are steps, title, quiet, warmup, layers, "
          + "optimizer, teacher, stages, factors"
      ),
      (
        "\n\nsteps: many",
        "run.yaml:3: `steps`: expected a whole number, found `many`; write a whole number here"
      ),
      (
        "steps: \"5\"",
        "run.yaml:1: `steps`: expected a whole number, found the text \"5\"; "
          + "write a whole number here"
      ),
      ("steps: 0", "run.yaml:1: `steps`: 0 is out of range; it must be at least 1"),
      (
        "optimizer: {learning_rate: 1.5}",
        "run.yaml:1: `optimizer.learning_rate`: 1.5 is out of range; it must be from 0.0 to 1.0"
      ),
      (
        "optimizer:\n  clip: 0",
        "run.yaml:2: `optimizer.clip`: 0.0 is out of range; it must be greater than 0.0"
      ),
      (
        "optimizer: {learning_rate: nan}",
        "run.yaml:1: `optimizer.learning_rate`: expected a number, found `nan`; "
          + "write a number here"
      ),
      (
        "optimizer: {learning_rate: }",
        "run.yaml:1: `optimizer.learning_rate`: expected a number, found nothing; "
          + "write a number here"
      ),
      (
        "quiet: yes",
        "run.yaml:1: `quiet`: expected true or false, found `yes`; write true or false here"
      ),
      ("title: [a]", "run.yaml:1: `title`: expected text, found a list; write text here"),
      (
        "optimizer:\n  schedule: liner",
        "run.yaml:2: `optimizer.schedule`: there is no choice `liner`; "
          + "did you mean `linear`? use one of constant, linear"
      ),
      (
        "optimizer: 3",
        "run.yaml:1: `optimizer`: expected a section, found `3`; "
          + "write `key: value` lines below it"
      ),
      (
        "layers:\n  - 1\n  - two",
        "run.yaml:3: `layers[1]`: expected a whole number, found `two`; write a whole number here"
      ),
      (
        "layers: 1",
        "run.yaml:1: `layers`: expected a list, each item a whole number, found `1`; "
          + "write it as `[a, b]` or one `- item` a line"
      ),
      (
        "stages:\n  - name: a\n  - weight: 2",
        "run.yaml:3: `stages[1].name`: this key is missing; add `name:` (what it is called)"
      ),
      (
        "warmup: [5, 3]",
        "run.yaml:1: `warmup`: the range [5, 3] is empty; write the smaller end first"
      ),
      (
        "warmup: [5, 3, 1]",
        "run.yaml:1: `warmup`: a range has two ends, found 3; write it as `[low, high]`"
      ),
      (
        "steps: 200\nwarmup: [1, 300]",
        "run.yaml:2: `warmup`: warm-up outlasts the run; shorten it"
      ),
      (
        "factors: {a: x}",
        "run.yaml:1: `factors.a`: expected a number, found `x`; "
          + "write a number here"
      ),
      (
        "- a",
        "run.yaml:1: expected a section, found a list; write `key: value` lines below it"
      ),
      (
        "steps: 5\nsteps: 6",
        "run.yaml:2: the key `steps` is given twice in one section; remove one of them"
      ),
      (
        "steps: 5\n[a]: 6",
        "run.yaml:2: a key is a list or a map; write a name before the colon"
      ),
    ])
  func refusals(yaml: String, message: String) {
    #expect(outcome(yaml) == .failure(Failure(text: message)))
  }

  @Test(
    "a syntax error names its line",
    arguments: [("steps: 5\ntitle: [a", 3), ("a: *b", 1), ("steps: 5\n\ttitle: x", 2)])
  func syntax(yaml: String, line: Int) {
    guard case .failure(let failure) = outcome(yaml) else {
      Issue.record("\(yaml) was accepted")
      return
    }
    #expect(failure.text.hasPrefix("run.yaml:\(line): this is not YAML: "))
  }

  @Test("aliases of aliases that would fill the memory are refused")
  func aliasBomb() {
    var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...8 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      yaml += "a\(level): &a\(level) [\(aliases)]\n"
    }
    guard case .failure(let failure) = outcome(yaml) else {
      Issue.record("it was accepted")
      return
    }
    #expect(failure.text.contains("use fewer aliases"))
  }

  @Test(
    "aliases of aliases as a key are refused at once; an alias of a text is a key",
    .timeLimit(.minutes(1)),
    arguments: ["? *a30\n: 1", "*a30 : 1", "{? [*a30] : 1}", "b: {*a30 : 1}"])
  func aliasKeys(key: String) throws {
    // 10³⁰ values in some hundred bytes.
    var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...30 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      yaml += "a\(level): &a\(level) [\(aliases)]\n"
    }
    guard case .failure = outcome(yaml + key) else {
      Issue.record("it was accepted")
      return
    }
    #expect(try outcome("title: &t quiet\n*t : true").get().quiet)
  }

  @Test("aliases do not hide how deep a document is")
  func aliasDepth() {
    var yaml = "a0: &a0 [x]\n"
    for level in 1...150 { yaml += "a\(level): &a\(level) [*a\(level - 1)]\n" }
    guard case .failure(let failure) = outcome(yaml) else {
      Issue.record("it was accepted")
      return
    }
    #expect(failure.text.contains("100 levels"))
  }

  @Test("a document behind the first is refused, and so is an alias before its anchor")
  func secondDocument() {
    #expect(
      outcome("steps: 5\n---\nsteps: 6")
        == .failure(
          Failure(
            text:
              "run.yaml:2: this is not YAML: a second document follows; leave one, and remove the "
              + "line `---`")))
    #expect(
      outcome("steps: 5\ntitle: &a [*a]")
        == .failure(
          Failure(
            text: "run.yaml:2: this is not YAML: nothing before it is called `&a`; write the value "
              + "out")))
  }

  @Test("lists in lists without measure are refused")
  func depth() {
    for depth in [200, 50_000] {
      let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
      guard case .failure = outcome("layers: " + nested) else {
        Issue.record("\(depth) levels were accepted")
        continue
      }
    }
  }

  @Test("a file that cannot be read, or that is not text, is named")
  func files() throws {
    let missing = FileManager.default.temporaryDirectory.appending(path: "no-such-file.yaml")
    #expect {
      _ = try SettingsDocument(contentsOf: missing)
    } throws: { "\($0)".contains("no-such-file.yaml`: this file cannot be read") }
    let large = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).yaml")
    try Data(repeating: UInt8(ascii: "#"), count: 1 << 20 + 1).write(to: large)
    defer { try? FileManager.default.removeItem(at: large) }
    #expect {
      _ = try SettingsDocument(contentsOf: large)
    } throws: { "\($0)".contains("this file is larger than 1 MiB") }
    let binary = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).yaml")
    try Data([0xff, 0xfe, 0x00, 0x80]).write(to: binary)
    defer { try? FileManager.default.removeItem(at: binary) }
    #expect {
      _ = try SettingsDocument(contentsOf: binary)
    } throws: { "\($0)".contains("this file is not UTF-8 text") }
  }
}
