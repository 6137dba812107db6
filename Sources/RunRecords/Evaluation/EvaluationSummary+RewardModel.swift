package import Statistics

extension EvaluationSummary {
  /// The figures of the reward model on held-out pairs. Beside the few that everyone asks for,
  /// everything is optional: files of earlier versions lack it.
  package struct RewardModel: Codable, Sendable, Equatable {
    package var accuracy: Proportion?
    /// The accuracy of the true reward itself: what the annotators' noise allows.
    package var ceiling: Double?
    /// Expected calibration error, in 0...1.
    package var ece: Double?
    /// Correlation of the model's reward with gold.
    package var goldCorrelation: Double?
    /// Spearman's rank correlation of the model's reward with gold.
    package var goldRankCorrelation: Double?
    /// How often the model orders a pair as gold does, of the pairs whose gold differs.
    package var goldAgreement: Proportion?
    /// Mean −log σ of the margin.
    package var loss: Double?
    /// Mean margin between the chosen and the rejected response.
    package var marginMean: Double?
    package var marginHistogram: Histogram?
    package var reliability: [ReliabilityCurve.Bin]?
    /// Accuracy on as many training pairs.
    package var trainingAccuracy: Proportion?
    /// Training accuracy minus held-out accuracy.
    package var trainingGap: Double?
    package var length: LengthEvaluation?
    /// From the hardest pairs to the easiest.
    package var difficulty: [DifficultyBin]?
    package var probes: [ProbeResult]?

    package init(
      accuracy: Proportion? = nil, ceiling: Double? = nil, ece: Double? = nil,
      goldCorrelation: Double? = nil
    ) {
      self.accuracy = accuracy
      self.ceiling = ceiling
      self.ece = ece
      self.goldCorrelation = goldCorrelation
    }

    private enum CodingKeys: String, CodingKey {
      case accuracy, ceiling, ece, loss, reliability, length, difficulty, probes
      case goldCorrelation = "gold_correlation"
      case goldRankCorrelation = "gold_rank_correlation"
      case goldAgreement = "gold_agreement"
      case marginMean = "margin_mean"
      case marginHistogram = "margin_histogram"
      case trainingAccuracy = "training_accuracy"
      case trainingGap = "training_gap"
    }
  }
}
