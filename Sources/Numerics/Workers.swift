import Dispatch
import Synchronization

/// A number of threads that share out independent pieces of work.
///
/// Each piece runs whole on one thread, so its result cannot depend on how many threads there are;
/// results come back in the order of the pieces. Matrix products inside a piece are single-threaded
/// (see ``NumericalLibraries``).
package struct Workers: Sendable {
  /// How many pieces run at the same time.
  package let count: Int

  /// - Parameter count: threads; at least 1.
  package init(count: Int) {
    precondition(count >= 1, "at least one thread is needed, not \(count)")
    self.count = count
  }

  /// Runs `body` for 0 ..< pieces and returns the results in that order; if any throw, throws the
  /// error of the first of them.
  package func map<Output: Sendable>(
    _ pieces: Int, _ body: @Sendable (Int) throws -> Output
  ) throws -> [Output] {
    if count == 1 || pieces <= 1 { return try (0..<pieces).map(body) }
    let next = Atomic<Int>(0)
    let results = Mutex<[Result<Output, any Error>?]>(Array(repeating: nil, count: pieces))
    DispatchQueue.concurrentPerform(iterations: min(count, pieces)) { _ in
      while true {
        let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard piece < pieces else { return }
        let result = Result { try body(piece) }
        results.withLock { $0[piece] = result }
      }
    }
    return try results.withLock { try $0.compactMap { try $0?.get() } }
  }

  /// Runs `body` for 0 ..< pieces; if any throw, throws the error of the first of them.
  package func forEach(_ pieces: Int, _ body: @Sendable (Int) throws -> Void) throws {
    _ = try map(pieces, body)
  }
}
