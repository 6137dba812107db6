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

extension Workers {
  /// The gradient of a loss over a batch that is cut into shards, each with a tape of its own.
  ///
  /// Runs `loss` for every shard and sums the gradients in the order of the shards, so that the
  /// sum is the same number whichever thread ends first.
  ///
  /// - Parameters:
  ///   - shards: depends on the batch alone, never on the number of threads.
  ///   - loss: a scalar on the given tape, already divided by what the whole batch is divided by,
  ///     and what the caller wants to know about the shard.
  package func gradients<Statistics: Sendable>(
    of parameters: ParameterSet, shards: Int,
    loss: @Sendable (_ shard: Int, _ tape: Tape) throws -> (Variable, Statistics)
  ) throws -> (gradients: Gradients, statistics: [Statistics]) {
    // What others have freed would stand beside the gradients of a large model, and what this frees
    // beside the work of others; of a small model it is kept, which is faster.
    let isLarge = parameters.byteCount >= 1 << 28
    if isLarge { NumericalLibraries.releaseFreedMemory() }
    defer { if isLarge { NumericalLibraries.releaseFreedMemory() } }
    let sum = Mutex(OrderedSum(count: parameters.count))
    let statistics = try map(shards) { shard in
      let tape = Tape(recording: true)
      let (loss, statistics) = try loss(shard, tape)
      tape.forEachGradient(of: loss) { parameter, gradient in
        sum.withLock { $0.add(gradient, to: parameter, from: shard) }
      }
      sum.withLock { $0.end(shard) }
      return statistics
    }
    return (sum.withLock { $0.total }, statistics)
  }
}

/// Adds the gradients of shards, which come in any order, as if they came in order: what is early waits.
/// Parameter by parameter, so that of a large model little waits.
private struct OrderedSum: Sendable {
  var total: Gradients
  /// Of each parameter the shard whose turn it is.
  private var next: [Int]
  /// Of each parameter what came before its turn; nil from a shard in which it has no gradient.
  private var early: [[Int: Tensor?]]

  init(count: Int) {
    total = Gradients(count: count)
    next = Array(repeating: 0, count: count)
    early = Array(repeating: [:], count: count)
  }

  mutating func add(_ gradient: consuming Tensor?, to parameter: Int, from shard: Int) {
    early[parameter][shard] = .some(gradient)
    while let due = early[parameter].removeValue(forKey: next[parameter]) {
      if let due { total.add(due, to: parameter) }
      next[parameter] += 1
    }
  }

  /// No more comes from a shard.
  mutating func end(_ shard: Int) {
    for parameter in next.indices
    where next[parameter] <= shard && early[parameter][shard] == nil {
      add(nil, to: parameter, from: shard)
    }
  }
}
