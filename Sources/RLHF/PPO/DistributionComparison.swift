import CKernels
package import LanguageModels
import Numerics

/// What a policy and its reference say about the tokens of one response.
package struct TokenComparison: Sendable {
  /// log π(y_t | x, y_<t)
  package var logProbabilities: [Float]
  /// log π_ref(y_t | x, y_<t)
  package var referenceLogProbabilities: [Float]
  /// KL(π(·|s_t) ‖ π_ref(·|s_t)) in nats, summed over the whole vocabulary: exact for the state.
  package var exactKL: [Float]
  /// −Σ π log π of the policy's next-token distribution, in nats.
  package var entropies: [Float]
  /// The reference's logits, `[tokens, V]`, where they were asked for.
  var referenceLogits: Tensor?
}

/// Compares two policies on given responses, token by token.
package struct DistributionComparison: Sendable {
  package let policy: LanguageModel
  package let reference: LanguageModel
  /// T, which divides the logits of both.
  package let temperature: Double
  /// Whether the reference's logits are handed on.
  let keepsReferenceLogits: Bool

  package init(
    policy: LanguageModel, reference: LanguageModel, temperature: Double,
    keepsReferenceLogits: Bool = false
  ) {
    self.policy = policy
    self.reference = reference
    self.temperature = temperature
    self.keepsReferenceLogits = keepsReferenceLogits
  }

  package func compare(_ exchanges: [Exchange]) -> [TokenComparison] {
    let tape = Tape(recording: false)
    let batch = ResponseBatch(exchanges)
    let rows = batch.predictingRows.flatMap(\.self)
    let targets = exchanges.flatMap(\.response)
    let scale = Float(1 / temperature)
    let trunk = policy.trunk(of: batch.packed, sharedWith: reference, on: tape)
    func logits(_ model: LanguageModel) -> Tensor {
      let states = model.hiddenStates(of: batch.packed, at: rows, on: tape, after: trunk)
      return model.logits(states, on: tape).value
    }
    let (own, other) = (logits(policy), logits(reference))
    let count = targets.count
    var (logProbabilities, referenceLogProbabilities) = (floats(count), floats(count))
    var (exactKL, entropies, logSums) = (floats(count), floats(count), floats(count))
    withPointers(own, other) { own, other in
      let columns = policy.configuration.vocabularySize
      vm_log_probabilities(
        &referenceLogProbabilities, &logSums, nil, other, targets, count, columns, scale)
      vm_log_probabilities(
        &logProbabilities, &logSums, &entropies, own, targets, count, columns, scale)
      vm_kl_rows(&exactKL, own, other, count, columns, scale)
    }
    var start = 0
    return exchanges.map { exchange in
      let range = start..<start + exchange.response.count
      start = range.upperBound
      return TokenComparison(
        logProbabilities: Array(logProbabilities[range]),
        referenceLogProbabilities: Array(referenceLogProbabilities[range]),
        exactKL: Array(exactKL[range]), entropies: Array(entropies[range]),
        referenceLogits: keepsReferenceLogits ? part(range, of: other) : nil)
    }
  }

  private func part(_ range: Range<Int>, of table: Tensor) -> Tensor {
    let width = table.columns
    return Tensor(uninitialized: [range.count, width]) { rows in
      table.read { rows.update(from: $0 + range.lowerBound * width, count: range.count * width) }
    }
  }

  private func floats(_ count: Int) -> [Float] { Array(repeating: 0, count: count) }
}
