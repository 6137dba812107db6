import Foundation
import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite("Training by an objective")
struct ObjectiveTests {
  private let model: RewardModel
  private static let rankings = TestRewardModel.rankings(12)

  init() throws { model = try TestRewardModel.make(deviation: 0.05) }

  private static func trainer(
    _ objective: RewardObjective, threads: Int = 1,
    _ change: (inout RewardConfiguration) -> Void = { _ in }
  ) -> RewardTrainer {
    var configuration = RewardConfiguration()
    configuration.objective = objective
    configuration.batchSize = 12
    configuration.centering = 0.05
    configuration.optimizer.learningRate = 5e-3
    change(&configuration)
    return RewardTrainer(configuration, workers: Workers(count: threads))
  }

  /// Rows that the objective can learn from.
  private static func rows(_ objective: RewardObjective) -> [RankedResponses] {
    switch objective {
    case .pairwise, .pairwiseTokens: TestRewardModel.comparisons(12)
    case .groupedPairs, .plackettLuce, .bestOfK, .regression: rankings
    case .binary:
      rankings.map {
        var row = $0
        row.ratings = row.responses.indices.map { $0.isMultiple(of: 2) ? 1 : 0 }
        return row
      }
    }
  }

  private func train(
    _ trainer: RewardTrainer, on rows: [RankedResponses]
  ) throws -> (model: ScalarModel, steps: [StepMetrics]) {
    var trained = model.model
    var steps: [StepMetrics] = []
    try trainer.train(
      &trained, on: rows, using: SeededGenerator(seed: 1), evaluate: { _, _ in },
      report: { steps.append($0) })
    return (trained, steps)
  }

  private func largestDifference(_ a: Gradients, _ b: Gradients) -> Float {
    zip(a.tensors, b.tensors).reduce(0) { worst, pair in
      guard let a = pair.0?.values, let b = pair.1?.values, a.count == b.count else {
        return pair.0 == nil && pair.1 == nil ? worst : .infinity
      }
      return zip(a, b).reduce(worst) { max($0, abs($1.0 - $1.1)) }
    }
  }

  @Test("memorises a batch", arguments: RewardObjective.allCases)
  func overfits(objective: RewardObjective) throws {
    let (trained, steps) = try train(
      Self.trainer(objective) {
        $0.epochs = 150
        $0.centering = 0
      }, on: Self.rows(objective))
    let result = try Self.trainer(objective).gradients(of: trained, on: Self.rows(objective))
    // Ratings are given best first; best-of-K does not care about the order of the others.
    if objective != .bestOfK { #expect(try #require(result.accuracy) > 0.95) }
    let first = try #require(steps.first?["reward/loss"])
    #expect(try #require(steps.last?["reward/loss"]) < first / 4)
  }

  @Test("is the mean over the elements, divided once", arguments: RewardObjective.allCases)
  func mean(objective: RewardObjective) throws {
    let trainer = Self.trainer(objective)
    let rows = Self.rows(objective)
    let together = try trainer.gradients(of: model.model, on: rows)
    var sum = Gradients(count: model.model.parameters.count)
    var loss = 0.0
    for row in rows {
      let alone = try trainer.gradients(of: model.model, on: [row])
      loss += alone.loss / Double(rows.count)
      var share = alone.gradients
      for index in share.tensors.indices {
        share.tensors[index]?.multiply(by: 1 / Float(rows.count))
      }
      sum.add(share)
    }
    #expect(abs(together.loss - loss) < .decoderRounding)
    #expect(largestDifference(together.gradients, sum) < .decoderRounding)
  }

  @Test("in pieces has the gradient of the whole batch", arguments: RewardObjective.allCases)
  func accumulation(objective: RewardObjective) throws {
    let rows = Self.rows(objective)
    let whole = try Self.trainer(objective).gradients(of: model.model, on: rows)
    for pieces in [2, 5, 12] {
      let cut = try Self.trainer(objective) { $0.accumulation = pieces }
        .gradients(of: model.model, on: rows)
      #expect(abs(cut.loss - whole.loss) < .float32Rounding * (1 + whole.loss))
      #expect(cut.accuracy == whole.accuracy)
      let scale = Float(1 + whole.gradients.norm)
      #expect(largestDifference(cut.gradients, whole.gradients) < .float32Rounding * scale)
    }
    // The last batch of an epoch may have fewer elements than pieces.
    let small = try Self.trainer(objective) { $0.accumulation = 12 }
      .gradients(of: model.model, on: Array(rows.prefix(2)))
    let two = try Self.trainer(objective).gradients(of: model.model, on: Array(rows.prefix(2)))
    #expect(largestDifference(small.gradients, two.gradients) < .decoderRounding)
  }

  @Test("learns from the rewards that scoring reads", arguments: RewardObjective.allCases)
  func onePath(objective: RewardObjective) throws {
    let rows = Self.rows(objective)
    let exchanges = rows.flatMap(\.exchanges)
    // What is learned from ends as scoring ends it, once.
    #expect(exchanges.map(model.ended) == exchanges)
    let scored = try model.rewards(exchanges, workers: Workers(count: 1))
    let learned = Self.trainer(objective).configuration.loss(
      of: model.model, on: rows[...], weight: 1, tape: Tape(recording: false))
    #expect(
      RewardModelingTests.largestDifference(learned.rewards.map(Double.init), scored)
        < .decoderRounding)
  }

