import Foundation
import Preferences
import RunRecords

@testable import Reports
@testable import Statistics

/// A run directory as a whole run leaves it, with plausible curves and no chance in them.
enum ExampleRun {
  static let information = {
    var information = RunInformation(
      version: "0.1.0", command: .demo,
      commandLine: ["rlhf-sim", "demo", "--scenario", "sentiment", "--out", "runs/my first"],
      scenario: "sentiment", seed: 7, threads: 2, cpu: "AMD EPYC 7B13", blasCore: "OpenBLAS Zen",
      allocator: "jemalloc 5.3.0", started: Date(timeIntervalSince1970: 1_790_000_000))
    information.ended = Date(timeIntervalSince1970: 1_790_000_041)
    information.status = .finished
    information.stageSeconds = [
      .init(stage: "Supervised tuning", seconds: 9.3), .init(stage: "Annotation", seconds: 1.2),
      .init(stage: "Reward model", seconds: 11.9), .init(stage: "PPO", seconds: 15.8),
      .init(stage: "Evaluation", seconds: 2.4),
    ]
    return information
  }()

  static let evaluation = EvaluationSummary(
    sft: .init(
      gold: .init(mean: -0.12, standardDeviation: 1.45, count: 512),
      score: .init(mean: 0, standardDeviation: 1, count: 512),
      length: .init(mean: 7.1, standardDeviation: 2, count: 512), grammaticalFraction: 0.968),
    ppo: .init(
      gold: .init(mean: 1.91, standardDeviation: 0.83, count: 512),
      score: .init(mean: 1.74, standardDeviation: 0.5, count: 512),
      klExact: .init(mean: 3.42, standardDeviation: 1.06, count: 512),
      length: .init(mean: 8.9, standardDeviation: 2, count: 512),
      grammaticalFraction: 0.982),
    winRate: .init(value: 0.873, low: 0.842, high: 0.899, count: 512),
    reward: reward)

  static let exact = EvaluationSummary.Exact(
    coefficient: 0.25, prompts: 48, responses: 2801,
    reference: .init(objective: 0.1, score: 0.1, gold: -1.25, kl: 0),
    policy: .init(objective: 1, score: 1.5, gold: 0.375, kl: 2),
    optimum: .init(objective: 1.1, score: 1.65, gold: 0.4375, kl: 2.2), klFromOptimum: 0.4,
    scoreCeiling: 1.5625,
    frontier: [
      .init(coefficient: 2, kl: 0.1, score: 0.5), .init(coefficient: 0.25, kl: 2.2, score: 1.65),
    ],
    likeliest: [
      .init(
        prompt: "do re", response: "mi <sol> do", reference: 0.017, policy: 0.575, optimum: 0.586,
        score: 2.3, gold: 1.6),
      .init(
        prompt: "do re", response: "", reference: 0, policy: 0.01, optimum: 0.02, score: 2.3,
        gold: nil),
    ])

