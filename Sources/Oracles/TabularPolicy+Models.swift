package import LanguageModels
package import Numerics

extension TabularPolicy {
  /// What a language model says after a prompt, in every state.
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
  /// What a value model says after a prompt, in every state.
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
