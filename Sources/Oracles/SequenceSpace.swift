/// Every response of a small vocabulary up to a length: a tree whose inner nodes are the states
/// before each token, and whose leaves are whole responses, ended or cut off.
///
/// With V tokens and T steps it has Σ_{t<T} (V − 1)^t states and as many ended responses, and
/// (V − 1)^T that were cut off. Everything about it is summed in Float64, without sampling.
package struct SequenceSpace: Sendable, Equatable {
  /// What a token leads to from a state.
  package enum Outcome: Sendable, Equatable {
    case state(Int)
    case sequence(Int)
  }

  /// A prefix that is not over yet.
  package struct State: Sendable, Equatable {
    package let prefix: [Int32]
    /// One per token of the vocabulary.
    package fileprivate(set) var outcomes: [Outcome] = []
  }

  /// A whole response.
  package struct Sequence: Sendable, Equatable {
    package let tokens: [Int32]
    /// Whether it ends by the end-of-sequence token and not by its length.
    package let isEnded: Bool
    /// The state before each token.
    package let states: [Int]

    /// The state and the token of every step.
    package var steps: some Swift.Sequence<(state: Int, token: Int)> {
      zip(states, tokens).lazy.map { (state: $0, token: Int($1)) }
    }
  }

  package let vocabularySize: Int
  package let endOfSequence: Int32
  package let maximumTokens: Int
  /// Shortest first; state 0 is the empty prefix.
  package let states: [State]
  package let sequences: [Sequence]

  /// - Parameters:
  ///   - vocabularySize: V, the end-of-sequence token among them.
  ///   - maximumTokens: T, the longest response, its end included.
  package init(vocabularySize: Int, endOfSequence: Int32, maximumTokens: Int) {
    precondition(vocabularySize > 0 && maximumTokens > 0, "a response has at least one token")
    precondition(
      (0..<Int32(vocabularySize)).contains(endOfSequence), "the end is a token of the vocabulary")
    self.vocabularySize = vocabularySize
    self.endOfSequence = endOfSequence
    self.maximumTokens = maximumTokens
    var states = [State(prefix: [])]
    var pathOfState: [[Int]] = [[0]]
    var sequences: [Sequence] = []
    var next = 0
    while next < states.count {
      let (prefix, path) = (states[next].prefix, pathOfState[next])
      for token in 0..<Int32(vocabularySize) {
        let isEnd = token == endOfSequence
        if isEnd || prefix.count + 1 == maximumTokens {
          states[next].outcomes.append(.sequence(sequences.count))
          sequences.append(Sequence(tokens: prefix + [token], isEnded: isEnd, states: path))
        } else {
          states[next].outcomes.append(.state(states.count))
          pathOfState.append(path + [states.count])
          states.append(State(prefix: prefix + [token]))
        }
      }
      next += 1
    }
    self.states = states
    self.sequences = sequences
  }

  /// How many responses there are, or nil for more than `limit`: what to ask before enumerating.
  package static func sequenceCount(
    vocabularySize: Int, maximumTokens: Int, limit: Int
  ) -> Int? {
    var (open, count) = (1, 0)
    for _ in 0..<maximumTokens {
      count += open
      let (product, overflow) = open.multipliedReportingOverflow(by: vocabularySize - 1)
      guard !overflow, count <= limit, product <= limit else { return nil }
      open = product
    }
    return count + open <= limit ? count + open : nil
  }

  /// Values of the states by backward recursion from values of the whole responses.
  ///
  /// - Parameters:
  ///   - leaves: one per sequence.
  ///   - combine: the value of a state from those that its tokens lead to.
  package func backward(
    from leaves: [Double], _ combine: (_ state: Int, _ after: [Double]) -> Double
  ) -> [Double] {
    precondition(leaves.count == sequences.count, "one value per sequence")
    var values = Array(repeating: 0.0, count: states.count)
    for state in states.indices.reversed() {
      values[state] = combine(state, after(state, values: values, leaves: leaves))
    }
    return values
  }

  /// What each token of a state leads to, from values of states and of whole responses.
  package func after(_ state: Int, values: [Double], leaves: [Double]) -> [Double] {
    states[state].outcomes.map { outcome in
      switch outcome {
      case .state(let next): values[next]
      case .sequence(let sequence): leaves[sequence]
      }
    }
  }
}