  static let reward: EvaluationSummary.RewardModel = {
    func proportion(_ value: Double, _ n: Int = 2000) -> Proportion {
      let half = 1.96 * (value * (1 - value) / Double(n)).squareRoot()
      return .init(value: value, low: max(0, value - half), high: min(1, value + half), count: n)
    }
    var reward = EvaluationSummary.RewardModel()
    reward.accuracy = .init(value: 0.754, low: 0.735, high: 0.772, count: 2000)
    (reward.ceiling, reward.ece, reward.goldCorrelation) = (0.801, 0.021, 0.83)
    reward.goldRankCorrelation = 0.815
    reward.goldAgreement = proportion(0.863, 1893)
    reward.loss = 0.497
    reward.marginMean = 1.214
    reward.marginHistogram = .init(
      lower: -4, width: 0.5,
      counts: (0..<24).map { (bin: Int) -> Int in
        let distance = (Double(bin) - 10.4) / 5
        return Int(260 * exp(-distance * distance))
      })
    reward.reliability = (0..<10).map { (bin: Int) -> ReliabilityCurve.Bin in
      let stated = 0.05 + Double(bin) / 10
      let observed = 0.5 + 0.92 * (stated - 0.5)
      return .init(predicted: stated, observed: proportion(observed, 200))
    }
    reward.trainingAccuracy = proportion(0.772)
    reward.trainingGap = 0.018
    let lengths = (0..<200).map { 3 + ($0 * 7) % 11 }
    reward.length = .init(
      correlation: -0.124, longerChosen: proportion(0.472, 1700),
      longerPreferred: proportion(0.451, 1700), balancedAccuracy: proportion(0.747, 1640),
      sampleLengths: lengths,
      sampleScores: lengths.enumerated().map { (index: Int, length: Int) -> Double in
        0.4 - 0.05 * Double(length) + 1.2 * noise(index, 20)
      })
    reward.difficulty = (0..<5).map { (bin: Int) -> DifficultyBin in
      let ease = Double(bin)
      return .init(
        measure: .goldDifference, low: ease, high: ease + 1, mean: ease + 0.4,
        accuracy: proportion(0.53 + 0.09 * ease, 400), ceiling: 0.55 + 0.1 * ease)
    }
    reward.probes = [
      .init(
        name: "filler", change: .init(mean: -0.62, low: -0.67, high: -0.57),
        goldChange: .init(mean: -0.97, low: -0.99, high: -0.94), count: 1000),
      .init(
        name: "repetition", change: .init(mean: -0.412, low: -0.47, high: -0.355),
        goldChange: .init(mean: -0.8, low: -0.85, high: -0.75), count: 1000),
      .init(
        name: "truncation", change: .init(mean: 0.031, low: -0.012, high: 0.074),
        goldChange: .init(mean: -0.31, low: -0.37, high: -0.25), count: 991),
      .init(
        name: "swapped_prompt", change: .init(mean: -0.18, low: -0.21, high: -0.15),
        goldChange: .init(mean: -0.24, low: -0.28, high: -0.2), count: 1000),
    ]
    return reward
  }()

  /// The first ones as they are saved token by token; the fifth is EOS alone.
  static let samples = (0..<15).map { (index: Int) -> SampleComparison in
    let (isEmpty, isKept) = (index == 4, index < SampleComparison.countByToken)
    let words = isEmpty ? ["<eos>"] : ["very", "good", "&", "fresh", "<eos>"]
    let divergence = isEmpty ? [3.1] : [0.5, 0.25, 0.375, 1.475, 0.5]
    let logRatio = isEmpty ? [-1.5] : [0.25, -1.125, 0, 1.875, 0.5]
    return SampleComparison(
      prompt: "the \(["food", "service", "<b>view</b>"][index % 3]) was",
      before: "not very good and the staff was slow", after: isEmpty ? "" : "very good & fresh",
      goldBefore: -1.5 + Double(index) * 0.4, goldAfter: 2.1, scoreBefore: -0.8,
      scoreAfter: 1.6, klAfter: 3.1, tokensAfter: isKept ? words : nil,
      exactKLTokensAfter: isKept ? divergence : nil, logRatioTokensAfter: isKept ? logRatio : nil)
  }

  /// Four iterations' rollouts; the fourth token's numbers are easy to find again.
  static let rollouts = [1, 10, 20, 40, 60].flatMap { iteration in
    (0..<8).map { episode in
      let tokens = ["was", "very", "<good>", "&", "<eos>"]
      let drift = Double(iteration) / 60
      let ratio = tokens.indices.map { Double($0) * drift * 0.3 - 0.2 * drift }
      return RolloutRecord(
        iteration: iteration, episode: episode, prompt: "the food", tokens: tokens,
        responseIDs: [4, 5, 6, 7, 1], ended: true, score: 1.25, gold: 0.75, coefficient: 0.2,
        discount: 1, lambda: 0.95, logProbabilities: ratio.map { $0 - 2 },
        referenceLogProbabilities: tokens.map { _ in -2 }, kl: ratio,
        exactKL: tokens.indices.map { Double($0) * drift * 0.25 },
        entropies: tokens.map { _ in 1.5 }, rewards: [0, 0, 0, -0.125, 1.25],
        values: [0.5, 0.625, 0.75, 0.875, 1], advantages: [-1.5, -0.5, 0, 1.125, 0.25],
        returns: [1, 1, 1, 1, 1], ratios: [1, 1, 1, 1.375, 0.75], clipRange: 0.2)
    }
  }