  @Test("gives the same bytes at one thread and at two", arguments: RewardObjective.allCases)
  func threads(objective: RewardObjective) throws {
    let runs = try [1, 2].map { threads in
      try train(
        Self.trainer(objective, threads: threads) { $0.batchSize = 5 }, on: Self.rows(objective)
      ).model.parameters.tensors.map(\.values)
    }
    #expect(runs[0] == runs[1])
    #expect(runs[0] != model.model.parameters.tensors.map(\.values))
  }

  @Test("of rankings is, for two responses, that of pairs")
  func two() throws {
    let rows = Self.rows(.pairwise)
    let pairs = try Self.trainer(.pairwise).gradients(of: model.model, on: rows)
    for objective in [RewardObjective.groupedPairs, .plackettLuce, .bestOfK] {
      let other = try Self.trainer(objective).gradients(of: model.model, on: rows)
      #expect(abs(other.loss - pairs.loss) < .float64Rounding)
      #expect(other.accuracy == pairs.accuracy)
      // The same path of a decoder: only the last bit of a derivative may differ, times gradients below 1.
      #expect(largestDifference(other.gradients, pairs.gradients) < 1e-7)
    }
  }

  @Test("of pairs takes every pair of a ranking, and shuffles them among the others")
  func allPairs() throws {
    let configuration = Self.trainer(.pairwise).configuration
    let elements = try configuration.elements(of: Self.rankings)
    #expect(elements.count == Self.rankings.reduce(0) { $0 + $1.pairCount })
    var found: Set<[[Int32]]> = []
    for element in elements { found.insert([element.prompt] + element.responses) }
    for ranking in Self.rankings {
      for (worse, response) in ranking.responses.enumerated() {
        for better in ranking.responses[..<worse] {
          #expect(found.contains([ranking.prompt, better, response]))
        }
      }
    }
    let (_, steps) = try train(Self.trainer(.pairwise), on: Self.rankings)
    #expect(steps.last?.totalSteps == (elements.count + 11) / 12)
  }

  @Test("smooths labels as if each were wrong so often")
  func smoothing() throws {
    let rows = Self.rows(.pairwise)
    var soft = rows
    for index in soft.indices { soft[index].probability = 0.9 }
    let smoothed = try Self.trainer(.pairwise) { $0.labelSmoothing = 0.1 }
      .gradients(of: model.model, on: rows)
    let labelled = try Self.trainer(.pairwise) { $0.softLabels = true }
      .gradients(of: model.model, on: soft)
    let plain = try Self.trainer(.pairwise).gradients(of: model.model, on: soft)
    #expect(abs(smoothed.loss - labelled.loss) < .float64Solutions)
    // The same path of a decoder: only the last bit of a derivative may differ, times gradients below 1.
    #expect(largestDifference(smoothed.gradients, labelled.gradients) < 1e-7)
    #expect(largestDifference(plain.gradients, labelled.gradients) > 1e-3)
    let grouped = try Self.trainer(.groupedPairs) { $0.labelSmoothing = 0.1 }
      .gradients(of: model.model, on: rows)
    #expect(abs(grouped.loss - smoothed.loss) < .float64Solutions)
  }

  @Test(
    "of pairs has a label noise rate",
    arguments: [.pairwise, .pairwiseTokens, .groupedPairs] as [RewardObjective])
  func labelNoise(objective: RewardObjective) throws {
    let rows = Self.rows(objective)
    let plain = try Self.trainer(objective) { $0.centering = 0 }
      .gradients(of: model.model, on: rows)
    let lenient = try Self.trainer(objective) {
      $0.centering = 0
      $0.labelNoise = 0.49
    }.gradients(of: model.model, on: rows)
    // Judges who nearly toss a coin teach nearly nothing.
    #expect(abs(lenient.loss - log(2)) < 0.02)
    #expect(lenient.gradients.norm < 0.05 * plain.gradients.norm)
  }

