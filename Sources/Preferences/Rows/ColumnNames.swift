/// What columns of preference data are called, here and in public data sets.
package enum ColumnNames {
  /// A column of a row, as it is called here, and the names that data sets give it, the first found
  /// being read.
  struct Column {
    let name: String
    var others: [String] = []
    /// For people: what it is.
    let meaning: String
  }

  static let columns: [Column] = [
    Column(
      name: "prompt", others: ["instruction", "question", "query", "problem"],
      meaning: "a text, or messages"),
    Column(
      name: "input", others: ["context"],
      meaning: "put behind the prompt after a blank line; alone it is the prompt"),
    Column(
      name: "system",
      others: ["system_prompt", "sys_prompt", "system_message", "system_instruction"],
      meaning: "the system message"),
    Column(
      name: "history",
      others: ["chat_history", "conversation_history", "dialogue_history", "previous_turns"],
      meaning: "earlier turns as pairs or messages; a text alone is the prompt"),
    Column(name: "tools", meaning: "tools, for the chat template"),
    Column(
      name: "messages", others: ["conversations", "conversation"],
      meaning: "a whole conversation, the response last"),
    Column(
      name: "chosen",
      others: [
        "chosen_response", "chosen_answer", "preferred_output", "response_j", "accepted", "win",
        "best",
      ],
      meaning: "the better response, or a list of right ones"),
    Column(
      name: "rejected",
      others: [
        "rejected_response", "rejected_answer", "non_preferred_output", "response_k", "lose",
        "worst",
      ],
      meaning: "the worse response, or a list of wrong ones"),
    Column(name: "margin", meaning: "by how much the chosen reward should be above the other"),
    Column(
      name: "chosen_score",
      others: [
        "score_chosen", "chosen_rating", "rating_chosen", "chosen-rating", "chosen_avg_rating",
      ],
      meaning: "rating of the chosen response; the difference of both is the margin"),
    Column(
      name: "rejected_score",
      others: [
        "score_rejected", "rejected_rating", "rating_rejected", "rejected-rating",
        "rejected_avg_rating",
      ],
      meaning: "rating of the rejected response"),
    Column(
      name: "chosen_probability", others: ["chosen_prob"],
      meaning: "soft label, for `reward.soft_labels`"),
    Column(name: "chosen_gold", meaning: "gold reward of the chosen response"),
    Column(name: "rejected_gold", meaning: "gold reward of the rejected response"),
    Column(name: "annotator", meaning: "who judged"),
    Column(
      name: "response_a",
      others: ["human_ref_A"] + pairNames.map(\.a), meaning: "the first of two responses"),
    Column(
      name: "response_b",
      others: ["human_ref_B"] + pairNames.map(\.b), meaning: "the second of two responses"),
    Column(
      name: "preference",
      others: [
        "winner", "choice", "preferred", "preferred_response", "better_response",
        "preferred_answer", "better_response_id", "label", "labels",
      ],
      meaning: "which of two responses is better, or a tie"),
    Column(
      name: "winner_model_a", others: ["winner_a"], meaning: "whether the first response is better"),
    Column(
      name: "winner_model_b", others: ["winner_b"], meaning: "whether the second response is better"
    ),
    Column(name: "winner_tie", others: ["tie"], meaning: "whether both are equally good"),
    Column(
      name: "preference_strength", others: ["overall_preference"],
      meaning: "below 0 the first response is better, above 0 the second; its size is the margin"),
    Column(
      name: "turn", meaning: "how many of the user's turns are judged; what follows is left out"),
    Column(name: "score_A", meaning: "votes for the first response, or its score"),
    Column(name: "score_B", meaning: "votes for the second response, or its score"),
    Column(
      name: "responses", others: ["completions", "answers", "generations", "candidates"],
      meaning: "several responses, as texts, messages, or objects with their score or rank"),
    Column(name: "ranking", meaning: "indices of the responses, best first"),
    Column(name: "ranks", others: ["rank"], meaning: "the rank of each response, 1 for the best"),
    Column(
      name: "ratings", others: ["scores", "rating"],
      meaning: "a rating of each response, more for better"),
    Column(
      name: "response", others: ["completion", "output", "answer", "generation"],
      meaning: "one response"),
    Column(
      name: "rating", others: ["score", "overall_score", "helpfulness"],
      meaning: "a number for one response, more for better"),
    Column(
      name: "label", others: ["kto_tag", "desirable", "is_safe"],
      meaning: "whether one response is good: true or false"),
    Column(name: "steps", others: ["completions"], meaning: "steps of one response"),
    Column(name: "step_labels", others: ["labels"], meaning: "whether each step is right"),
    Column(name: "prompt_ids", meaning: "token ids of the prompt, used as given"),
    Column(name: "response_ids", meaning: "token ids of the response, used as given"),
    Column(
      name: "rendered",
      meaning: "true: the texts are written by a chat template, and nothing is added to them"),
    Column(name: "subset", meaning: "what accuracy is counted by"),
  ]

  /// How pairs of columns are called that hold two responses; the first letter or number goes with
  /// the first of them.
  static let pairNames: [(a: String, b: String)] = {
    var names: [(String, String)] = []
    for stem in [
      "response", "answer", "completion", "output", "conversation", "conv", "option", "candidate",
      "text", "summary",
    ] {
      for (a, b) in [("a", "b"), ("A", "B"), ("0", "1"), ("1", "2")] {
        if stem + "_" + a == "response_a" { continue }
        names.append(("\(stem)_\(a)", "\(stem)_\(b)"))
      }
    }
    names.append(("response1", "response2"))
    return names
  }()

  /// Every name that is read.
  static let all = Set(columns.flatMap { [$0.name] + $0.others })

  /// The roles that `--column ROLE=NAME` can give; `ignore` reads a column as nothing.
  package static let roles = columns.map(\.name) + ["ignore"]

  /// The name that an unread key was perhaps meant to be: one of a prompt, response or label, but for
  /// case, signs, and one slip.
  static func meant(by key: String) -> String? {
    let words = key.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
    let plain = normalized(key)
    // Such as `rejected_messages`, `prompt_text`, `user_prompt`.
    let bare = words.count < 2 ? plain : words.filter { !containers.contains($0) }.joined()
    return conspicuous.first { plain == $0.normalized }?.name
      ?? conspicuous.first { isSlip(plain, $0.normalized) }?.name
      ?? (bare == plain ? nil : texts.first { bare == normalized($0) })
  }

  /// The name of what a column is perhaps a part of, where it holds text: `initial_reason_steps`,
  /// `answer_prefix`.
  static func partly(_ key: String) -> String? {
    let words = key.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
    if words == ["initial", "reason", "steps"] { return "input" }
    return words.lazy.compactMap {
      ["history": "history", "prefix": "prompt", "context": "input", "functions": "tools"][$0]
    }.first
  }

  /// Whether a name has a word in it that names a judgement, as `gt_label` and `is_chosen` have.
  static func isPerhapsJudgement(_ key: String) -> Bool {
    let words = key.lowercased().split { !$0.isLetter }.map(String.init)
    return !judgementWords.isDisjoint(with: words)
  }
  private static let judgementWords: Set = [
    "label", "labels", "preferred", "better", "best", "chosen", "winner", "votes", "feedback",
    "stars", "correct", "rating", "ratings", "score", "scores", "rewards", "rank",
  ]

  /// Whether a name is one of a third response, such as `response_3`, `output_c`, `rejected_2`.
  static func isOfFurtherResponse(_ key: String) -> Bool {
    let words = key.lowercased().split { "_-".contains($0) }
    return words.count == 2 && words[1].count == 1
      && ["response", "answer", "completion", "output", "chosen", "rejected"].contains(words[0])
  }

  /// Words of names that say in what form a text stands, and whose it is.
  private static let containers: Set = [
    "text", "texts", "string", "message", "messages", "content", "conversation", "user",
  ]
  private static let texts = columns.filter {
    ["prompt", "chosen", "rejected", "response"].contains($0.name)
  }.flatMap { [$0.name] + $0.others }

  private static let conspicuous: [(name: String, normalized: String)] = {
    let quiet: Set = [
      "annotator", "subset", "rendered", "tools", "messages", "score_A", "score_B", "prompt_ids",
      "response_ids", "turn",
    ]
    return columns.filter { !quiet.contains($0.name) }.flatMap { [$0.name] + $0.others }
      .filter { !$0.hasPrefix("conversation") }.map { ($0, normalized($0)) }
  }()

  private static func normalized(_ name: String) -> String {
    name.lowercased().filter { $0.isLetter || $0.isNumber }
  }

  /// Whether one insertion, deletion, substitution or exchange of neighbours makes one of the other;
  /// of short names only a plural is a slip, and of numbers nothing.
  private static func isSlip(_ first: String, _ second: String) -> Bool {
    let (a, b) = (Array(first), Array(second))
    if first == second + "s" || second == first + "s" { return true }
    guard max(a.count, b.count) >= 6, abs(a.count - b.count) <= 1 else { return false }
    let start = zip(a, b).prefix { $0 == $1 }.count
    let (x, y) = (a.dropFirst(start), b.dropFirst(start))
    if x.first?.isNumber ?? false || y.first?.isNumber ?? false { return false }
    if x.count == y.count {
      if x.dropFirst() == y.dropFirst() { return true }
      return x.count >= 2 && x.first == y.dropFirst().first && y.first == x.dropFirst().first
        && x.dropFirst(2) == y.dropFirst(2)
    }
    return x.count > y.count ? x.dropFirst() == y : x == y.dropFirst()
  }
}
