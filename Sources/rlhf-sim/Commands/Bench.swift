import ArgumentParser
import Experiments
import Numerics

/// How fast training and sampling are on this machine.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time training and sampling on this machine.",
    discussion: """
      Prints one line of JSON: the median repeat in seconds, the rates that follow from it, and peak \
      memory. The models have GPT-2's shapes, random weights and random tokens.

      Example: rlhf-sim bench --size small --what reward
      """)

  @Option(help: "Model size: toy (4 layers of 128), small (6 of 256) or medium (12 of 768).")
  var size = BenchmarkSize.toy

  @Option(
    help: ArgumentHelp(
      "What to time: reward (a training step of 32 pairs of 48 tokens), generate (64 responses of "
        + "32 tokens), ppo (an iteration of 64 episodes), gemm (a product of 1024 × 1024 matrices)."
    ))
  var what = BenchmarkWork.reward

  @Option(help: "Number of repeats. (default: 25, 8, 6 and 60)")
  var repeats: Int?

  @OptionGroup var machine: MachineOptions

  @Flag(help: "No effect: the line is JSON anyway.")
  var json = false

  func validate() throws {
    if let repeats, !(1...10_000).contains(repeats) {
      throw ValidationError("--repeats is \(repeats); it must be from 1 to 10000.")
    }
  }

  func run() throws {
    let benchmark = try Benchmark(what, size: size, workers: machine.workers, repeats: repeats)
    try Output.writeJSON(try benchmark.run())
  }
}

extension BenchmarkSize: ExpressibleByArgument {}
extension BenchmarkWork: ExpressibleByArgument {}
