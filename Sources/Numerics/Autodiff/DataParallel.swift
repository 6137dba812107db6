import Synchronization

/// The gradient of a loss over a batch that is cut into shards, each with a tape of its own.
package struct DataParallel: Sendable {
  package let workers: Workers

  package init(workers: Workers) { self.workers = workers }

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
    let sum = Mutex(OrderedSum(count: parameters.count))
    let statistics = try workers.map(shards) { shard in
      let tape = Tape(recording: true)
      let (loss, statistics) = try loss(shard, tape)
      let gradients = tape.gradients(of: loss, parameterCount: parameters.count)
      sum.withLock { $0.add(gradients, from: shard) }
      return statistics
    }
    return (sum.withLock { $0.total }, statistics)
  }

  /// Adds what comes in any order as if it came in order; what is early waits.
  private struct OrderedSum: Sendable {
    var total: Gradients
    private var next = 0
    private var early: [Int: Gradients] = [:]

    init(count: Int) { total = Gradients(count: count) }

    mutating func add(_ gradients: consuming Gradients, from shard: Int) {
      early[shard] = gradients
      while let due = early.removeValue(forKey: next) {
        total.add(due)
        next += 1
      }
    }
  }
}
