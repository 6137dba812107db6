import Foundation
import LanguageModels
import Numerics
import Preferences
import RLHF
import RunRecords
import Settings
import Statistics

@testable import Experiments
@testable import Worlds

/// A scenario whose whole loop takes a fraction of a second, and in which every setting has a part.
let tinyScenario = """
  name: tiny
  world:
    grammar:
      start: text
      rules:
        text:
          "<clause>": 2
          "<clause> and <more>": 1
        more:
          "<text>": 2
          "then <text>": 1
        clause: {"the <noun> was <quality>": 1}
        noun: [soup, room, bed, view, tea, cake, pool, park]
        quality: [good, very good, not very good, bad, not bad]
    prompt:
      words: [2, 3]
      maximum_response_words: 9
    base_noise: 0.2
    gold:
      - feature: valence
        weight: 1
        scale: 3
        negations: [not]
        negation_factor: -0.8
        intensifiers: {very: 1.5}
        lexicon: [{words: [good], value: 1}, {words: [bad], value: -2}]
      - {feature: grammar_breaks, weight: -0.7}
      - {feature: length, weight: -0.1, limit: 4}
      - {feature: length, weight: -0.01, target: 5}
      - {feature: repetition, weight: -0.3, words: 2}
      - {feature: phrase, weight: 0.5, phrase: very good}
    annotators:
      - {name: ann, share: 1, temperature: 0.5, flip: 0.1, length_bias: 0.05, position_bias: 0.2}
      - {name: bob, share: 3, temperature: 1, flip: 0}
  model: {width: 16, layers: 2, heads: 2, feed_forward_width: 24, maximum_positions: 13}
  pretraining: {steps: 6, batch_size: 16, optimizer: {learning_rate: 0.01}}
  fine_tuning: {steps: 6, batch_size: 16, optimizer: {learning_rate: 0.01}}
  preferences: {pairs: 96, held_out_pairs: 1000}
  reward: {epochs: 2, batch_size: 32, optimizer: {learning_rate: 0.01}, evaluations: 2}
  ppo:
    iterations: 3
    episodes: 8
    epochs: 2
    minibatches: 2
    maximum_tokens: 9
    policy: {learning_rate: 0.003}
    value: {learning_rate: 0.01}
  evaluation: {responses: 48, normalization_responses: 48}

  """

func makeScenario(_ assignments: [String] = []) throws -> Scenario {
  try Scenario.read(
    SettingsDocument(yaml: tinyScenario, file: "tiny.yaml"), overrides: assignments)
}

/// Records what the loop reports, without the times.
final class Recording: StageObserver {
  private(set) var stages: [RunStage] = []
  private(set) var metrics: [RunStage: [String]] = [:]
  private(set) var notes: [String] = []
  private(set) var warnings: [TrainingWarning] = []

  func begin(_ stage: RunStage, _ extent: StageExtent) { stages.append(stage) }

  func advance(_ stage: RunStage, to done: Int, metrics step: StepMetrics?) {
    guard let step else { return }
    let figures = step.values.map { (name: $0.metric.name, value: $0.value) }.filter {
      // How long it took, and what the allocator held meanwhile, are the machine's.
      !$0.name.hasPrefix("time/") && $0.name != "memory/activations"
        // The same figures in a unit that the evaluation measures.
        && !["objective/score_sd", "objective/gold_sd"].contains($0.name)
    }
    metrics[stage, default: []].append("\(step.step)/\(step.totalSteps) \(figures)")
  }

  func end(_ stage: RunStage) {}
  func note(_ text: String) { notes.append(text) }
  func warn(_ warning: TrainingWarning) { warnings.append(warning) }
}

func makeLoop(
  _ assignments: [String] = [], seed: UInt64 = 1, threads: Int = 2,
  prompts: PromptSource = .world, observer: any StageObserver = Recording()
) throws -> AlignmentLoop {
  var scenario = try makeScenario(assignments)
  // Fewer than a scenario may ask for: a thousand held-out pairs would be most of the work.
  if !assignments.contains(where: { $0.hasPrefix("preferences.held_out_pairs=") }) {
    scenario.preferences.heldOutPairs = 48
  }
  return try AlignmentLoop(
    scenario, prompts: prompts, seed: seed, workers: Workers(count: threads), observer: observer)
}

/// The parts of the loop of which each depends on those before it.
enum Part: String, CaseIterable {
  case policy, preferences, reward, optimization, directPreference, evaluation
}

/// Everything that the loop of a scenario makes, one digest a part; weights by their bits.
func outputs(
  _ assignments: [String] = [], seed: UInt64 = 1, threads: Int = 2
) throws -> [Part: [String]] {
  let recording = Recording()
  let loop = try makeLoop(assignments, seed: seed, threads: threads, observer: recording)
  let policy = try loop.trainPolicy()
  let (training, heldOut, _) = try loop.comparePreferences(of: policy)
  let (reward, report) = try loop.trainReward(from: policy, training: training, heldOut: heldOut)
  let (tuned, value, _) = try loop.optimize(policy, reward: reward)
  let direct = try loop.optimizeDirectly(policy, rows: training, reward: reward)
  let best = try loop.bestOfN(policy, reward: reward)
  let judged = try loop.judge(
    tuned, reference: policy, reward: reward, prompts: loop.evaluationPrompts())
  func metrics(_ stages: RunStage...) -> [String] {
    stages.flatMap { recording.metrics[$0] ?? [] }
  }
  return [
    .policy: [bits(policy.parameters)] + metrics(.pretraining, .sft),
    .preferences: training.map { "\($0)" } + heldOut.map { "\($0)" },
    .reward: reward.members.flatMap { [bits($0.model.parameters), "\($0.normalization)"] }
      + ["\(reward.combination) \(report)"] + metrics(.reward),
    .optimization: [bits(tuned.parameters), bits(value.parameters)] + metrics(.ppo),
    .directPreference: [bits(direct.parameters)] + metrics(.dpo),
    .evaluation: judged.map { "\($0)" } + ["\(best as Any)"],
  ]
}

/// Every weight, so that equality means the same bytes.
func bits(_ parameters: ParameterSet) -> String {
  "\(parameters.tensors.map { $0.values.map(\.bitPattern) })"
}

/// The root of the package, from where this file is.
let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()
