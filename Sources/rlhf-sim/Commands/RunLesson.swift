import ArgumentParser
import Experiments
import Foundation
import Reports
import RunRecords
import Settings
import Statistics

/// `lesson`: a question, its arms over seeds, and the verdicts of its claims.
struct RunLesson: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lesson", abstract: "Run a lesson: a question, its arms over seeds, its claims.",
    discussion: """
      Asks what you expect, runs every arm over every seed as a sweep, and prints the verdict of each \
      claim. Stopped or killed, it goes on when it is started again. lesson.html and lesson.json are \
      in the directory of --out.

      Example: rlhf-sim lesson reference --quick
      Example: rlhf-sim lesson check reference runs/mine
      """,
    subcommands: [Start.self, CheckExercise.self], defaultSubcommand: Start.self)

  struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Run a lesson, or go on with it. (default)",
      discussion: "Example: rlhf-sim lesson reference --quick")

    @Argument(help: "A lesson by name (see `rlhf-sim lessons`), or its YAML file.")
    var name: String

    @Option(help: "Seeds, such as 1-8, instead of the lesson's.")
    var seeds: String?

    @Flag(help: "The smaller size for a class: fewer seeds and iterations.")
    var quick = false

    @Option(
      name: .customLong("set"),
      help: "A setting of all arms, key=value, over those of the lesson; may be repeated.")
    var overrides: [String] = []

    @Option(help: "Directory of the runs. (default: runs/lesson-NAME)", completion: .directory)
    var out: String?

    @Option(help: "Which of its choices you expect, from 1; asked for at a terminal.")
    var expect: Int?

    @Flag(help: "Exit with 3 when a claim fails.")
    var strict = false

    @OptionGroup var workers: WorkerOptions

    func run() throws {
      let (lesson, file) = try ProjectFiles.lesson(name)
      if let expect, !lesson.choices.indices.contains(expect - 1) {
        throw ValidationError(
          "--expect is \(expect); the lesson has \(lesson.choices.count) choices.")
      }
      let short = file.deletingPathExtension().lastPathComponent
      let place = out ?? "runs/lesson-\(short)\(quick ? "-quick" : "")"
      let (plan, cells) = try lesson.cells(
        seeds: seeds, isQuick: quick, overrides: overrides, besides: file)
      // First, so that nobody chooses for a place that is refused.
      let sweep = try SweepDirectory(at: URL(filePath: place), for: plan, cells)
      let expected = try expect ?? ask(lesson)
      if !workers.quiet { Output.note(sweep.tasks.summary) }
      let board = try workers.finish(sweep)
      let record = try lesson.record(
        board.results, name: short, expected: expected, isQuick: quick)
      try record.write(to: sweep.url.appending(path: "lesson.json"))
      let page = sweep.url.appending(path: "lesson.html")
      try LessonReport.write(record, board.results, figures: lesson.figures, to: page)
      if workers.json {
        try Output.writeJSON(record)
      } else {
        try Output.write(record.text + "Page: \(page.path)\n")
      }
      if SweepStatus(board).failures.count > 0 { throw ExitCode.failure }
      if strict, !record.claims.allSatisfy(\.holds) { throw ExitCode(3) }
    }

    /// Question and choices; what is expected, where someone can answer.
    private func ask(_ lesson: Lesson) throws -> Int? {
      guard !workers.quiet, !workers.json, !lesson.choices.isEmpty else { return nil }
      var text = "\(lesson.title)\n\n\(lesson.question)\n\nWhat do you expect?\n"
      for (index, choice) in lesson.choices.enumerated() { text += "  \(index + 1)  \(choice)\n" }
      try Output.write(text)
      guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else { return nil }
      try Output.write("Your choice (return for none): ")
      guard let line = readLine(), let choice = Int(line),
        lesson.choices.indices.contains(choice - 1)
      else { return nil }
      return choice
    }
  }

  struct CheckExercise: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check", abstract: "Say whether a run solves an exercise of a lesson.",
      discussion: "Example: rlhf-sim lesson check reference runs/mine --exercise 1")

    @Argument(help: "The lesson.")
    var name: String

    @Argument(help: "The run directory.", completion: .directory)
    var directory: String

    @Option(help: "Which of its exercises, from 1.")
    var exercise = 1

    func run() throws {
      let lesson = try ProjectFiles.lesson(name).lesson
      guard lesson.exercises.indices.contains(exercise - 1) else {
        throw ValidationError(
          "\(name) has \(lesson.exercises.count) exercises; there is no --exercise \(exercise).")
      }
      let task = lesson.exercises[exercise - 1]
      let claims = try lesson.check(task, RunDirectory.open(URL(filePath: directory)))
      let isSolved = claims.allSatisfy(\.holds)
      var text = task.task + "\n"
      for claim in claims {
        text += "  \(claim.holds ? "✓" : "✗") \(claim.claim): "
        text += claim.problem ?? NumberText.plainShort(claim.value ?? 0)
        text += "\n"
      }
      try Output.write(text + (isSolved ? "Solved.\n" : "Not solved.\n"))
      if !isSolved { throw ExitCode(3) }
    }
  }
}

/// `lessons`: what there is to learn.
struct Lessons: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the lessons with their minutes.",
    discussion: "Example: rlhf-sim lessons")

  @Flag(help: "Print a JSON list.")
  var json = false

  private struct Row: Encodable {
    let name: String
    let title: String
    let question: String
    let minutes: Double
  }

  func run() throws {
    let rows = try ProjectFiles.lessonNames().map { name in
      let lesson = try ProjectFiles.lesson(name).lesson
      return Row(
        name: name, title: lesson.title, question: lesson.question, minutes: lesson.minutes)
    }
    if json { return try Output.writeJSON(rows) }
    var table = TextTable(
      columns: [("lesson", .leading), ("minutes", .trailing), ("what it asks", .leading)])
    for row in rows { table.append([row.name, NumberText.plain(row.minutes, 0), row.title]) }
    try Output.write(table.rendered() + "Run one: rlhf-sim lesson NAME --quick\n")
  }
}

extension LessonRecord {
  /// The verdicts, for a terminal.
  var text: String {
    var text = "\(title)\n\n"
    for claim in claims {
      text += "\(claim.holds ? "✓" : "✗ fails:") \(claim.claim)\n"
      text += "    \(claim.finding)   (\(claim.statement))\n"
    }
    text += "\n\(claims.count(where: \.holds)) of \(claims.count) claims hold.\n"
    if !choices.isEmpty {
      if let expected {
        text +=
          expected == answer
          ? "As you expected: " : "You expected: \(choices[expected - 1])\nFound: "
      } else {
        text += "Found: "
      }
      text += "\(choices[answer - 1])\n"
    }
    if !explanation.isEmpty { text += explanation + "\n" }
    for step in next { text += "Next: \(step)\n" }
    return text
  }
}
