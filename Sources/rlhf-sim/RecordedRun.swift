import Experiments
import Formats
import Foundation
import LanguageModels
import Numerics
import RLHF
import Reports
import RunRecords
import Settings
import Statistics
import Synchronization

/// Runs `body` with a new run directory and its records, writes the report and prints the figures.
///
/// Everything that may be refused is read before this is called: only here is an earlier run in
/// --out replaced.
///
/// - Parameters:
///   - command: names the default directory, runs/COMMAND.
///   - tokenizer: that of the checkpoints to go on from; nil makes one from the world's words.
///   - prompts: where its prompts come from.
///   - inputs: what the run goes on from, which it must not replace.
///   - notes: what reading the inputs met.
///   - isStrict: whether an alert of the reward model stops the run before PPO.
///   - isVerbose: whether all figures are printed.
func recorded(
  _ options: LoopOptions, scenario: Scenario, command: RunInformation.Command,
  tokenizer: Tokenizer? = nil, prompts: PromptSource = .world, inputs: [URL] = [],
  notes: [String] = [], isStrict: Bool = false, isVerbose: Bool = false,
  _ body: (LoopRun) throws -> EvaluationSummary
) throws {
  if let out = options.out.map({ URL(filePath: $0).resolvingSymlinksInPath().path }),
    let inside = inputs.first(where: { $0.resolvingSymlinksInPath().path.hasPrefix(out + "/") })
  {
    throw LoopError.input(
      "--out \(out) holds \(inside.path), which the run goes on from; choose another --out")
  }
  let threads = try options.workers.count
  var information = RunInformation(
    command, of: scenario, seed: options.seed, threads: threads)
  information.begin(
    settings: scenario.lines(), inputs: try inputs.flatMap(RunInformation.inputs))
  let directory = try AdvisedError.during {
    switch $0 {
    case RunRecordsError.alreadyExists: "pass --force to replace it, or another --out"
    case RunRecordsError.notReplaceable, RunRecordsError.notADirectory: "choose another --out"
    default: nil
    }
  } _: {
    try RunDirectory.create(
      at: options.out.map { URL(filePath: $0) } ?? freePlace(command.rawValue), force: options.force
    )
  }
  try RecordedRun(
    directory: directory, information: information, scenario: scenario, tokenizer: tokenizer,
    prompts: prompts, machine: options.machine, isResumed: false, printsJSON: options.json,
    isVerbose: isVerbose
  ).run(notes: notes) { run in
    var run = run
    run.isStrict = isStrict
    return try body(run)
  }
}

extension RunInformation {
  /// What a run records of itself that begins now, on this machine.
  init(_ command: Command, of scenario: Scenario, seed: UInt64, threads: Int) {
    self.init(
      version: programVersion, command: command,
      method: !command.optimizesPolicy
        ? nil : command == .dpo ? "DPO" : scenario.ppo.algorithm.name,
      hasValueModel: command != .dpo && scenario.ppo.algorithm.usesValueModel,
      commandLine: ["rlhf-sim"] + CommandLine.arguments.dropFirst(), scenario: scenario.name,
      seed: seed, threads: threads, cpu: Machine.processor,
      blasCore: NumericalLibraries.blasCore,
      allocator: NumericalLibraries.allocatorServesProcess
        ? "jemalloc " + NumericalLibraries.allocatorVersion : "system",
      process: ProcessInfo.processInfo.processIdentifier, started: Date())
    build = [
      "Swift " + Machine.swiftVersion, NumericalLibraries.blasVersion,
      "kernels " + NumericalLibraries.kernels,
    ]
    begin(settings: scenario.lines())
  }

  /// The files that a run reads of what it goes on from: a file of rows, or those of a checkpoint.
  fileprivate static func inputs(of place: URL) throws -> [Input] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
    let kinds = ["json", "jinja", "safetensors", "txt"]
    let files =
      names.isEmpty
      ? [place]
      : names.sorted().map { place.appending(path: $0) }
        .filter { kinds.contains($0.pathExtension) }
    // Standard input cannot be read twice.
    return try files.filter { $0.isFileURL && AtomicFile.exists($0) }.map { try Input($0) }
  }
}

