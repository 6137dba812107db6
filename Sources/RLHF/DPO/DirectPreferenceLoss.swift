import Foundation
package import Numerics

/// L = −w Σ_i [(1 − ε) log σ(z_i) + ε log σ(−z_i)],
/// z = β [(log π(y_w|x) − log ρ(y_w|x)) − (log π(y_l|x) − log ρ(y_l|x))]
/// (Rafailov et al. 2023, eq. 7; ε: conservative DPO).
///
/// log π per token `[M]`, the responses of a pair one after the other, chosen first; log ρ per
/// response is constant.
package struct DirectPreferenceLoss: DifferentiableOperation {
  let slopes: Tensor  // [M] ∂L/∂log π

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(slopes: slopes, scaledBy: outputGradient)
  }

  package static let gradientChecks = [0.0, 0.2].map { smoothing in
    GradientCheck("DPO loss, ε \(smoothing)", inputs: [[7]]) { tape, inputs in
      tape.directPreferenceLoss(
        inputs[0], lengths: [(2, 1), (3, 1)], reference: [(-1, 0.5), (0.25, -2)], beta: 0.7,
        smoothing: smoothing, weight: 0.5
      ).loss
    }
  }
}

extension Tape {
  /// The loss of ``DirectPreferenceLoss``, a scalar, and z of each pair.
  ///
  /// - Parameters:
  ///   - lengths: tokens of the chosen and the rejected response of each pair.
  ///   - reference: log ρ of each response, summed over its tokens.
  package func directPreferenceLoss(
    _ logProbabilities: Variable, lengths: [(chosen: Int, rejected: Int)],
    reference: [(chosen: Double, rejected: Double)], beta: Double, smoothing: Double = 0,
    weight: Double
  ) -> (loss: Variable, margins: [Double]) {
    let values = logProbabilities.value.values
    precondition(
      values.count == lengths.reduce(0) { $0 + $1.chosen + $1.rejected }, "one of each a token")
    var slopes = Tensor(zeros: logProbabilities.value.shape)
    var (loss, start) = (0.0, 0)
    var margins: [Double] = []
    for (length, reference) in zip(lengths, reference) {
      let chosen = start..<start + length.chosen
      let rejected = chosen.upperBound..<chosen.upperBound + length.rejected
      start = rejected.upperBound
      func sum(_ range: Range<Int>) -> Double { values[range].reduce(0) { $0 + Double($1) } }
      let margin =
        beta * (sum(chosen) - reference.chosen - sum(rejected) + reference.rejected)
      margins.append(margin)
      // −log σ(z) = softplus(−z), in the form that neither overflows nor loses digits.
      let softplus = max(-margin, 0) + log1p(exp(-abs(margin)))
      loss += softplus + smoothing * margin
      let slope = weight * beta * (smoothing - 1 / (1 + exp(margin)))
      for token in chosen { slopes[token] = Float(slope) }
      for token in rejected { slopes[token] = Float(-slope) }
    }
    let variable = record(
      DirectPreferenceLoss(slopes: slopes), inputs: [logProbabilities],
      output: Tensor([Float(weight * loss)], shape: []))
    return (variable, margins)
  }
}
