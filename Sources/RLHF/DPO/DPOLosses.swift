package import Numerics
import Settings

/// The losses of DPO, of h = log(π/π_ref)(y_w) − log(π/π_ref)(y_l) of a pair, and of KTO, with h of a
/// labelled response: log(π/π_ref)(y) − z where it is desirable, z − log(π/π_ref)(y) where it is not.
package enum DPOLoss: String, Sendable, CaseIterable, SettingValue {
  /// −(1 − ε) log σ(β h) − ε log σ(−β h) (Rafailov et al. 2023, eq. 7; ε: conservative DPO, Mitchell
  /// 2023).
  case sigmoid
  /// (h − 1/(2β))², h summed over tokens as in the paper (Azar et al. 2023, eq. 17); TRL averages it.
  case ipo
  /// max(0, 1 − β h) (SLiC, Zhao et al. 2023; RSO, Liu et al. 2023).
  case hinge
  /// (−(1 − ε) log σ(β h) + ε log σ(−β h)) / (1 − 2ε): unbiased where labels are flipped at rate ε
  /// (Chowdhury et al. 2024).
  case robust
  /// 1 − σ(β h), of responses one by one (Ethayarajh et al. 2024, arXiv 2402.01306, eq. 8); z is what
  /// log(π/π_ref) is of responses to other prompts.
  case kto

  /// Whether it learns from labelled responses, not from pairs.
  package var isUnpaired: Bool { self == .kto }

  /// The loss of a pair, or of a labelled response.
  ///
  /// - Parameters:
  ///   - difference: h.
  ///   - smoothing: ε.
  func callAsFunction(_ difference: Dual, beta: Double, smoothing: Double) -> Dual {
    let margin = beta * difference
    switch self {
    case .sigmoid:
      return (1 - smoothing) * .softplus(-margin) + smoothing * .softplus(margin)
    case .ipo:
      let error = difference - 1 / (2 * beta)
      return error * error
    case .robust:
      let noisy = (1 - smoothing) * .softplus(-margin) - smoothing * .softplus(margin)
      return noisy / (1 - 2 * smoothing)
    case .hinge: return .max(0.0, 1 - margin)
    case .kto: return .sigmoid(-margin)
    }
  }
}

extension Tape {
  /// w Σ_pairs of a ``DPOLoss``, and β h of each pair.
  ///
  /// - Parameters:
  ///   - logProbabilities: log π per token, `[M]`, the responses of a pair one after the other, chosen
  ///     first.
  ///   - lengths: tokens of the chosen and the rejected response of each pair.
  ///   - reference: log π_ref of each response, summed over its tokens.
  ///   - weight: w, 1 over the pairs of the batch.
  func directPreferenceLoss(
    _ logProbabilities: Variable, lengths: [(chosen: Int, rejected: Int)],
    reference: [(chosen: Double, rejected: Double)], by equation: DPOLoss = .sigmoid,
    beta: Double, smoothing: Double = 0, weight: Double
  ) -> (loss: Variable, margins: [Double]) {
    let logRatios = sums(
      of: logProbabilities, lengths: lengths.flatMap { [$0.chosen, $0.rejected] },
      less: reference.flatMap { [$0.chosen, $0.rejected] })
    let loss = loss(of: logRatios, groups: lengths.indices.map { ([2 * $0, 2 * $0 + 1], weight) }) {
      equation($1[0] - $1[1], beta: beta, smoothing: smoothing)
    }.loss
    let values = logRatios.value.values.map(Double.init)
    return (loss, lengths.indices.map { beta * (values[2 * $0] - values[2 * $0 + 1]) })
  }
}

extension Tape {
  /// w Σ_responses λ of ``DPOLoss/kto``, and β h of each response.
  ///
  /// - Parameters:
  ///   - logProbabilities: log π per token, `[M]`, the responses one after the other.
  ///   - lengths: tokens of each response.
  ///   - reference: log π_ref of each response, summed over its tokens.
  ///   - labels: whether each response is desirable.
  ///   - divergence: z, a constant.
  ///   - weights: λ of desirable and of undesirable responses.
  ///   - weight: w, 1 over the responses of the batch.
  package func unpairedPreferenceLoss(
    _ logProbabilities: Variable, lengths: [Int], reference: [Double], labels: [Bool],
    divergence: Double, beta: Double, weights: (desirable: Double, undesirable: Double),
    weight: Double
  ) -> (loss: Variable, margins: [Double]) {
    let logRatios = sums(of: logProbabilities, lengths: lengths, less: reference)
    let groups = labels.enumerated().map {
      ([$0], weight * ($1 ? weights.desirable : weights.undesirable))
    }
    let loss = loss(of: logRatios, groups: groups) {
      DPOLoss.kto(
        labels[$0] ? $1[0] - divergence : divergence - $1[0], beta: beta, smoothing: 0)
    }.loss
    let margins = zip(logRatios.value.values.map(Double.init), labels).map {
      beta * ($1 ? $0 - divergence : divergence - $0)
    }
    return (loss, margins)
  }
}

/// Finite-difference checks of the losses of DPO.
package enum DPOLosses {
  package static let gradientChecks =
    pairs + [
      GradientCheck("KTO loss", inputs: [[6]]) {
        $0.unpairedPreferenceLoss(
          $1[0], lengths: [2, 1, 3], reference: [-1, 0.5, 0.25], labels: [true, false, true],
          divergence: 0.3, beta: 0.7, weights: (1.5, 0.5), weight: 0.5
        ).loss
      }
    ]

  private static let pairs = DPOLoss.allCases.filter { !$0.isUnpaired }.flatMap { equation in
    [0.0, 0.2].map { smoothing in
      GradientCheck("DPO loss \(equation.rawValue), ε \(smoothing)", inputs: [[7]]) {
        $0.directPreferenceLoss(
          $1[0], lengths: [(2, 1), (3, 1)], reference: [(-1, 0.5), (0.25, -2)], by: equation,
          beta: 0.7, smoothing: smoothing, weight: 0.5
        ).loss
      }
    }
  }
}
