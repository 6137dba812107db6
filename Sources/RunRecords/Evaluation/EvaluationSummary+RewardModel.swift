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
    package var reliability: [ReliabilityBin]?
    /// Accuracy on as many training pairs.
    package var trainingAccuracy: Proportion?
    /// Training accuracy minus held-out accuracy.
    package var trainingGap: Double?
    package var length: Length?
    /// From the hardest pairs to the easiest.
    package var difficulty: [Difficulty]?
    package var probes: [Probe]?

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

extension EvaluationSummary.RewardModel {
  /// Counts in bins of equal width.
  package struct Histogram: Codable, Sendable, Equatable {
    /// The lower edge of the first bin.
    package var lower: Double
    package var width: Double
    package var counts: [Int]

    package init(lower: Double, width: Double, counts: [Int]) {
      self.lower = lower
      self.width = width
      self.counts = counts
    }
  }

  /// Pairs of about one stated probability.
  package struct ReliabilityBin: Codable, Sendable, Equatable {
    /// Mean stated probability.
    package var predicted: Double
    /// How often it came true.
    package var observed: EvaluationSummary.Proportion

    package init(predicted: Double, observed: EvaluationSummary.Proportion) {
      self.predicted = predicted
      self.observed = observed
    }
  }

  /// What judgements and rewards make of length.
  package struct Length: Codable, Sendable, Equatable {
    /// Correlation of reward and length in tokens.
    package var correlation: Double
    /// How often the judgement chose the longer response, where they differ.
    package var longerChosen: EvaluationSummary.Proportion
    /// How often the model does.
    package var longerPreferred: EvaluationSummary.Proportion
    /// On pairs among which the longer was chosen as often as the shorter.
    package var balancedAccuracy: EvaluationSummary.Proportion
    /// Some responses: tokens and normalized reward of each.
    package var sampleLengths: [Int]
    package var sampleScores: [Double]

    package init(
      correlation: Double, longerChosen: EvaluationSummary.Proportion,
      longerPreferred: EvaluationSummary.Proportion,
      balancedAccuracy: EvaluationSummary.Proportion, sampleLengths: [Int], sampleScores: [Double]
    ) {
      self.correlation = correlation
      self.longerChosen = longerChosen
      self.longerPreferred = longerPreferred
      self.balancedAccuracy = balancedAccuracy
      self.sampleLengths = sampleLengths
      self.sampleScores = sampleScores
    }

    private enum CodingKeys: String, CodingKey {
      case correlation
      case longerChosen = "longer_chosen"
      case longerPreferred = "longer_preferred"
      case balancedAccuracy = "balanced_accuracy"
      case sampleLengths = "sample_lengths"
      case sampleScores = "sample_scores"
    }
  }

  /// Pairs that are about equally hard.
  package struct Difficulty: Codable, Sendable, Equatable {
    /// What orders the pairs.
    package enum Measure: String, Codable, Sendable {
      /// |gold of one − gold of the other|
      case goldDifference = "gold_difference"
      /// max(p, 1 − p) of an ideal predictor.
      case certainty
    }

    package var measure: Measure
    package var low: Double
    package var high: Double
    package var mean: Double
    package var accuracy: EvaluationSummary.Proportion
    package var ceiling: Double?

    package init(
      measure: Measure, low: Double, high: Double, mean: Double,
      accuracy: EvaluationSummary.Proportion, ceiling: Double?
    ) {
      self.measure = measure
      self.low = low
      self.high = high
      self.mean = mean
      self.accuracy = accuracy
      self.ceiling = ceiling
    }
  }

  /// What a change to responses did to their rewards.
  package struct Probe: Codable, Sendable, Equatable {
    /// A mean with its 95 % interval.
    package struct Change: Codable, Sendable, Equatable {
      package var mean: Double
      package var low: Double
      package var high: Double

      package init(mean: Double, low: Double, high: Double) {
        self.mean = mean
        self.low = low
        self.high = high
      }
    }

    /// `filler`, `repetition`, `truncation` or `swapped_prompt`.
    package var name: String
    /// Of the normalized reward.
    package var change: Change
    /// Of gold, in its deviations over the same responses.
    package var goldChange: Change?
    package var n: Int

    package init(name: String, change: Change, goldChange: Change?, n: Int) {
      self.name = name
      self.change = change
      self.goldChange = goldChange
      self.n = n
    }

    private enum CodingKeys: String, CodingKey {
      case name, change, n
      case goldChange = "gold_change"
    }
  }
}
