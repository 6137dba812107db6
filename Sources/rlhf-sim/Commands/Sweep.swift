import ArgumentParser
import Experiments
import Foundation
import Numerics
import Reports
import RunRecords
import Statistics

/// Many runs of one plan.
struct Sweep: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run every cell of a plan: settings by seeds.",
    discussion: """
      Stages that cells share are run once. A sweep that was stopped or killed goes on when it is \
      started again; a cell that fails is recorded as failed, and the others go on.

      Example: rlhf-sim sweep scenarios/plans/goodhart.yaml --out sweeps/kl --jobs 2
      Example: rlhf-sim sweep status sweeps/kl
      """,
    subcommands: [Start.self, Status.self, Work.self, PerformTask.self],
    defaultSubcommand: Start.self)

  enum Engine: String, ExpressibleByArgument, CaseIterable {
    case local, slurm
  }

  struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Begin a sweep, or go on with it. (default)",
      discussion: """
        A plan is a YAML file with `scenario`, `set`, `axes`, `seeds` and `run`. Results are \
        results.csv, results.json, curves.csv and index.html of the directory. The exit code is 1 when \
        a cell failed.

        Example: rlhf-sim sweep scenarios/plans/goodhart.yaml --out sweeps/kl --jobs 2
        """)

    @Argument(help: "The plan.", completion: .file(extensions: ["yaml"]))
    var plan: String

    @Option(help: "Directory of the sweep; one that is there goes on.", completion: .directory)
    var out: String

    @Option(
      help:
        "local: processes on this machine; slurm: a job array on a cluster with a shared folder.")
    var engine = Engine.local

    @OptionGroup var workers: WorkerOptions

    @Flag(help: "Run failed cells again.")
    var retry = false

    func run() throws {
      let (plan, cells) = try SweepPlan.read(URL(filePath: plan))
      let sweep = try SweepDirectory(at: URL(filePath: out), for: plan, cells)
      if retry { try sweep.forgetFailures() }
      if !workers.quiet { Output.note(sweep.tasks.summary) }
      switch engine {
      case .local: try workers.work(on: sweep)
      case .slurm:
        let job = try SlurmArray.submit(
          sweep, tasks: min(workers.jobs ?? 16, cells.count), program: Program.executable,
          patience: workers.patience)
        try Output.write(
          "Submitted as job \(job). How far it is: rlhf-sim sweep status \(sweep.url.path)\n")
      }
    }
  }

  struct Work: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Work on a sweep that was begun elsewhere.",
      discussion: """
        For other machines that share the folder: each takes cells that no other has.

        Example: rlhf-sim sweep work /shared/sweeps/kl --jobs 8
        """)

    @Argument(help: "Directory of the sweep.", completion: .directory)
    var directory: String

    @OptionGroup var workers: WorkerOptions

    func run() throws {
      try workers.work(on: SweepDirectory(opening: URL(filePath: directory)))
    }
  }

  struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print how far a sweep is, from any machine.",
      discussion: "Example: rlhf-sim sweep status sweeps/kl --json")

    @Argument(help: "Directory of the sweep.", completion: .directory)
    var directory: String

    @Flag(help: "Print a JSON object.")
    var json = false

    func run() throws {
      var board = SweepBoard(try SweepDirectory(opening: URL(filePath: directory)))
      try board.refresh()
      let status = SweepStatus(board)
      if json { try Output.writeJSON(status) } else { try Output.write(status.text) }
    }
  }

  /// What a worker starts: one task in one process.
  struct PerformTask: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "task", abstract: "Run one task of a sweep.", shouldDisplay: false)

    @Argument var directory: String
    @Argument var name: String
    @Option var generation: Int
    @OptionGroup var machine: MachineOptions

    func run() throws {
      let sweep = try SweepDirectory(opening: URL(filePath: directory))
      let task = try sweep.task(name)
      guard let claim = try SweepClaim.make(name, generation: generation, in: sweep) else { return }
      claim.beginHeartbeat()
      var board = SweepBoard(sweep)
      try board.refresh()
      if board.state(task).isFinal { return claim.release() }
      let scenario = try ProjectFiles.scenario(sweep.place(task.scenario).path)
      let begun = try sweep.prepareUnlessLocked(
        task,
        RunInformation(
          task.command, of: scenario, seed: task.seed, threads: machine.workers.count))
      // An owner that was silent for too long is still there: it ends as soon as it wakes.
      guard let (directory, information) = begun else {
        Thread.sleep(forTimeInterval: 2)
        return claim.release()
      }
      try information.requireOrigin(settings: scenario.lines(), in: directory)
      try RecordedRun(
        directory: directory, information: information, scenario: scenario, tokenizer: nil,
        prompts: .world, machine: machine, isResumed: true, printsJSON: false
      ).run { run in
        do { return try task.perform(run) } catch {
          if error is Interrupted { claim.release() }
          throw error
        }
      }
      claim.release()
    }
  }
}

/// Options of commands that work on a sweep.
struct WorkerOptions: ParsableArguments {
  @Option(help: "Processes at once, one thread each. (default: all cores; with slurm 16)")
  var jobs: Int?

  @Option(
    help: "Seconds without a sign of life after which the cell of another machine is taken over.")
  var patience = 60.0

  @Flag(help: "Print no progress and no notes.")
  var quiet = false

  @Flag(help: "Print the result as JSON when it ends.")
  var json = false

  func validate() throws {
    if let jobs, !(1...1024).contains(jobs) {
      throw ValidationError("--jobs is \(jobs); it must be from 1 to 1024.")
    }
    // A sign of life is given every two seconds.
    if !(6...86_400).contains(patience) {
      throw ValidationError("--patience is \(patience); it must be from 6 to 86400.")
    }
  }

  /// Runs all that is left, and writes results and page.
  func work(on sweep: SweepDirectory) throws {
    let status = SweepStatus(try finish(sweep))
    if json {
      try Output.writeJSON(status)
    } else {
      try Output.write(
        status.text + "Results: \(sweep.results.path)\nPage: \(sweep.page.path)\n")
    }
    if status.failures.count > 0 { throw ExitCode.failure }
  }

  /// The same without a word of how it ended.
  func finish(_ sweep: SweepDirectory) throws -> SweepBoard {
    let progress = SweepProgress(quiet: quiet)
    let workers = SweepWorkers(
      sweep, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount,
      program: Program.executable, patience: patience, report: progress.report)
    Signals.interruptRun()
    let board: SweepBoard
    do { board = try workers.run() } catch is Interrupted {
      Signals.end("rlhf-sim sweep work \(sweep.url.path)")
    }
    try board.results.write()
    try SweepReport.write(board.results, to: sweep.page)
    return board
  }
}

enum Program {
  /// This program.
  static var executable: URL {
    Bundle.main.executableURL ?? URL(filePath: CommandLine.arguments[0])
  }
}