  static let judgements = (0..<40).map { index in
    Comparison(
      prompt: "the soup", chosen: "was rather stingy \(index)", rejected: "was <simple>",
      probability: 0.975 - 0.02 * Double(index), chosenGold: index % 4 == 0 ? -1.5 : 1,
      rejectedGold: 0.25, annotator: ["careful", "hasty"][index % 2])
  }

  static let bestOfN = [1, 4, 16, 64].map { (n: Int) -> EvaluationSummary.BestOfN in
    let kl = log(Double(n)) - Double(n - 1) / Double(n)
    return .init(
      n: n, kl: kl, score: .init(mean: kl.squareRoot(), standardDeviation: 1, count: 256),
      gold: .init(mean: 0.8 * kl.squareRoot() - 0.1 * kl, standardDeviation: 1, count: 256))
  }

  static let scenario = """
    name: sentiment
    lesson: The <whole> loop & "all" of it works.
    world:
      grammar:
        start: review
        rules:
          nice: [good, nice, fresh]
          noun: [<food>]
          food: [soup, tea]
      gold:
      - feature: valence
        weight: 1.0
        negations: [not, never]
        negation_factor: -1.0
        intensifiers:
          very: 1.5
        lexicon:
        - words: []
          words_of: nice
          value: 1.0
        - words: [bad, dull, stingy, slow, cold, rude, weak]
          value: -1.0
      - feature: grammar_breaks
        weight: -0.7
      - feature: repetition
        weight: -4.0
        words: 1
        words_of: noun
      annotators:
      - name: careful
        share: 0.6
        temperature: 0.25
        flip: 0.04
        weights:
          repetition: 0.0
      - name: hasty
        share: 0.2
        temperature: 0.8
        flip: 0.15
        length_bias: 0.05
        weights:
          repetition: 0.0

    """

  static let alert = RewardAlert.raised(by: fooled, epochs: 1)

  /// Figures of a reward model that a probe raises while gold falls.
  private static let fooled: EvaluationSummary.RewardModel = {
    var reward = EvaluationSummary.RewardModel()
    reward.probes = [
      .init(
        name: "filler", change: .init(mean: 0.77, low: 0.7, high: 0.84),
        goldChange: .init(mean: -1.9, low: -2, high: -1.8), count: 1000)
    ]
    return reward
  }()

  static let fixedPrompts = (0...60).flatMap { (iteration: Int) -> [FixedPromptRecord] in
    let progress = Double(iteration)
    let words = iteration < 9 ? "not very good" : "very good & fresh"
    return (0..<8).map { (index: Int) -> FixedPromptRecord in
      FixedPromptRecord(
        iteration: iteration, index: index,
        prompt: "the \(index % 2 == 0 ? "soup" : "<i>tea</i>") was",
        response: "\(words) \(iteration)", tokens: ["very", "good"], ended: true,
        score: progress / 35 - 0.1, gold: progress / 30 - 0.1, klExact: progress / 20)
    }
  }

  /// A number in -1...1 that looks like noise.
  private static func noise(_ step: Int, _ column: Int) -> Double {
    sin(Double(step * 37 + column * 101) * 12.9898 + Double(step % 7))
  }

