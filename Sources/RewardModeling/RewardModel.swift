import Autodiff
package import Foundation
package import Tensors
package import Transformer

/// A scalar model read at the end of a response, with its normalisation: the one path by which
/// training, evaluation, `score` and PPO read a reward.
package struct RewardModel: Sendable {
  package var model: ScalarModel
  /// From samples of the reference policy, so that a reward of 1 is one deviation above its mean.
  package var normalization: RewardNormalization
  package let specialTokens: SpecialTokens

  package init(
    model: ScalarModel, normalization: RewardNormalization = RewardNormalization(),
    specialTokens: SpecialTokens
  ) {
    self.model = model
    self.normalization = normalization
    self.specialTokens = specialTokens
  }

  /// Loads a directory in Hugging Face layout.
  package init(directory: URL, specialTokens: SpecialTokens) throws {
    self.init(
      model: try ScalarModel(directory: directory),
      normalization: try ScalarModel.normalization(directory: directory) ?? RewardNormalization(),
      specialTokens: specialTokens)
  }

  /// Writes the model's files into an existing directory.
  package func save(to directory: URL) throws {
    try model.save(to: directory, specialTokens: specialTokens, normalization: normalization)
  }

  /// The exchange with its end: rewards are learned and read at the end-of-sequence token.
  package func ended(_ exchange: Exchange) -> Exchange {
    guard exchange.response.last != specialTokens.endOfSequence else { return exchange }
    return Exchange(
      prompt: exchange.prompt, response: exchange.response + [specialTokens.endOfSequence])
  }

  /// The head's output h_last · w for every exchange as it is; see ``ended(_:)``.
  package func rewards(_ exchanges: [Exchange], workers: Workers) throws -> [Double] {
    // Pairs and samples of one prompt stay in one shard more often when a shard is long.
    let ranges = Shards.ranges(of: exchanges.count, tokens: exchanges.reduce(0) { $0 + $1.count })
    return try workers.map(ranges.count) { shard in
      chunks(of: exchanges[ranges[shard]]).flatMap { chunk in
        model.rewards(chunk, on: Tape(recording: false)).value.values.map(Double.init)
      }
    }.flatMap(\.self)
  }

  /// Normalised rewards.
  package func scores(_ exchanges: [Exchange], workers: Workers) throws -> [Double] {
    try rewards(exchanges, workers: workers).map { normalization($0) }
  }

  /// Pieces of at most a few thousand tokens, so that scoring a large file takes little memory.
  private func chunks(of exchanges: ArraySlice<Exchange>) -> [ArraySlice<Exchange>] {
    var chunks: [ArraySlice<Exchange>] = []
    var start = exchanges.startIndex
    var tokens = 0
    for index in exchanges.indices {
      if tokens > 4096 {
        chunks.append(exchanges[start..<index])
        (start, tokens) = (index, 0)
      }
      tokens += exchanges[index].count
    }
    return start < exchanges.endIndex ? chunks + [exchanges[start...]] : chunks
  }
}
