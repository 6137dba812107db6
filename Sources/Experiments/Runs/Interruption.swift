import Synchronization

/// Whether the person wants the run to stop, by Ctrl-C or a signal to end: stages look after each
/// step, keep their state and throw ``Interrupted``.
package enum Interruption {
  private static let requested = Atomic(false)

  static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// To be called once before a signal may come, because the first access allocates.
  package static func prepare() { _ = isRequested }

  /// Safe inside a signal handler after ``prepare()``.
  package static func request() { requested.store(true, ordering: .relaxed) }
}

/// The person wanted the run to stop; all that was done is kept.
package struct Interrupted: Error, Sendable, CustomStringConvertible {
  package init() {}

  package var description: String { "interrupted; all that was done is kept" }
}
