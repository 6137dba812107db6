import Numerics

/// A small piece of production code that can be timed alone.
///
/// Rooms of this package see each other's declarations, other packages do not; this is what the
/// nested package `Benchmarks` sees of them.
public struct Microbenchmark: Sendable {
  /// The part, and what of it: `attention/backward`.
  public let name: String
  /// What one run does: this many of ``unit``.
  public let amount: Double
  /// What is counted: floating-point operations, bytes, tokens or operations of a tape.
  public let unit: Unit
  private let body: @Sendable () throws -> Void

  /// What is counted of a run, so that a time becomes a rate.
  public enum Unit: String, Sendable {
    case operations = "FLOP"
    case bytes = "B"
    case tokens, nodes
  }

  init(
    _ name: String, _ amount: Int, _ unit: Unit, body: @escaping @Sendable () throws -> Void
  ) {
    self.name = name
    self.amount = Double(amount)
    self.unit = unit
    self.body = body
  }

  /// Does the work once, on the calling thread.
  public func run() throws { try body() }

  /// A product of two 256 × 256 matrices by BLAS: times of others are given in times of this one,
  /// so that figures of two machines, or of a busy one, can be compared.
  public static let reference = productOfSquares(256)

  /// Holds BLAS to one thread, as the program does. Call once, before any work: to change that
  /// beside a product that runs is not safe.
  public static func prepare() { NumericalLibraries.prepare() }

  /// Every microbenchmark, in the order in which they are shown.
  public static func all() throws -> [Microbenchmark] {
    try kernels + attention + tape + tokenizers() + checkpoints()
  }
}
