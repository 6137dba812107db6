import Foundation
import LanguageModels
import Numerics
import Preferences
import RLHF
import RunRecords
import Settings
import Statistics
import Testing

@testable import Experiments

@Suite struct RewardObjectiveTests {
  static let forRankings: [RewardObjective] = [.pairwise, .groupedPairs, .plackettLuce, .bestOfK]

  @Test("annotators rank as many responses as the scenario says, to train on alone")
  func rankings() throws {
    let loop = try makeLoop(["preferences.responses=4", "preferences.pairs=40"])
    let (training, heldOut, _) = try loop.comparePreferences(of: loop.trainPolicy())
    #expect(training.count == 40 && heldOut.count == 48)
    for row in training {
      guard case .ranking(let ranking) = row else {
        Issue.record("four responses make a ranking")
        continue
      }
      #expect(Set(ranking.responses).count == 4 && ranking.ranking.sorted() == [0, 1, 2, 3])
    }
  }

  @Test("every objective for rankings trains a model of its own on them", arguments: forRankings)
  func objectives(objective: RewardObjective) throws {
    let settings = [
      "preferences.responses=4", "preferences.pairs=40", "reward.objective=\(objective.rawValue)",
    ]
    let recording = Recording()
    let loop = try makeLoop(settings, observer: recording)
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let model = try loop.trainReward(from: policy, training: training, heldOut: heldOut).model
    let steps = try #require(recording.metrics[.reward])
    // Forty rankings, or their 240 pairs, in batches of 32 and two epochs.
    #expect(steps.count == (objective == .pairwise ? 16 : 4))
    for other in Self.forRankings where other != objective {
      let loop = try makeLoop(settings.dropLast() + ["reward.objective=\(other.rawValue)"])
      let another = try loop.trainReward(from: policy, training: training, heldOut: heldOut).model
      #expect(bits(another.model.parameters) != bits(model.model.parameters))
    }
  }

