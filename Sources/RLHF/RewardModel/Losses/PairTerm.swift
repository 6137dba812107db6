/// −p log P(Δ − m) − (1 − p) log P(m − Δ) + η (r_chosen + r_rejected)², the loss of one pair, and its
/// slopes; P(Δ) = ε + (1 − 2ε) σ(Δ), see ``ChoiceProbability``.
///
/// Δ = r_chosen − r_rejected; m margin; p the probability that the choice is right, 1 for a judgement
/// that is taken as it is; ε slips; η centering, which pins the constant that ranking leaves free
/// (Eisenstein et al. 2023).
struct PairTerm {
  let loss: Double
  let chosenSlope: Double
  let rejectedSlope: Double

  init(
    chosen: Double, rejected: Double, margin: Double, probability: Double,
    choices: ChoiceProbability, centering: Double
  ) {
    let difference = chosen - rejected - margin
    var loss = probability * choices.surprise(difference)
    var pull = probability * choices.surpriseSlope(difference)
    if probability < 1 {
      loss += (1 - probability) * choices.surprise(-difference)
      pull -= (1 - probability) * choices.surpriseSlope(-difference)
    }
    let sum = chosen + rejected
    self.loss = loss + centering * sum * sum
    chosenSlope = pull + 2 * centering * sum
    rejectedSlope = -pull + 2 * centering * sum
  }
}
