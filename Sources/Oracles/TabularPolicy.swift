import Foundation

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
      let normalizer = LogSum.of(row)
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
  package var sequenceLogProbabilities: [Double] {
    space.sequences.map { sequence in
      sequence.steps.reduce(0) { $0 + logProbabilities[$1.state][$1.token] }
    }
  }

  /// π(y) of every sequence; they sum to 1.
  package var sequenceProbabilities: [Double] { sequenceLogProbabilities.map { exp($0) } }

  /// The probability that a response passes through each state.
  package var visits: [Double] {
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
  package func expectedSum(_ quantity: (_ state: Int, _ token: Int) -> Double) -> Double {
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
enum LogSum {
  static func of(_ values: [Double]) -> Double {
    let largest = values.max() ?? -.infinity
    guard largest > -.infinity else { return largest }
    return largest + log(values.reduce(0) { $0 + exp($1 - largest) })
  }
}
