import LanguageModels
import Numerics
import Preferences
import RunRecords
import Statistics
import TestSupport
import Testing

@testable import Experiments
@testable import RLHF

@Suite("The judgement of a reward model")
struct RewardReportTests {
  @Test("is over the held-out rows that fit the model, with ceiling, gold, gap and probes")
  func report() throws {
    let recording = Recording()
    let loop = try makeLoop(
      ["preferences.pairs=2000", "preferences.held_out_pairs=1000"], observer: recording)
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let (model, report) = try loop.trainReward(from: policy, training: training, heldOut: heldOut)
    #expect(!recording.notes.contains { $0.contains("intervals that mean something") })
    #expect(report.accuracy?.count == 1_000)
    let ceiling = Summary(heldOut.compactMap(\.probability).map { max($0, 1 - $0) }).mean
    #expect(report.ceiling == ceiling)
    #expect(report.trainingAccuracy?.count == 1_000)
    let (accuracy, trained) = try (
      #require(report.accuracy), #require(report.trainingAccuracy)
    )
    #expect(report.trainingGap == trained.value - accuracy.value)
    let length = try #require(report.length)
    #expect(length.sampleLengths.count == 200)
    let probes = try #require(report.probes)
    #expect(probes.map(\.name) == RewardProbe.allCases.map(\.rawValue))
    #expect(probes.allSatisfy { $0.goldChange != nil })
    let swapped = try #require(probes.last)
    #expect((500...1_000).contains(swapped.count))

    // The figures are those of the held-out rows as they stand, each response read at its end.
    let tokens = heldOut.map { row in
      let ended = [row.chosen, row.rejected].map { response in
        model.ended(
          Exchange(
            prompt: loop.tokenizer.encodePrompt(row.prompt),
            response: loop.tokenizer.encode(response)))
      }
      #expect(ended.allSatisfy { $0.response.last == loop.tokenizer.endOfSequence })
      return RankedResponses(
        prompt: ended[0].prompt, chosen: ended[0].response, rejected: ended[1].response)
    }
    let rewards = try model.rewards(tokens.flatMap(\.exchanges), workers: loop.workers)
    var expected = EvaluationSummary.RewardModel(
      tokens, rewards: rewards, probabilities: heldOut.compactMap(\.probability),
      golds: heldOut.flatMap { [$0.chosenGold, $0.rejectedGold].compactMap(\.self) })
    expected.length?.sampleLengths = length.sampleLengths
    expected.length?.sampleScores = length.sampleScores
    (expected.probes, expected.trainingAccuracy) = (probes, trained)
    expected.trainingGap = report.trainingGap
    #expect(report == expected)
    let scores = try model.scores(tokens.prefix(200).flatMap(\.exchanges), workers: loop.workers)
    for (index, scored) in length.sampleScores.enumerated() {
      let side = index % 2
      #expect(length.sampleLengths[index] == tokens[index].exchanges[side].response.count)
      #expect(abs(scored - scores[2 * index + side]) < .decoderRounding)
    }

    // Rows too long for the model, or alike in tokens, change nothing but the notes.
    let long = Comparison(
      prompt: "the soup", chosen: Array(repeating: "good", count: 20).joined(separator: " "),
      rejected: "was bad", probability: 1, chosenGold: 90, rejectedGold: -90)
    var longRejected = long
    (longRejected.chosen, longRejected.rejected) = (long.rejected, long.chosen)
    let alike = Comparison(
      prompt: "the soup", chosen: "was  good", rejected: "was good", probability: 0.5,
      chosenGold: 0, rejectedGold: 0)
    let other = try loop.report(of: model, on: [long, longRejected, alike] + heldOut)
    var untrained = report
    (untrained.trainingAccuracy, untrained.trainingGap) = (nil, nil)
    #expect(other == untrained)
    let note =
      "3 of 1003 held-out comparisons are left out: 2 longer than the model's 13 positions, "
    #expect(recording.notes.contains(note + "1 with responses alike in tokens"))
  }