/// A run whose records are written, from its first stage to its report.
struct RecordedRun {
  let directory: RunDirectory
  let information: RunInformation
  let scenario: Scenario
  let tokenizer: Tokenizer?
  let prompts: PromptSource
  let machine: MachineOptions
  /// Whether it goes on after an interruption.
  let isResumed: Bool
  let printsJSON: Bool
  /// Whether all figures are printed.
  var isVerbose = false

  func run(notes: [String] = [], _ body: (LoopRun) throws -> EvaluationSummary) throws {
    let recorder = try RunRecorder(
      directory: directory, information: information, terminal: machine.terminal,
      isResumed: isResumed)
    let summary: EvaluationSummary
    do {
      notes.forEach(recorder.note)
      let loop = try AlignmentLoop(
        scenario, tokenizer: tokenizer, prompts: prompts, seed: information.seed,
        workers: machine.workers,
        observer: recorder,
        // Of every step, where script/check_interruptions.py wants to kill it anywhere.
        state: StageStore(
          in: directory,
          isEager: ProcessInfo.processInfo.environment["RLHF_SIM_SAVE_EVERY_STEP"] != nil))
      Signals.interruptRun()
      summary = try body(LoopRun(loop, in: directory))
      try recorder.close()
      try Report.write(runDirectory: directory)
    } catch {
      try? recorder.close(error: error)
      if error is Interrupted { Signals.end(afterInterrupting: directory) }
      if error is AlertedRewardModel { try Report.write(runDirectory: directory) }
      throw error
    }
    let seconds = NumberText.plain(recorder.stageSeconds, 1)
    try Output.write(
      summary, after: information.method ?? scenario.ppo.algorithm.name, asJSON: printsJSON,
      isVerbose: isVerbose,
      footer: "The stages took \(seconds) s. Report: \(directory.report.path)\n")
  }
}

/// The first of runs/COMMAND, runs/COMMAND-2, … that is not there yet.
private func freePlace(_ command: String) -> URL {
  var place = URL(filePath: "runs/\(command)")
  var number = 2
  while AtomicFile.exists(place) {
    place = URL(filePath: "runs/\(command)-\(number)")
    number += 1
  }
  return place
}

/// Ctrl-C and the signal to end: a run saves its state before it ends.
enum Signals {
  private static let received = Atomic<Int32>(0)

  /// From now on the first SIGINT or SIGTERM asks the run to stop after its step; a second one, also
  /// the other of the two, ends the program at once, as if nothing had been set.
  static func interruptRun() {
    Interruption.prepare()
    _ = received.load(ordering: .relaxed)  // made before a signal may come
    // The mask of blocked signals is inherited, and some parents (a thread of Dispatch) block all.
    var mask = sigset_t()
    sigemptyset(&mask)
    for number in [SIGINT, SIGTERM] {
      sigaddset(&mask, number)
      signal(number) { number in
        if Signals.received.exchange(number, ordering: .relaxed) == 0 {
          return Interruption.request()
        }
        Interruption.killCommands()
        signal(number, SIG_DFL)
        raise(number)
      }
    }
    pthread_sigmask(SIG_UNBLOCK, &mask, nil)
  }

  /// Says how to go on, and ends the program by the signal that it got, so that whoever started it
  /// knows.
  static func end(afterInterrupting run: RunDirectory) -> Never {
    end("rlhf-sim resume \(run.url.path)")
  }

  /// - Parameter command: goes on with what was interrupted.
  static func end(_ command: String) -> Never {
    StandardStreams.writeError("interrupted; go on with: \(command)\n")
    let number = received.load(ordering: .relaxed)
    if number != 0 {
      signal(number, SIG_DFL)
      raise(number)
    }
    exit(EXIT_FAILURE)
  }
}