  @Test("a ranking is read best first, and ended once")
  func ranking() throws {
    let loop = try makeLoop()
    let row = Ranking(
      prompt: "the soup", responses: ["was bad", "was good", "was not bad"], ranking: [1, 2, 0])
    let elements = try loop.tokenize(
      [PreferenceRow.ranking(row)], positions: 13, purpose: "training")
    let end = loop.tokenizer.endOfSequence
    #expect(elements.count == 1)
    #expect(
      elements[0].responses
        == ["was good", "was not bad", "was bad"].map { loop.encode(words($0)) + [end] })
  }

  @Test("rows that cannot be learned from are counted by kind; the others are all there")
  func counts() throws {
    let recording = Recording()
    let loop = try makeLoop(observer: recording)
    func pair(_ prompt: String, _ chosen: String, _ rejected: String) -> PreferenceRow {
      .comparison(Comparison(prompt: prompt, chosen: chosen, rejected: rejected))
    }
    let long = Array(repeating: "good", count: 11).joined(separator: " ")
    let rows: [PreferenceRow] = [
      pair("the soup", "was good", "was bad"),
      pair("the soup", "was good", long),
      pair("the soup", "was  good", "was good"),
      pair("", "was good", "was bad"),
      .ranking(Ranking(prompt: "the bed", responses: ["good", "bad", long], ranking: [0, 2, 1])),
      .ranking(
        Ranking(prompt: "the bed", responses: ["good", "bad", "good"], ranking: [0, 2, 1])),
      .ranking(
        Ranking(prompt: "the bed", responses: ["good", "bad", "very"], ranking: [0, 2, 1])),
    ]
    let elements = try loop.tokenize(rows, positions: 13, purpose: "training")
    #expect(elements.map(\.responses.count) == [2, 3])
    let note = try #require(recording.notes.first)
    #expect(note.contains("5 of 7 training rows are left out"))
    #expect(note.contains("2 longer than the model's 13 positions"))
    #expect(note.contains("1 without a prompt") && note.contains("2 with responses alike"))
  }

  @Test("gold rewards serve as ratings, with noise of the sd that is set")
  func ratings() throws {
    let settings = [
      "preferences.pairs=2000", "preferences.held_out_pairs=1000", "reward.objective=regression",
    ]
    let exact = try makeLoop(settings)
    let noisy = try makeLoop(settings + ["preferences.rating_noise=0.5"])
    let rows = try exact.comparePreferences(of: exact.trainPolicy()).training
    func ratings(_ loop: AlignmentLoop) throws -> [Double] {
      let elements = try loop.tokenize(
        rows, positions: 13, purpose: "training")
      return elements.flatMap { $0.ratings ?? [] }
    }
    var gold: [Double] = []
    for case .comparison(let row) in rows {
      gold += [row.chosenGold, row.rejectedGold].compactMap(\.self)
    }
    #expect(try ratings(exact) == gold && gold.count == 4_000)
    let errors = zip(try ratings(noisy), gold).map { $0 - $1 }
    let mean = errors.reduce(0, +) / 4_000
    let variance = errors.reduce(0) { $0 + $1 * $1 } / 4_000
    #expect(abs(mean) < 4.5 * 0.5 / 4_000.0.squareRoot())
    #expect(abs(variance - 0.25) < 4.5 * 0.25 * (2 / 4_000.0).squareRoot())

    let unrated = rows.map { row in
      guard case .comparison(var row) = row else { return row }
      row.chosenGold = nil
      return .comparison(row)
    }
    let policy = try exact.trainPolicy()
    let heldOut = [Comparison(prompt: "the bed", chosen: "was good", rejected: "was bad")]
    let error = try #require(throws: RewardModelingError.self) {
      try exact.trainReward(from: policy, training: unrated, heldOut: heldOut)
    }
    #expect(error.key == "reward.objective")
  }

  @Test("ratings of single responses are learned as they are, and by regression alone")
  func ratedRows() throws {
    let regression = try makeLoop([
      "reward.objective=regression", "preferences.rating_noise=1", "reward.epochs=40",
    ])
    let policy = try regression.trainPolicy()
    let heldOut = try regression.comparePreferences(of: policy).heldOut
    let rows = [("was good", 1.5), ("was bad", -0.5), ("was not bad", 0.25)].map {
      PreferenceRow.rating(Rating(prompt: "the soup", response: $0, rating: $1))
    }
    let elements = try regression.tokenize(
      rows, positions: 13, purpose: "training")
    #expect(elements.map(\.ratings) == [[1.5], [-0.5], [0.25]])
    let model = try regression.trainReward(from: policy, training: rows, heldOut: heldOut).model
    let rewards = try model.rewards(elements.flatMap(\.exchanges), workers: regression.workers)
    for (reward, rating) in zip(rewards, [1.5, -0.5, 0.25]) { #expect(abs(reward - rating) < 0.3) }
    let error = try #require(throws: LoopError.self) {
      try makeLoop().trainReward(from: policy, training: rows, heldOut: heldOut)
    }
    #expect("\(error)".contains("with no other rating of their prompt"))
  }

  @Test("an ensemble is saved, loaded, and used by PPO as one reward")
  func ensemble() throws {
    let place = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appending(path: "RewardObjectiveTests-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: place) }
    let directory = try RunDirectory.create(at: place, force: false)
    let loop = try makeLoop(["reward.ensemble=2", "reward.combine=worst"])
    let run = try LoopRun(loop, in: directory)
    let policy = try run.trainPolicy()
    let (reward, _) = try run.trainReward(
      from: policy, preferences: run.comparePreferences(of: policy))
    let kept = try RewardModel(
      directory: directory.checkpoint(.reward), specialTokens: loop.specialTokens)
    #expect(kept.members.count == 2 && kept.combination == reward.combination)
    let prompts = loop.evaluationPrompts()
    let judged = try loop.judge(policy, reference: policy, reward: reward, prompts: prompts)
    let exchanges = judged.map(\.exchange).map(reward.ended)
    let apart = try reward.members.map { member in
      try RewardModel(
        model: member.model, normalization: member.normalization,
        specialTokens: loop.specialTokens
      ).scores(exchanges, workers: loop.workers)
    }
    #expect(judged.map(\.score) == zip(apart[0], apart[1]).map { min($0, $1) })
    #expect(apart[0] != apart[1])
    let again = try loop.judge(policy, reference: policy, reward: kept, prompts: prompts)
    #expect(again.map(\.score) == judged.map(\.score))
    let tuned = try loop.optimize(policy, reward: reward).policy
    let alone = try loop.optimize(
      policy,
      reward: RewardModel(members: [reward.members[0]], specialTokens: loop.specialTokens)
    ).policy
    #expect(bits(tuned.parameters) != bits(alone.parameters))
  }

  @Test("early stopping judges by held-out loss, and says which step was the best")
  func earlyStopping() throws {
    let recording = Recording()
    let loop = try makeLoop(
      [
        "reward.epochs=40", "reward.optimizer.learning_rate=0.1", "reward.evaluations=20",
        "reward.early_stopping=2",
      ], observer: recording)
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let early = try loop.trainReward(from: policy, training: training, heldOut: heldOut)
    let steps = try #require(recording.metrics[.reward])
    #expect(steps.count < 120)
    #expect(steps.last?.contains("eval/best_step") == true)
    // The saved model is the one with the lowest loss.
    let loss = try #require(early.report.loss)
    #expect(steps.last?.contains("\"eval/best_loss\", value: \(loss))") == true)
  }

  @Test(
    "settings that do not go together are refused at the key",
    arguments: [
      (["reward.accumulation=33"], "reward.accumulation"),
      (["reward.objective=plackett-luce", "reward.label_smoothing=0.1"], "reward.label_smoothing"),
      (["reward.objective=best-of-k", "reward.label_smoothing=0.1"], "reward.label_smoothing"),
      (["reward.objective=regression", "reward.label_smoothing=0.1"], "reward.label_smoothing"),
      (["reward.label_smoothing=0.5"], "reward.label_smoothing"),
      (["reward.slips=0.5"], "reward.slips"),
      (["reward.objective=plackett-luce", "reward.slips=0.1"], "reward.slips"),
      (["reward.objective=grouped-pairs", "reward.soft_labels=true"], "reward.soft_labels"),
      (["reward.objective=regression", "reward.soft_labels=true"], "reward.soft_labels"),
      (["reward.soft_labels=true", "reward.label_smoothing=0.1"], "reward.label_smoothing"),
      (["preferences.responses=3", "reward.soft_labels=true"], "reward.soft_labels"),
      (["preferences.responses=3", "reward.objective=pairwise-tokens"], "reward.objective"),
      (["preferences.responses=3", "reward.objective=regression"], "reward.objective"),
      (["preferences.responses=3", "reward.objective=binary"], "reward.objective"),
      (["reward.read=steps"], "reward.read"),
      (["reward.objective=binary", "reward.step_separator=x"], "reward.step_separator"),
      (["reward.objective=binary", "reward.centering=0.1"], "reward.centering"),
      (["reward.objective=binary", "reward.label_smoothing=0.1"], "reward.label_smoothing"),
      (["preferences.responses=0"], "preferences.responses"),
      (["preferences.rating_noise=-1"], "preferences.rating_noise"),
      (["reward.combine=worst"], "reward.combine"),
      (["reward.ensemble=0"], "reward.ensemble"),
      (["reward.ensemble=2", "reward.combine=best"], "reward.combine"),
      (["reward.early_stopping=0"], "reward.early_stopping"),
      (["reward.objective=pointwise"], "reward.objective"),
      (["reward.uncertainty_weight=-1"], "reward.uncertainty_weight"),
    ])
  func refusals(settings: [String], key: String) throws {
    let error = try #require(throws: SettingsError.self) { try makeScenario(settings) }
    #expect(error.path == key && !error.advice.isEmpty)
  }

  @Test(
    "settings that do are not",
    arguments: [
      ["reward.objective=pairwise-tokens", "reward.soft_labels=true"],
      ["reward.objective=grouped-pairs", "reward.slips=0.1"],
      ["reward.soft_labels=true", "reward.slips=0.1"],
      ["preferences.responses=3", "reward.objective=grouped-pairs", "reward.label_smoothing=0.1"],
      ["preferences.responses=3", "reward.objective=best-of-k"],
      ["reward.accumulation=32"], ["reward.objective=binary", "reward.slips=0.1"],
      ["reward.objective=binary", "reward.read=steps", "reward.step_separator=x"],
      ["reward.ensemble=3", "reward.combine=uncertainty", "reward.uncertainty_weight=0.5"],
    ])
  func allowed(settings: [String]) throws {
    #expect(throws: Never.self) { try makeScenario(settings) }
  }
}
