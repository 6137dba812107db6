import ArgumentParser

/// The whole RLHF loop on a laptop.
@main
struct RLHFSim: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rlhf-sim",
    abstract: "The whole RLHF loop on a laptop, with the truth beside it.",
    version: version,
    subcommands: [Demo.self])
}