  @Test("goes by one pair of one token, in a batch of its own", arguments: RewardObjective.allCases)
  func smallest(objective: RewardObjective) throws {
    var row = RankedResponses(prompt: [3], responses: [[4, 0], [0]])
    row.ratings = [1, 0]
    let (trained, steps) = try train(
      Self.trainer(objective) {
        $0.batchSize = 1
        $0.epochs = 30
        $0.centering = 0
      }, on: [row])
    #expect(steps.count == 30)
    let rewards = trained.rewards(row.exchanges, on: Tape(recording: false)).value.values
    #expect(rewards[0] > rewards[1])
    #expect(try #require(steps.last?["reward/loss"]) < #require(steps.first?["reward/loss"]) / 2)
  }

  @Test("of ratings learns from one response, where there is nothing to be right about")
  func ratings() throws {
    var row = RankedResponses(prompt: [3], responses: [[4, 0]])
    row.ratings = [1.5]
    let reward = try model.rewards(row.exchanges, workers: Workers(count: 1))[0]
    let result = try Self.trainer(.regression).gradients(of: model.model, on: [row])
    #expect(abs(result.loss - (reward - 1.5) * (reward - 1.5)) < .decoderRounding)
    #expect(result.accuracy == nil)
    let (_, steps) = try train(Self.trainer(.regression), on: [row])
    #expect(steps[0]["reward/accuracy"] == nil)
  }

  @Test("of ratings weighs a row of two responses as one of one")
  func ratedPairs() throws {
    var rows = [[[4, 0]], [[5, 6, 0]], [[4, 0], [5, 6, 0]]].map {
      RankedResponses(prompt: [3], responses: $0)
    }
    (rows[0].ratings, rows[1].ratings, rows[2].ratings) = ([1.5], [-2], [1.5, -2])
    let losses = try rows.map {
      try Self.trainer(.regression).gradients(of: model.model, on: [$0]).loss
    }
    #expect(abs(losses[2] - (losses[0] + losses[1]) / 2) < .decoderRounding)
  }
}

@Suite("Rows that do not go with the objective")
struct RefusedRowsTests {
  private let pair = TestRewardModel.comparisons(1)[0]
  private let ranking = TestRewardModel.rankings(2)[1]  // of three

  private func refusal(
    _ objective: RewardObjective, _ rows: [RankedResponses], softLabels: Bool = false
  ) throws -> String {
    var configuration = RewardConfiguration()
    configuration.objective = objective
    configuration.softLabels = softLabels
    let refused = configuration
    let error = try #require(throws: RewardModelingError.self) {
      try refused.elements(of: rows)
    }
    return "\(error)"
  }

  @Test("are refused with the key, how many there are, and what to do")
  func refused() throws {
    let tokens = try refusal(.pairwiseTokens, [pair, ranking])
    #expect(tokens.contains("reward.objective: 1 of 2 training rows are rankings"))
    #expect(
      try refusal(.regression, [pair, pair]).contains("2 of 2 training rows have no ratings"))
    let soft = try refusal(.pairwise, [pair], softLabels: true)
    #expect(soft.contains("reward.soft_labels") && soft.contains("chosen_probability"))
    var strict = pair
    strict.margin = 1
    for objective in [RewardObjective.plackettLuce, .bestOfK] {
      #expect(try refusal(objective, [strict]).contains("have a margin"))
    }
    #expect(try refusal(.binary, [pair, ranking]).contains("have no label of true or false"))
    let single = RankedResponses(prompt: [3], responses: [[4, 0]])
    for objective in RewardObjective.allCases where objective != .regression {
      #expect(try refusal(objective, [pair, single]).contains("1 of 2 training rows"))
    }
  }

  @Test("stop training before it begins")
  func beforeTraining() throws {
    var configuration = RewardConfiguration()
    configuration.objective = .regression
    let trainer = RewardTrainer(configuration, workers: Workers(count: 1))
    var model = try TestRewardModel.make().model
    #expect(throws: RewardModelingError.self) {
      try trainer.train(
        &model, on: [pair], using: SeededGenerator(seed: 1), evaluate: { _, _ in },
        report: { _ in })
    }
  }
}
