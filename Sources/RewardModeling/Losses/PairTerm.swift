import Evaluation
import Foundation

/// −p log σ(Δ − m) − (1 − p) log σ(m − Δ) + η (r_chosen + r_rejected)², the loss of one pair, and its
/// slopes.
///
/// Δ = r_chosen − r_rejected; m margin; p the probability that the choice is right, 1 for a judgement
/// that is taken as it is; η centering, which pins the constant that ranking leaves free (Eisenstein
/// et al. 2023).
struct PairTerm {
  let loss: Double
  let chosenSlope: Double
  let rejectedSlope: Double

  init(chosen: Double, rejected: Double, margin: Double, probability: Double, centering: Double) {
    let difference = chosen - rejected - margin
    var loss = probability * Statistics.softplus(-difference)
    var pull = -probability / (1 + exp(difference))  // −p σ(−Δ)
    if probability < 1 {
      loss += (1 - probability) * Statistics.softplus(difference)
      pull += (1 - probability) / (1 + exp(-difference))
    }
    let sum = chosen + rejected
    self.loss = loss + centering * sum * sum
    chosenSlope = pull + 2 * centering * sum
    rejectedSlope = -pull + 2 * centering * sum
  }
}
