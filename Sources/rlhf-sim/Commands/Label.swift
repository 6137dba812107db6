import ArgumentParser
import Experiments
import Foundation
import RunRecords
import Statistics

/// Pairs of a policy, judged by the person at the keyboard.
struct Label: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Judge pairs of responses, then see how often you agree with the annotators.",
    discussion: """
      Keys: ← or h for the left response, → or l for the right, t tie, s skip, u undo, q quit. Every \
      choice is saved at once; the same command continues later. Choices are written as preference \
      rows, ties and skipped pairs only to the journal beside them.

      Example: rlhf-sim label --output mine.jsonl
      Then: rlhf-sim train-reward --preferences mine.jsonl
      """)

  @Option(help: "Directory of the policy. (default: the one that ships)", completion: .directory)
  var policy: String?

  @Option(
    help: "File for the rows; FILE.journal beside it has every choice.",
    completion: .file(extensions: ["jsonl"]))
  var output = "labels.jsonl"

  @Option(help: "Stop after so many choices, earlier sessions included. (default: at q)")
  var count: Int?

  @Flag(help: "Print the agreement as JSON.")
  var json = false

  @OptionGroup var scenario: ScenarioOptions
  @OptionGroup var machine: MachineOptions

  func validate() throws {
    if let count, count < 1 {
      throw ValidationError("--count is \(count); it must be at least 1.")
    }
  }

  func run() throws {
    let (scenario, notes) = try scenario.read(for: .label)
    notes.forEach(machine.note)
    let policy = try Shipped.policy(or: policy, option: "--policy")
    try Shipped.requireWorld(
      of: scenario, remedy: "train a policy with `rlhf-sim sft`", policy.requireWorld)
    var journal = try AdvisedError.during {
      if case LoopError.taken = $0 { "choose another --output" } else { nil }
    } _: {
      try LabelJournal(at: URL(filePath: output))
    }
    let loop = try AlignmentLoop(
      scenario, tokenizer: policy.tokenizer, seed: self.scenario.seed, workers: machine.workers,
      observer: RunRecorder(
        directory: nil, terminal: Terminal(isInteractive: false, isQuiet: true)))
    var pairs: [LabelPair] = []
    func pair(_ index: Int) throws -> LabelPair {
      while pairs.count <= index {
        pairs += try loop.pairsToLabel(
          of: policy.model, part: pairs.count / AlignmentLoop.labelledTogether)
      }
      return pairs[index]
    }
    for (index, answer) in journal.answers.enumerated() where try pair(index) != answer.pair {
      throw LoopError.input(
        "\(journal.journal.path):\(index + 1): the answers there are to other pairs; give the "
          + "--policy, --scenario and --seed that it was begun with, or another --output")
    }
    try judge(&journal, pair)
    try report(journal.answers)
  }

  private func judge(_ journal: inout LabelJournal, _ pair: (Int) throws -> LabelPair) throws {
    let screen = LabelScreen(terminal: machine.terminal)
    let keys = KeyReader()
    try RawTerminal.during {
      while journal.answers.count < count ?? .max {
        let pair = try pair(journal.answers.count)
        screen.show(pair, after: journal.answers, file: output)
        var key = keys.next()
        while key == .other { key = keys.next() }
        switch key {
        case .left: try journal.append(LabelledPair(pair: pair, answer: .left))
        case .right: try journal.append(LabelledPair(pair: pair, answer: .right))
        case .tie: try journal.append(LabelledPair(pair: pair, answer: .tie))
        case .skip: try journal.append(LabelledPair(pair: pair, answer: .skip))
        case .undo: _ = try journal.undo()
        case .quit, .other: return
        }
      }
    }
  }

  private func report(_ answers: [LabelledPair]) throws {
    let agreement = LabelAgreement(answers)
    if json { return try Output.writeJSON(agreement) }
    guard let agreement else { return try Output.write("Nothing is judged yet.\n") }
    try Output.write(agreement.text + nextStep(after: agreement.judged))
  }

  /// How much the choices are good for, and the command that uses them.
  private func nextStep(after judged: Int) -> String {
    let enough = Self.helpfulChoices
    let tooFew = judged < enough / 2
    let advice =
      tooFew
      ? "A reward model from fewer than \(enough / 2) choices is no better than chance, one from \(enough) "
        + "is right on some 60 % of pairs."
      : "A reward model from \(enough) choices is right on some 60 % of pairs, one from 16 000 on 77 %."
    return "\n" + TextTable.wrapped(advice) + "Next: "
      + (tooFew
        ? "the same command again, which goes on from here\n"
        : "rlhf-sim train-reward --preferences \(output) --set reward.steps=300\n")
  }

  /// Choices with which a reward model begins to be better than chance: of `sentiment`'s annotators, in
  /// 300 steps, 500 give 0.52 on held-out pairs, 1 000 give 0.61, 2 000 give 0.63.
  static let helpfulChoices = 1_000
}

extension LabelAgreement {
  /// The agreement as a person reads it.
  fileprivate var text: String {
    func interval(_ share: Proportion) -> String {
      "\(NumberText.plainPercent(share.low)) to \(NumberText.plainPercent(share.high))"
    }
    var table = TextTable(columns: [
      ("", .leading), ("agreement", .trailing), ("95 % interval", .trailing), ("pairs", .trailing),
    ])
    func row(_ name: String, _ share: Proportion) {
      guard share.count > 0 else { return }
      table.append([name, NumberText.plainPercent(share.value), interval(share), "\(share.count)"])
    }
    row("you and the annotators", annotators)
    table.append([
      "the annotators among themselves", NumberText.plainPercent(annotatorsAmongThemselves), "", "",
    ])
    row("you and gold", gold)
    row("the annotators and gold", annotatorsWithGold)
    row("you chose the left response", left)
    return "Pairs judged: \(judged); ties: \(ties); skipped: \(skipped).\n\n" + table.rendered()
  }
}
