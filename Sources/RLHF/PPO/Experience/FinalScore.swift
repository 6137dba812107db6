extension PPOConfiguration {
  /// What a response earns at its last token: the normalised score, clipped, and the penalty where
  /// the response has no end.
  package func finalScore(_ score: Double, ended: Bool) -> Double {
    var score = score
    if let limit = scoreClip { score = min(limit, max(-limit, score)) }
    if ended { return score }
    switch missingEnd {
    case .replace: return -missingEndPenalty
    case .subtract: return score - missingEndPenalty
    case .keep: return score
    }
  }
}
