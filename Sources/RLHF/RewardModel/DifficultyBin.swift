package import Statistics

/// Accuracy on pairs that are about equally hard to judge.
package struct DifficultyBin: Sendable, Equatable {
  /// The least and the greatest ease in the bin: |difference of gold| where gold is known, or else
  /// the certainty max(p, 1 − p) of an ideal predictor.
  package let low: Double
  package let high: Double
  /// Mean ease.
  package let mean: Double
  package let accuracy: Proportion
  /// Mean max(p, 1 − p) of these pairs; nil when it is not known.
  package let ceiling: Double?

  /// Five bins of about as many pairs each, hardest first; equal ease is never cut in two.
  static func bins(
    _ margins: [Double], goldMargins: [Double]?, ceilings: [Double]?, count: Int = 5
  ) -> [DifficultyBin] {
    guard let ease = goldMargins.map({ $0.map(abs) }) ?? ceilings else { return [] }
    let order = ease.indices.sorted { (ease[$0], $0) < (ease[$1], $1) }
    var bins: [DifficultyBin] = []
    var start = 0
    for bin in 1...count {
      var end = order.count * bin / count
      guard end > start else { continue }
      while end < order.count, ease[order[end]] == ease[order[end - 1]] { end += 1 }
      let members = order[start..<end]
      bins.append(
        DifficultyBin(
          low: ease[order[start]], high: ease[order[end - 1]],
          mean: Summary(members.map { ease[$0] }).mean,
          accuracy: RewardEvaluation.share(ofPositive: members.map { margins[$0] }),
          ceiling: ceilings.map { ceilings in Summary(members.map { ceilings[$0] }).mean }))
      start = end
    }
    return bins
  }
}
