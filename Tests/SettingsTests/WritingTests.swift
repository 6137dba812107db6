import Testing

@testable import Settings

@Suite struct WritingTests {
  @Test("the resolved file has every key in the order of declaration")
  func order() throws {
    let yaml = """
      steps: 100
      title: "no"
      quiet: false
      warmup: [10, 20]
      layers: [1, 2]
      optimizer:
        learning_rate: 0.5
        clip: null
        schedule: linear
      teacher: null
      stages: []
      factors:
        "true": 2.0

      """
    #expect(try Run().resolvedYAML() == yaml)
  }

  @Test(
    "reading the resolved file gives the same configuration",
    arguments: [
      "", "no", "null", "5", "1e3", "a: b", "# x", "- a", "two\nlines", " edge ", "\"q\"", "é 😀",
      "~", "{a}", "*x", "0x1F", "2001-01-01", "trailing:", "tab\there", "<noun> was",
    ])
  func roundTrip(text: String) throws {
    var run = Run()
    run.title = text
    run.optimizer.learningRate = 0.1 + 0.2
    run.optimizer.clip = .leastNonzeroMagnitude
    run.teacher = Optimizer()
    run.layers = []
    run.warmup = 4...4
    var stage = Stage()
    stage.name = text
    run.stages = [stage, stage]
    run.factors = SettingMap([.init(name: text, value: -1e300), .init(name: "b", value: 1e-7)])
    let document = try SettingsDocument(yaml: try run.resolvedYAML(), file: "resolved.yaml")
    #expect(try document.read(Run.self) == run)
  }

  @Test("the reference has a line for every key, with path, type, default and purpose")
  func reference() {
    let keys = Run.reference
    #expect(
      keys.map(\.path) == [
        "steps", "title", "quiet", "warmup", "layers", "optimizer", "optimizer.learning_rate",
        "optimizer.clip", "optimizer.schedule", "teacher", "teacher.learning_rate", "teacher.clip",
        "teacher.schedule", "stages", "stages[].name", "stages[].weight", "factors",
      ])
    #expect(
      keys[6]
        == KeyDescription(
          path: "optimizer.learning_rate", type: "a number, from 0.0 to 1.0", defaultValue: "0.5",
          documentation: "peak AdamW step size"))
    #expect(keys[8].type == "one of constant, linear")
    #expect(keys[14].defaultValue == "required")
    #expect(keys[1].defaultValue == "\"no\"")
    #expect(keys[5].defaultValue == "")
  }

  @Test("the nearest name is the one with the fewest typing errors, if there are few")
  func suggestions() {
    #expect(Suggestion.distance("kitten", "sitting") == 3)
    #expect(Suggestion.distance("", "abc") == 3)
    #expect(Suggestion.nearest(to: "flpi", among: ["share", "flip", "flop"]) == "flip")
    #expect(Suggestion.nearest(to: "temperature", among: ["share", "flip"]) == nil)
    #expect(Suggestion.nearest(to: "ab", among: ["x"]) == nil)
  }
}