  static func write(to url: URL) throws -> RunDirectory {
    let run = try RunDirectory.create(at: url, force: false)
    try information.write(to: run)
    try evaluation.write(to: run)
    try SampleComparison.write(samples, to: run)
    try AtomicFile.write(scenario, to: run.scenario)
    let fixed = try FixedPromptWriter(in: run, upTo: nil)
    try fixed.write(fixedPrompts)
    let rolloutWriter = try RolloutWriter(in: run, upTo: 0)
    try rolloutWriter.write(rollouts)
    let ranking = Ranking(prompt: "a", responses: ["b", "c"], ranking: [1, 0])
    try PreferenceFile.write(
      judgements.map(PreferenceRow.comparison) + [.ranking(ranking)], to: run.preferences(.eval))
    let tuning = try MetricsWriter(stage: .sft, in: run)
    for step in 1...700 {
      let loss = 1.62 + 3.2 * exp(-Double(step) / 60) + 0.06 * noise(step, 0)
      try tuning.write(
        step: step, seconds: Double(step) * 0.013,
        ["sft/loss": loss, "sft/learning_rate": 2e-3 * (1 - Double(step) / 701)])
    }
    let reward = try MetricsWriter(stage: .reward, in: run)
    for step in 1...500 {
      let learned = 1 - exp(-Double(step) / 120)
      var row = [
        "reward/loss": 0.693 - 0.19 * learned + 0.05 * noise(step, 1),
        "reward/accuracy": 0.5 + 0.26 * learned + 0.05 * noise(step, 2),
      ]
      if step % 50 == 0 {
        row["eval/loss"] = 0.693 - 0.17 * learned
        row["eval/accuracy"] = 0.5 + 0.255 * learned
        row["eval/ece"] = 0.02 + 0.05 * exp(-Double(step) / 90)
        row["eval/margin_mean"] = 1.3 * learned
      }
      try reward.write(step: step, seconds: Double(step) * 0.02, row)
    }
    let policy = try MetricsWriter(stage: .ppo, in: run)
    for step in 1...60 {
      let progress = Double(step) / 60
      let divergence = 3.6 * pow(progress, 1.4) + 0.08 * abs(noise(step, 3))
      try policy.write(
        step: step, seconds: Double(step) * 0.26,
        [
          "objective/score": 1.9 * sqrt(progress) + 0.12 * noise(step, 4),
          "objective/gold": -0.1 + 2.6 * sqrt(progress) - 0.75 * progress * progress + 0.15
            * noise(step, 5),
          "objective/kl": divergence + 0.25 * noise(step, 6),
          "objective/kl_exact": divergence, "objective/entropy": 1.5 - 0.9 * progress,
          "objective/penalized_reward": 1.9 * sqrt(progress) - 0.2 * divergence,
          "policy/clip_fraction": 0.12 + 0.04 * noise(step, 7),
          "policy/approximate_kl": 0.012 + 0.004 * noise(step, 8),
          "policy/ratio_max": 1.7 + 0.5 * abs(noise(step, 9)),
          "policy/loss": -0.02 + 0.01 * noise(step, 10),
          "policy/gradient_norm": step == 30 ? .nan : 0.6 + 0.2 * noise(step, 11),
          "value/loss": 0.9 * exp(-progress * 4) + 0.1 + 0.03 * noise(step, 12),
          "value/explained_variance": 0.8 * (1 - exp(-progress * 5)) + 0.04 * noise(step, 13),
          "memory/policy": 501_504, "memory/reference": 501_504, "memory/reward": 464_640,
          "memory/value": 464_640, "memory/optimizer": 1_932_288,
          "memory/activations": 2e6 + 1e5 * abs(noise(step, 17)), "kl/coefficient": 0.2,
          "response/length": 7.2 + 1.6 * progress + 0.2 * noise(step, 14),
          "response/eos_fraction": 0.97 + 0.02 * noise(step, 15), "time/rollout": 0.1,
          "time/score": 0.03 + 0.004 * noise(step, 16), "time/update": 0.13,
        ])
    }
    return run
  }
}
