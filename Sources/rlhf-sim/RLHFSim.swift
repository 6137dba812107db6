import ArgumentParser
import Foundation
import Numerics

/// The whole RLHF loop on a laptop.
@main
struct RLHFSim: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rlhf-sim",
    abstract: "The whole RLHF loop on a laptop, with a known gold reward.",
    discussion: """
      Example: rlhf-sim demo
      Then open the report that it names. Results go to standard output, progress and notes to \
      standard error. Exit codes: 0 done, 64 wrong usage, 65 bad input data, 74 input or output \
      failed, 1 anything else.
      """,
    version: version,
    groupedSubcommands: [
      CommandGroup(
        name: "Loop",
        subcommands: [
          Demo.self, TrainPolicy.self, Annotate.self, Label.self, TrainReward.self,
          OptimizePolicy.self, OptimizeDirectly.self, SampleBest.self, Resume.self, Evaluate.self,
        ]),
      CommandGroup(
        name: "Model",
        subcommands: [Generate.self, Score.self, LogProbabilities.self]),
      CommandGroup(
        name: "Record and machine",
        subcommands: [
          Trace.self, WriteReport.self, Compare.self, Export.self, Scenarios.self, Check.self,
          Bench.self,
        ]),
    ])

  /// The one place where commands begin and where their errors end.
  static func main() {
    // A reader that goes away (`| head`) ends the program quietly, also where the parent ignores it.
    signal(SIGPIPE, SIG_DFL)
    do {
      var command = try parseAsRoot()
      NumericalLibraries.prepare()
      try command.run()
    } catch {
      guard let failure = Failure(error) else { exit(withError: error) }
      failure.exit()
    }
  }
}
