import Foundation
package import LanguageModels
package import Numerics

/// Any policy over a ``SequenceSpace``: one row of log-probabilities per state.
package struct TabularPolicy: Sendable, Equatable {
  package let space: SequenceSpace
  /// log π(a | s), `[states][V]`; every row is normalised.
  package let logProbabilities: [[Double]]

  /// - Parameter logits: `[states][V]`, finite or −∞; each row is normalised in Float64.
  package init(_ space: SequenceSpace, logits: [[Double]]) {
    precondition(logits.count == space.states.count, "one row of logits per state")
    self.space = space
    logProbabilities = logits.map { row in
      precondition(row.count == space.vocabularySize, "one logit per token")
      let normalizer = logSumExp(row)
      return row.map { $0 - normalizer }
    }
  }

  /// A policy given as its conditional distribution: logits of the token after a prefix.
  package init(_ space: SequenceSpace, logits: (_ prefix: [Int32]) -> [Double]) {
    self.init(space, logits: space.states.map { logits($0.prefix) })
  }

  /// π(a | s) of a state.
  package func probabilities(_ state: Int) -> [Double] { logProbabilities[state].map { exp($0) } }

  /// log π(y) = Σ_t log π(y_t | y_<t) of every sequence.
  var sequenceLogProbabilities: [Double] {
    space.sequences.map { sequence in
      sequence.steps.reduce(0) { $0 + logProbabilities[$1.state][$1.token] }
    }
  }

  /// π(y) of every sequence; they sum to 1.
  package var sequenceProbabilities: [Double] { sequenceLogProbabilities.map { exp($0) } }

  /// The probability that a response passes through each state.
  var visits: [Double] {
    var visits = Array(repeating: 0.0, count: space.states.count)
    visits[0] = 1
    for state in space.states.indices {
      for (token, outcome) in space.states[state].outcomes.enumerated() {
        if case .state(let next) = outcome {
          visits[next] = visits[state] * exp(logProbabilities[state][token])
        }
      }
    }
    return visits
  }

  /// E_π[f(y)] of a quantity of whole responses, one value per sequence.
  package func expectation(of values: [Double]) -> Double {
    zip(sequenceProbabilities, values).reduce(0) { $0 + ($1.0 > 0 ? $1.0 * $1.1 : 0) }
  }

  /// E_π[Σ_t f(s_t, y_t)] of a quantity of steps, such as an estimator of KL.
  func expectedSum(_ quantity: (_ state: Int, _ token: Int) -> Double) -> Double {
    let visits = visits
    return space.states.indices.reduce(0) { sum, state in
      logProbabilities[state].indices.reduce(sum) { sum, token in
        let weight = visits[state] * exp(logProbabilities[state][token])
        return weight > 0 ? sum + weight * quantity(state, token) : sum
      }
    }
  }
}

/// log Σ exp without overflow.
func logSumExp(_ values: [Double]) -> Double {
  let largest = values.max() ?? -.infinity
  guard largest > -.infinity else { return largest }
  return largest + log(values.reduce(0) { $0 + exp($1 - largest) })
}

extension TabularPolicy {
  /// The policy of a language model after a prompt.
  ///
  /// - Parameter temperature: T, which divides the logits.
  package init(
    of model: LanguageModel, after prompt: [Int32], in space: SequenceSpace, temperature: Double,
    workers: Workers
  ) throws {
    let rows = try ModelTable.rows(of: model, after: prompt, in: space, workers: workers) {
      hidden, tape in
      model.logits(hidden, on: tape)
    }
    self.init(space, logits: rows.map { $0.map { Double($0) / temperature } })
  }
}

extension SequenceSpace {
  /// The values that a value model gives every state after a prompt.
  package func values(
    of model: ScalarModel, after prompt: [Int32], workers: Workers
  ) throws -> [Double] {
    try ModelTable.rows(of: model, after: prompt, in: self, workers: workers) { hidden, tape in
      model.scalars(hidden, on: tape)
    }.map { Double($0[0]) }
  }

  /// The response of each sequence to a prompt.
  package func exchanges(after prompt: [Int32]) -> [Exchange] {
    sequences.map { Exchange(prompt: prompt, response: $0.tokens) }
  }
}

/// A head's output in every state of a space, with each prefix computed once.
private enum ModelTable {
  static func rows(
    of model: some TransformerModel, after prompt: [Int32], in space: SequenceSpace,
    workers: Workers, _ head: @Sendable (Variable, Tape) -> Variable
  ) throws -> [[Float]] {
    // A row of a causal decoder depends on what is before it alone: prefixes of the greatest length
    // show all the shorter ones, and a state is read where it first occurs.
    let longest = space.states.indices.filter {
      space.states[$0].prefix.count == space.maximumTokens - 1
    }
    let ranges = Shards.ranges(
      of: longest.count, tokens: longest.count * (prompt.count + space.maximumTokens))
    // Pieces of a few hundred prefixes keep the memory of a pass small.
    let pieces = ranges.flatMap { range in
      stride(from: range.lowerBound, to: range.upperBound, by: 256).map {
        $0..<min($0 + 256, range.upperBound)
      }
    }
    let outputs = try workers.map(pieces.count) { piece in
      let tape = Tape(recording: false)
      var batch = PackedBatch()
      let shared = batch.append(prompt)
      for state in longest[pieces[piece]] where space.maximumTokens > 1 {
        batch.append(space.states[state].prefix, after: shared)
      }
      let hidden = model.hiddenStates(of: batch, on: tape)
      let read = tape.gather(
        (Int32(prompt.count - 1)..<Int32(batch.count)).map(\.self), from: hidden)
      return head(read, tape).value
    }
    var rows = Array(repeating: [Float](), count: space.states.count)
    for (piece, output) in zip(pieces, outputs) {
      let values = output.values
      let width = values.count / output.rows
      func row(_ index: Int) -> [Float] { Array(values[index * width..<(index + 1) * width]) }
      rows[0] = row(0)
      for (place, state) in longest[piece].enumerated() where space.maximumTokens > 1 {
        var current = 0
        for (depth, token) in space.states[state].prefix.enumerated() {
          guard case .state(let next) = space.states[current].outcomes[Int(token)] else { continue }
          current = next
          if rows[current].isEmpty {
            rows[current] = row(1 + place * (space.maximumTokens - 1) + depth)
          }
        }
      }
    }
    return rows
  }
}
