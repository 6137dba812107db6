import Foundation
import LanguageModels
import Numerics
import RLHF
import RunRecords
import Statistics

/// Where rollouts of an optimization go, and responses to fixed prompts; nowhere by default.
struct RolloutSink {
  /// Is told how many iterations are done already; nil where the optimization begins.
  var begin: (Int?) throws -> Void = { _ in }
  var write: ([RolloutRecord]) throws -> Void = { _ in }
  /// Nil where nobody wants the responses to fixed prompts.
  var writeFixed: (([FixedPromptRecord]) throws -> Void)?
}

extension AlignmentLoop {
  /// Episodes of an iteration that are saved.
  static let savedEpisodes = 8

  /// Whether rollouts of an iteration are saved: of the first, the last and some ten between.
  static func savesRollouts(of iteration: Int, iterations: Int) -> Bool {
    iteration == 1 || iteration == iterations || iteration % max(1, iterations / 10) == 0
  }

  /// The distributions behind an iteration's means, and some of its responses to read.
  ///
  /// - Parameter golds: of the episodes; empty where there is no gold.
  func details(of experience: Experience, golds: [Double], hasTexts: Bool) -> StepDetails {
    let episodes = experience.episodes
    var details = StepDetails(distributions: [
      ("distribution/score", episodes.map(\.score)),
      ("distribution/reward", episodes.flatMap(\.rewards)),
      ("distribution/advantage", episodes.flatMap(\.advantages)),
    ])
    if !golds.isEmpty { details.distributions.append(("distribution/gold", golds)) }
    if hasTexts {
      let lines = episodes.prefix(Self.savedEpisodes).map { episode in
        "- *\(tokenizer.decode(episode.exchange.prompt))* "
          + tokenizer.decode(episode.exchange.response)
          + " (score \(NumberText.plain(episode.score, 2)))"
      }
      details.texts = [("samples/responses", lines.joined(separator: "\n"))]
    }
    return details
  }

  /// The first episodes of an iteration with all that its update used.
  ///
  /// - Parameters:
  ///   - golds: of the episodes; empty where there is no gold.
  ///   - updated: the policy after the update, for the ratios at its end.
  func rollouts(
    of experience: Experience, golds: [Double], iteration: Int, updated: LanguageModel
  ) throws -> [RolloutRecord] {
    let settings = scenario.ppo
    let episodes = Array(experience.episodes.prefix(Self.savedEpisodes))
    var after = updated.responseLogProbabilities(
      episodes.map(\.exchange), temperature: settings.temperature, on: Tape(recording: false)
    ).logProbabilities.value.values[...]
    return episodes.enumerated().map { index, episode in
      let logRatios = zip(after.prefix(episode.length), episode.logProbabilities).map {
        Double($0) - $1
      }
      let ratios = settings.algorithm.ratios(logRatios)
      after = after.dropFirst(episode.length)
      return RolloutRecord(
        iteration: iteration, episode: index, prompt: tokenizer.decode(episode.exchange.prompt),
        tokens: episode.exchange.response.map(tokenizer.token),
        responseIDs: episode.exchange.response, ended: episode.ended, score: episode.score,
        gold: golds.isEmpty ? nil : golds[index],
        coefficient: experience.coefficient, discount: settings.discount, lambda: settings.lambda,
        logProbabilities: episode.logProbabilities,
        referenceLogProbabilities: episode.referenceLogProbabilities, kl: episode.kl,
        exactKL: episode.exactKL, entropies: episode.entropies, rewards: episode.rewards,
        values: episode.values, advantages: episode.advantages, returns: episode.returns,
        ratios: ratios, clipRange: settings.clipWidths.low, clipRangeHigh: settings.clipWidths.high)
    }
  }
}
