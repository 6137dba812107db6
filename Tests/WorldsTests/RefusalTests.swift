import Settings
import Testing

@testable import Worlds

@Suite struct RefusalTests {
  /// Replaces one piece of the small world and expects the refusal.
  @Test(
    "what is wrong with a world is refused with line, key path and advice",
    arguments: [
      (
        "noun: [soup, room]", "noun: [soup, \"<rom>\"]",
        "world.yaml:9: `world.grammar.rules.noun`: there is no rule for `<rom>`; "
          + "the rules are text, clause, noun, quality"
      ),
      (
        "<noun> was", "<nuon> was",
        "world.yaml:8: `world.grammar.rules.clause`: there is no rule for `<nuon>`; "
          + "did you mean `noun`?"
      ),
      (
        "start: text", "start: test",
        "world.yaml:3: `world.grammar.start`: there is no rule `test`, which texts start from; "
          + "did you mean `text`?"
      ),
      (
        "<clause> and <text>", "<text> and <clause>",
        "world.yaml:7: `world.grammar.rules.text`: `<text>` leads back to `<text>` inside "
          + "\"<text> and <clause>\"; a symbol may lead back to itself only as the last symbol of "
          + "an expansion"
      ),
      (
        "noun: [soup, room]", "noun: [soup, \"<clause> room\"]",
        "world.yaml:8: `world.grammar.rules.clause`: `<noun>` leads back to `<clause>` inside "
          + "\"the <noun> was <quality>\"; a symbol may lead back to itself only as the last "
          + "symbol of an expansion"
      ),
      (
        "noun: [soup, room]", "noun: [soup, room]\n      verb: [runs]",
        "world.yaml:10: `world.grammar.rules.verb`: no text can reach this rule; "
          + "use `<verb>` or remove the rule"
      ),
      (
        "noun: [soup, room]", "noun: [\"soup <noun>\"]",
        "world.yaml:9: `world.grammar.rules.noun`: this rule never ends; "
          + "add an expansion that does not lead back to it"
      ),
      (
        "noun: [soup, room]", "noun: []",
        "world.yaml:9: `world.grammar.rules.noun`: this rule has no expansions; "
          + "add one, or remove the rule"
      ),
      (
        "noun: [soup, room]", "noun: [soup, soup]",
        "world.yaml:9: `world.grammar.rules.noun[1]`: the expansion \"soup\" is given twice; "
          + "write it as a map with weights"
      ),
      (
        "noun: [soup, room]", "noun: {soup: 0}",
        "world.yaml:9: `world.grammar.rules.noun`: the weight 0.0 of \"soup\" is out of range; "
          + "it must be greater than 0; remove the expansion to switch it off"
      ),
      (
        "noun: [soup, room]", "noun: [soup, room<]",
        "world.yaml:9: `world.grammar.rules.noun`: `room<` is neither a word nor a symbol; "
          + "write symbols as `<name>`, apart"
      ),
      (
        "noun: [soup, room]", "noun: soup",
        "world.yaml:9: `world.grammar.rules.noun`: expected a list of expansions or a map to their "
          + "weights, found `soup`; write it as `[a, b]` or one `- item` a line"
      ),
      (
        "words: [2, 3]", "words: [0, 3]",
        "world.yaml:12: `world.prompt.words`: 0...3 words cannot be a prompt; "
          + "use at least 1 and at most 1000"
      ),
      (
        "words: [2, 3]", "words: [400, 500]",
        "world.yaml:11: `world.prompt`: only 0 of 1000 texts have a prompt of 400...500 words and a "
          + "response of 1 to 9; change `words` or `maximum_response_words`, or the weights of the "
          + "grammar"
      ),
      (
        "base_noise: 0.2", "base_noise: 1.2",
        "world.yaml:14: `world.base_noise`: 1.2 is out of range; it must be from 0.0 to 1.0"
      ),
      (
        "base_noise: 0.2", "base_nose: 0.2",
        "world.yaml:14: `world.base_nose`: unknown key; did you mean `base_noise`?"
      ),
      (
        "feature: valence", "feature: valance",
        "world.yaml:16: `world.gold[0].feature`: there is no choice `valance`; "
          + "did you mean `valence`? use one of valence, grammar_breaks, length, repetition, phrase, "
          + "words, answers, copies, pattern, arithmetic, agrees"
      ),
      (
        "- feature: valence\n      weight: 1", "- weight: 1",
        "world.yaml:16: `world.gold[0].feature`: this key is missing; add `feature:`, one of "
          + "valence, grammar_breaks, length, repetition, phrase, words, answers, copies, pattern, "
          + "arithmetic, agrees"
      ),
      (
        "words: [good]", "words: [goood]",
        "world.yaml:22: `world.gold[0].lexicon[0].words[0]`: the grammar has no word `goood`; "
          + "did you mean `good`?"
      ),
      (
        "negations: [not]", "negations: [never]",
        "world.yaml:19: `world.gold[0].negations[0]`: the grammar has no word `never`; "
          + "remove it, or add it to the grammar"
      ),
      (
        "words: [bad]", "words: [bad, very]",
        "world.yaml:22: `world.gold[0].lexicon[1].words[1]`: `very` is listed twice; "
          + "remove one of its entries"
      ),
      (
        "{feature: grammar_breaks, ", "{feature: grammar_breaks, limit: 3, ",
        "world.yaml:23: `world.gold[1].limit`: unknown key; the keys are feature, weight, name, when, "
          + "unless"
      ),
      (
        "limit: 4", "limit: 4, target: 3",
        "world.yaml:24: `world.gold[2]`: a length feature has either a limit or a target; "
          + "remove one of them"
      ),
      (
        ", limit: 4", "",
        "world.yaml:24: `world.gold[2]`: a length feature has either a limit or a target; "
          + "add one of them"
      ),
      (
        "phrase: very good", "phrase: \" \"",
        "world.yaml:27: `world.gold[5].phrase`: the phrase is empty; write its words"
      ),
      (
        "name: ann, share: 1", "name: ann, share: 0",
        "world.yaml:29: `world.annotators[0].share`: 0.0 is out of range; "
          + "it must be from 1e-06 to 1000000.0"
      ),
      (
        "flip: 0.1", "flip: 0.6",
        "world.yaml:29: `world.annotators[0].flip`: 0.6 is out of range; it must be from 0.0 to 0.5"
      ),
      (
        "temperature: 0.5", "temperature: -1",
        "world.yaml:29: `world.annotators[0].temperature`: -1.0 is out of range; "
          + "it must be at least 0.0"
      ),
      (
        "name: bob, ", "",
        "world.yaml:30: `world.annotators[1].name`: this key is missing; add `name:` (what the "
          + "annotator is called in the preference rows)"
      ),
      (
        "name: bob", "name: ann",
        "world.yaml:30: `world.annotators[1].name`: two annotators are called `ann`; "
          + "give each a name of its own"
      ),
    ])
  func refusals(piece: String, replacement: String, message: String) {
    #expect(smallWorld.contains(piece))
    let yaml = smallWorld.replacing(piece, with: replacement, maxReplacements: 1)
    #expect {
      _ = try makeWorld(yaml)
    } throws: { "\($0)" == message }
  }

  /// Replaces one piece of a world by rules and expects the refusal.
  @Test(
    "what is wrong with rules, conditions and values is refused where it is written",
    arguments: [
      (
        "rule: ask", "rule: aks",
        "world.yaml:11: `world.prompt.rule`: there is no rule `aks`, which texts start from; "
          + "did you mean `ask`?"
      ),
      (
        "response: {rule: answer}", "base_noise: 0",
        "world.yaml:11: `world.prompt.rule`: prompts are expansions of a rule, and responses of "
          + "none; add `response: { rule: … }` beside `prompt`"
      ),
      (
        "{rule: ask, ", "{",
        "world.yaml:12: `world.response.rule`: responses are expansions of a rule, and prompts of "
          + "none; add `rule: …` to `prompt`"
      ),
      (
        "country: [france, spain, peru]", "country: [france, spain, \"peru <country>\"]",
        "world.yaml:11: `world.prompt.rule`: `ask` has no longest expansion, and a model reads "
          + "prompts of a limited length; let no rule of a prompt lead back to itself"
      ),
      (
        "from: country", "from: contry",
        "world.yaml:14: `world.gold[0].from`: there is no rule `contry`; did you mean `country`?"
      ),
      (
        "to: city", "to: digit",
        "world.yaml:14: `world.gold[0].to`: `country` has 3 words and `digit` 10; give each word its "
          + "answer, in the same order, or write a `table`"
      ),
      (
        ", to: city", "",
        "world.yaml:14: `world.gold[0]`: the answers come from a table, or from two rules; give "
          + "either `table`, or both `from` and `to`"
      ),
      (
        "to: city", "to: city, when: {prompt: towns}",
        "world.yaml:14: `world.gold[0].when.prompt`: there is no rule `towns`; the rules are ask, "
          + "country, city, sum, digit, answer, step"
      ),
      (
        "feature: answers, from: country, to: city", "feature: words",
        "world.yaml:14: `world.gold[0]`: there are no words here; give either `words`, a list, or "
          + "`words_of`, a rule of the grammar"
      ),
      (
        "feature: answers, from: country, to: city", "feature: words, words_of: city, words: [it]",
        "world.yaml:14: `world.gold[0]`: words are given twice; give either `words`, a list, or "
          + "`words_of`, a rule of the grammar"
      ),
      (
        "feature: answers, from: country, to: city", "feature: pattern",
        "world.yaml:14: `world.gold[0]`: this pattern demands nothing; give it a `start`, an `end`, "
          + "a `separator` or `brackets`"
      ),
      (
        "feature: answers, from: country, to: city", "feature: pattern, separator: \",\"",
        "world.yaml:14: `world.gold[0]`: a separator and a number of items go together; give both "
          + "`separator` and `items`, or neither"
      ),
      (
        "feature: answers, from: country, to: city", "feature: arithmetic, credit: steps",
        "world.yaml:14: `world.gold[0].separator`: steps need a word between them; add "
          + "`separator:`, a word of the grammar"
      ),
      (
        "feature: answers, from: country, to: city", "feature: agrees, sides: [city, answer]",
        "world.yaml:14: `world.gold[0].sides[1]`: `paris` is on two sides; name rules that share no "
          + "words"
      ),
      (
        "feature: answers, from: country, to: city", "feature: agrees",
        "world.yaml:14: `world.gold[0]`: there are no sides here; give either `words_of`, a rule, or "
          + "`sides`, a list of rules"
      ),
      (
        "name: ann", "name: ann, weights: {answer: 0}",
        "world.yaml:16: `world.annotators[0].weights.answer`: gold has no feature `answer`; did you "
          + "mean `answers`?"
      ),
      (
        "name: ann", "name: ann, likes: [{feature: words, words: [itt]}]",
        "world.yaml:16: `world.annotators[0].likes[0].words[0]`: the grammar has no word `itt`; did "
          + "you mean `it`?"
      ),
      (
        "to: city}", "to: city, name: fit}\n    - {feature: grammar_breaks, name: fit}",
        "world.yaml:15: `world.gold[1].name`: two features are called `fit`; give each a name of its "
          + "own"
      ),
      (
        "to: city}", "to: city}\n    - {feature: grammar_breaks, name: answers}",
        "world.yaml:15: `world.gold[1].name`: two features are called `answers`; give each a name of "
          + "its own"
      ),
      (
        "step: [", "more: [on]\n      step: [",
        "world.yaml:10: `world.grammar.rules.more`: no prompt and no response can reach this rule; "
          + "use `<more>` in an expansion of `ask` or `answer` or of what these use, name it at "
          + "`prompt.rule` or `response.rule`, or remove it"
      ),
      (
        "name: ann", "name: ann, reads: 0",
        "world.yaml:16: `world.annotators[0].reads`: 0 is out of range; it must be at least 1"
      ),
      (
        "step: [\"<digit>\", \"<digit> <digit>\"]", "step: [\"\"]",
        "world.yaml:14: `world.gold[0].to`: the rule `step` has no words; name a rule that has some"
      ),
    ] as [(String, String, String)])
  func ruleRefusals(piece: String, replacement: String, message: String) {
    #expect(ruleWorld.contains(piece))
    var yaml = ruleWorld.replacing(piece, with: replacement, maxReplacements: 1)
    if replacement == "step: [\"\"]" { yaml = yaml.replacing("to: city", with: "to: step") }
    #expect {
      _ = try makeWorld(yaml)
    } throws: { "\($0)" == message }
  }

  /// What only texts of the world show.
  @Test(
    "a world from whose texts nothing can be learned is refused before anything runs",
    arguments: [
      (
        "gold=[{feature: grammar_breaks}]", "gold",
        "all responses to a prompt have the same gold reward, so none is better or worse"
      ),
      (
        "annotators=[{name: ann, flip: 0.5}]", "annotators",
        "no annotator prefers one response to another, so a reward model could only guess"
      ),
      (
        "annotators=[{name: ann, weights: {answers: 0}}]", "annotators",
        "no annotator prefers one response to another, so a reward model could only guess"
      ),
      (
        "gold=[{feature: answers, from: country, to: city}, {feature: phrase, phrase: paris of}]",
        "gold[1]",
        "none of 20000 texts of the grammar has the feature `phrase`, so no policy would find what it rewards"
      ),
      (
        "annotators=[{name: ann, likes: [{feature: words, words: [what]}]}]",
        "annotators[0].likes[0]",
        "none of 20000 texts of the grammar has the feature `words`, so no policy would find what it rewards"
      ),
      (
        "gold=[{feature: answers, from: country, to: city, when: {prompt: answer}, "
          + "unless: {prompt: answer}}]", "gold[0]",
        "no prompt of the world meets `when` and `unless`"
      ),
      (
        "annotators=[{name: ann, when: {prompt: sum}}]", "annotators",
        "nobody judges responses to `"
      ),
    ] as [(String, String, String)])
  func hopeless(assignment: String, path: String, problem: String) throws {
    let world = try makeWorld(ruleWorld, set: assignment)
    let error = try #require(throws: SettingsError.self) {
      try world.checkTexts(prompts: 1, at: .unwritten)
    }
    #expect(error.path == path && error.problem.hasPrefix(problem), "\(error)")
    #expect(!error.advice.isEmpty)
  }

  @Test("too few prompts are refused, and what only a policy would do may be punished")
  func textsThatWillDo() throws {
    let few = try makeWorld()  // 2 nouns, 2 lengths
    #expect(throws: Never.self) { try few.checkTexts(prompts: 4, at: .unwritten) }
    let error = try #require(throws: SettingsError.self) {
      try few.checkTexts(prompts: 5, at: .unwritten)
    }
    #expect(error.path == "prompt" && error.problem.contains("4 different prompts"))
    let punished = try makeWorld(
      ruleWorld,
      set: "gold=[{feature: answers, from: country, to: city}, "
        + "{feature: phrase, phrase: it it, weight: -1}]")
    #expect(throws: Never.self) { try punished.checkTexts(prompts: 100, at: .unwritten) }
  }

  @Test(
    "sections that are empty or missing are refused",
    arguments: [
      ("grammar.rules={}", "world.grammar.rules", "the grammar has no rules"),
      ("gold=[]", "world.gold", "the gold reward has no features"),
      ("annotators=[]", "world.annotators", "there are no annotators"),
      ("grammar.rules={text: [\"\"]}", "world.grammar.rules", "the grammar has no words"),
    ])
  func empty(assignment: String, path: String, problem: String) {
    #expect {
      _ = try makeWorld(set: assignment)
    } throws: { error in
      let error = error as? SettingsError
      return error?.path == path && error?.problem == problem
        && error?.source == .assignment("world." + assignment)
    }
    #expect(throws: SettingsError.self) { try makeWorld("") }
    #expect(throws: SettingsError.self) { try World(WorldConfiguration()) }
  }

  @Test("a grammar that unfolds without measure is refused, not compiled")
  func explosion() {
    var rules = "s0: [word]"
    for level in 1...30 { rules += ", s\(level): [<s\(level - 1)> <s\(level - 1)>]" }
    #expect {
      _ = try makeWorld(set: "grammar={start: s30, rules: {\(rules)}}")
    } throws: { "\($0)".contains("the grammar unfolds to more than 20000 states") }
  }
}
