package import LanguageModels
package import Numerics

extension RewardTrainer {
  /// What one batch says.
  package struct BatchResult: Sendable {
    package let gradients: Gradients
    /// The mean over the batch.
    package let loss: Double
    /// The share of pairs whose rewards are in the order of the judgement; nil without pairs.
    package let accuracy: Double?
  }

  /// The mean loss over a batch, its gradients, and the share of pairs ranked as they were judged.
  package func gradients(
    of model: ScalarModel, on batch: [TokenizedComparison]
  ) throws -> BatchResult {
    try gradients(of: model, on: batch.map(RankedResponses.init))
  }

  /// The same for elements as ``RewardConfiguration/elements(of:)`` makes them.
  ///
  /// The pieces of `configuration.accumulation` are computed one after the other, each in shards of
  /// its own; all are weighted by the whole batch.
  package func gradients(
    of model: ScalarModel, on batch: [RankedResponses]
  ) throws -> BatchResult {
    let weight = 1 / Double(batch.count)
    let pieces = min(configuration.accumulation, batch.count)
    var gradients = Gradients(count: model.parameters.count)
    var (loss, right, pairs) = (0.0, 0, 0)
    for piece in 0..<pieces {
      let elements = batch[batch.count * piece / pieces..<batch.count * (piece + 1) / pieces]
      let ranges = Shards.ranges(
        of: elements.count, tokens: elements.reduce(0) { $0 + $1.count })
      let (sum, results) = try DataParallel(workers: workers).gradients(
        of: model.parameters, shards: ranges.count
      ) { shard, tape in
        let first = elements.startIndex
        let range = ranges[shard].lowerBound + first..<ranges[shard].upperBound + first
        let result = configuration.loss(
          of: model, on: elements[range], weight: weight, tape: tape)
        return (
          result.loss,
          (
            loss: Double(result.loss.value[0]),
            right: Self.rightPairs(result.rewards, of: elements[range])
          )
        )
      }
      gradients.add(sum)
      for result in results {
        loss += result.loss
        right += result.right
      }
      pairs += elements.reduce(0) { $0 + $1.pairCount }
    }
    return BatchResult(
      gradients: gradients, loss: loss,
      accuracy: pairs > 0 ? Double(right) / Double(pairs) : nil)
  }

  /// How many pairs have the higher reward where they were judged better.
  private static func rightPairs(
    _ rewards: [Float], of elements: ArraySlice<RankedResponses>
  ) -> Int {
    var start = 0
    var right = 0
    for element in elements {
      let end = start + element.responses.count
      for better in start..<end {
        right += (better + 1..<end).count { rewards[better] > rewards[$0] }
      }
      start = end
    }
    return right
  }
}