  @Test("says so when the held-out rows are few, and asks no world for the gold of foreign rows")
  func fewRows() throws {
    let recording = Recording()
    let loop = try makeLoop(observer: recording)
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let (model, report) = try loop.trainReward(from: policy, training: training, heldOut: heldOut)
    #expect(recording.notes.contains { $0.contains("judged by 48 held-out comparisons") })
    let foreign = heldOut.map { row in
      var row = row
      row.chosenGold = row.chosenGold.map { $0 + 1 }
      return row
    }
    let other = try loop.report(of: model, on: foreign)
    #expect(other.goldAgreement != nil && other.goldAgreement != report.goldAgreement)
    let (probes, before) = try (#require(other.probes), #require(report.probes))
    #expect(probes.allSatisfy { $0.goldChange == nil })
    #expect(probes.map(\.change) == before.map(\.change))
    // With label noise, judgements are predicted with less confidence, and ranked as before.
    let lenient = try makeLoop(["reward.slips=0.2"]).report(of: model, on: heldOut)
    #expect(lenient.loss != report.loss)
    #expect(lenient.accuracy == report.accuracy)
  }

  @Test("probes count in sd of the reference's rewards, whatever the model's own units")
  func units() throws {
    let loop = try makeLoop()
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    var (model, report) = try loop.trainReward(from: policy, training: training, heldOut: heldOut)
    let before = model.normalization
    model.members[0].normalization = RewardNormalization(
      mean: before.mean + 3, standardDeviation: 2 * before.standardDeviation)
    let other = try loop.report(of: model, on: heldOut)
    #expect(other.loss == report.loss && other.goldCorrelation == report.goldCorrelation)
    let (halves, probes) = try (#require(other.probes), #require(report.probes))
    #expect(halves.count == probes.count && !probes.isEmpty)
    for (halved, probe) in zip(halves, probes) {
      #expect(abs(2 * halved.change.mean - probe.change.mean) < .decoderRounding)
      #expect(halved.goldChange == probe.goldChange)
    }
    #expect(probes.contains { abs($0.change.mean) > 1e-3 })
  }

  @Test("the last evaluation during training is that of the report, label noise included")
  func duringTraining() throws {
    let recording = Recording()
    let loop = try makeLoop(["reward.slips=0.2"], observer: recording)
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let evaluation = try loop.trainReward(
      from: policy, training: training, heldOut: heldOut
    ).report
    let last = try #require(recording.metrics[.reward]?.last)
    let figures = [
      ("eval/loss", evaluation.loss), ("eval/accuracy", evaluation.accuracy?.value),
      ("eval/ece", evaluation.ece), ("eval/margin_mean", evaluation.marginMean),
      ("eval/length_correlation", evaluation.length?.correlation),
    ]
    for (name, figure) in figures {
      let value = try #require(figure)
      #expect(last.contains("\"\(name)\", value: \(value))"))
    }
  }

  @Test("judging more often changes no weight and no normalization")
  func oftenJudged() throws {
    func trained(evaluations: Int) throws -> RewardModel {
      let loop = try makeLoop(["reward.evaluations=\(evaluations)"])
      let policy = try loop.trainPolicy()
      let (training, heldOut, _) = try loop.comparePreferences(of: policy)
      return try loop.trainReward(from: policy, training: training, heldOut: heldOut).model
    }
    let (seldom, often) = try (trained(evaluations: 1), trained(evaluations: 6))
    #expect(bits(seldom.model.parameters) == bits(often.model.parameters))
    #expect(seldom.normalization == often.normalization)
  }

  @Test("one prompt, one pair, and a policy with a single response give raw rewards")
  func oneResponse() throws {
    let recording = Recording()
    var scenario = try makeScenario(["reward.batch_size=1"])
    scenario.ppo.temperature = 1e-6
    let loop = try AlignmentLoop(
      scenario, seed: 1, workers: Workers(count: 1), observer: recording)
    let policy = try loop.trainPolicy()
    let row = Comparison(prompt: "the soup", chosen: "good", rejected: "bad")
    let (model, report) = try loop.trainReward(
      from: policy, training: [.comparison(row)], heldOut: [row])
    // The sd is 0, and dividing by next to nothing would make rewards of millions.
    #expect(model.normalization.standardDeviation == 1)
    #expect(recording.notes.contains { $0.contains("all alike") })
    #expect(report.accuracy?.count == 1 && report.length?.sampleLengths.count == 1)
    #expect(try #require(report.probes).allSatisfy { abs($0.change.mean) < 100 })
  }

  @Test("counts each of the held-out rows once in every histogram")
  func counts() throws {
    let loop = try makeLoop()
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let report = try loop.trainReward(from: policy, training: training, heldOut: heldOut).report
    #expect(report.marginHistogram?.counts.reduce(0, +) == 48)
    #expect(report.reliability?.reduce(0) { $0 + $1.observed.count } == 48)
    #expect(report.difficulty?.reduce(0) { $0 + $1.accuracy.count } == 48)
    #expect(report.difficulty?.first?.measure == .goldDifference)
    #expect(report.length?.sampleLengths.count == 48)
  }
}
