import Settings
import Testing

@testable import Worlds

/// What is valid in a world and may surprise.
@Suite struct NoteTests {
  private func notes(_ rules: String, _ scopes: [String], _ annotator: String = "") throws
    -> [String]
  {
    let gold = scopes.map {
      "    - { feature: words, words_of: no, \($0) }\n"
    }
    return try makeWorld(
      """
      world:
        grammar:
          rules:
            request: ["how do i <verb> a <thing>"]
            verb: [get, use]
            answer: ["<no>", sure]
            no: [sorry]
      \(rules.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n"))
        prompt: { rule: request }
        response: { rule: answer }
        gold:
      \(gold.joined())
        annotators: [{ name: ann\(annotator) }]

      """
    ).conditionNotes
  }

  private let classes = """
    thing: ["<safe>", "<harmful>"]
    safe: [bread, knife, rose]
    harmful: [bomb, knife]
    """

  @Test("a word that two classes have is named, since a condition takes it wherever it stands")
  func sharedWords() throws {
    #expect(
      try notes(classes, ["when: { prompt: harmful }"]) == [
        "words of both `harmful` and `safe`: `knife`; a prompt with one of them meets conditions on "
          + "`harmful`, whichever rule said it"
      ])
    // Both are named, one of them by an annotator.
    #expect(
      try notes(classes, ["unless: { prompt: safe }"], ", when: { prompt: harmful }") == [
        "words of both `safe` and `harmful`: `knife`; a prompt with one of them meets conditions on "
          + "`safe` and on `harmful`, whichever rule said it"
      ])
    // A verb that is also a thing.
    #expect(
      try notes(
        classes.replacing("[bomb, knife]", with: "[bomb, use]"), ["when: { prompt: harmful }"]
      ) == [
        "words of both `harmful` and `verb`: `use`; a prompt with one of them meets conditions on "
          + "`harmful`, whichever rule said it"
      ])
  }

  @Test("classes without a common word, a class in a class, and words of responses need no note")
  func silent() throws {
    let apart = classes.replacing("bread, knife", with: "bread")
    #expect(try notes(apart, ["when: { prompt: harmful }", "unless: { prompt: safe }"]).isEmpty)
    #expect(try notes(apart, ["when: { prompt: thing }", "when: { prompt: harmful }"]).isEmpty)
    #expect(try notes(classes, ["when: { prompt: thing }"]).isEmpty)
    #expect(try notes(classes, ["weight: 2"]).isEmpty)
    #expect(
      try notes(apart.replacing("bomb", with: "sorry"), ["when: { prompt: harmful }"]).isEmpty)
  }

  @Test("responses longer than a limit are counted")
  func lengths() throws {
    let world = try makeWorld()
    let all = world.responses(longerThan: 0)
    #expect(all.count == 1_000 && all.longest == 9)
    #expect(world.responses(longerThan: 9).count == 0)
    let some = world.responses(longerThan: 4).count
    #expect(some > 100 && some < 900 && world.responses(longerThan: 6).count < some)
  }
}
