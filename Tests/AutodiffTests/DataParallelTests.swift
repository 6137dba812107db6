import Foundation
import Statistics
import TestSupport
import Testing

@testable import Numerics

@Suite("Gradients over shards")
struct DataParallelTests {
  private struct Failure: Error, Equatable { let shard: Int }

  private let parameters: ParameterSet
  private let inputs: Tensor  // [rows, 5]
  private let targets: [Int32]
  private let shards = 5
  private let rowsPerShard = 3

  init() {
    var generator = SeededGenerator(seed: 2)
    var parameters = ParameterSet()
    _ = parameters.append("inner", .gaussian([8, 5], sd: 1, using: &generator))
    _ = parameters.append("bias", .gaussian([8], sd: 1, using: &generator))
    _ = parameters.append("outer", .gaussian([6, 8], sd: 1, using: &generator))
    self.parameters = parameters
    inputs = .gaussian([shards * rowsPerShard, 5], sd: 1, using: &generator)
    targets = (0..<shards * rowsPerShard).map { Int32($0 % 6) }
  }

  /// The mean cross-entropy's part of some rows.
  private func loss(_ rows: Range<Int>, on tape: Tape) -> Variable {
    let x = Tensor(
      Array(inputs.values[rows.lowerBound * 5..<rows.upperBound * 5]), shape: [rows.count, 5])
    let inner = tape.linear(
      tape.constant(x), weight: tape.parameter(0, of: parameters),
      bias: tape.parameter(1, of: parameters))
    let logits = tape.linear(
      tape.activation(inner, .tanhGELU), weight: tape.parameter(2, of: parameters))
    let logs = tape.logProbabilities(logits, targets: Array(targets[rows]))
    let weights = Tensor(repeating: -1 / Float(targets.count), shape: [rows.count])
    return tape.weightedSum(logs, weights: weights)
  }

  private func gradients(threads: Int) throws -> (Gradients, [Int]) {
    try Workers(count: threads).gradients(of: parameters, shards: shards) {
      shard, tape in
      // Early shards take longest, so that the sum has to wait for them.
      Thread.sleep(forTimeInterval: 0.003 * Double(shards - shard))
      return (loss(shard * rowsPerShard..<(shard + 1) * rowsPerShard, on: tape), shard)
    }
  }

  @Test("are the same bits at 1, 2 and 3 threads", arguments: [2, 3])
  func sameBits(threads: Int) throws {
    let (single, order) = try gradients(threads: 1)
    let (parallel, parallelOrder) = try gradients(threads: threads)
    #expect(order == [0, 1, 2, 3, 4])
    #expect(parallelOrder == order)
    for index in parameters.names.indices {
      #expect(parallel.tensors[index]?.values == single.tensors[index]?.values)
    }
  }

  @Test("a parameter that some shards do not use gets the sum of the others", arguments: [1, 2, 3])
  func unusedInSomeShards(threads: Int) throws {
    // y = Σ bias, in shards 1 and 3 alone.
    let (sum, _) = try Workers(count: threads).gradients(of: parameters, shards: shards) {
      shard, tape in
      Thread.sleep(forTimeInterval: 0.003 * Double(shards - shard))
      let index = shard % 2 == 1 ? 1 : 0
      let value = tape.parameter(index, of: parameters)
      let weights = Tensor(repeating: Float(shard + 1), shape: [value.value.count])
      return (tape.weightedSum(tape.flatten(value), weights: weights), shard)
    }
    #expect(sum.tensors[0]?.values == Array(repeating: 1 + 3 + 5, count: 40))
    #expect(sum.tensors[1]?.values == Array(repeating: 2 + 4, count: 8))
    #expect(sum.tensors[2] == nil)
  }

  @Test("add up to those of one tape over the whole batch")
  func wholeBatch() throws {
    let (sharded, _) = try gradients(threads: 2)
    let tape = Tape(recording: true)
    let whole = tape.gradients(
      of: loss(0..<targets.count, on: tape), parameterCount: parameters.count)
    for index in parameters.names.indices {
      let (a, b) = (try #require(sharded.tensors[index]), try #require(whole.tensors[index]))
      #expect(b.sumOfSquares > 1e-4)
      #expect(zip(a.values, b.values).allSatisfy { abs($0 - $1) < .decoderRounding })
    }
  }

  @Test("an error of a shard is thrown")
  func failure() {
    #expect(throws: Failure(shard: 1)) {
      try Workers(count: 2).gradients(of: parameters, shards: shards) {
        shard, tape in
        if shard >= 1 { throw Failure(shard: shard) }
        return (loss(0..<1, on: tape), ())
      }
    }
  }
}
