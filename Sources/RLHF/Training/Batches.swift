package import LanguageModels
package import Numerics

// How every stage computes a batch: cut into shards by its tokens, which workers share out.

extension Workers {
  /// The gradients of a loss over a batch, and what `loss` says of each shard, in order.
  ///
  /// - Parameters:
  ///   - pieces: computed one after another, to need less memory; each is cut into shards of its own.
  ///   - tokens: of an element.
  ///   - loss: a scalar, already divided by what the whole batch is divided by.
  func gradients<Element: Sendable, Result: Sendable>(
    of parameters: ParameterSet, on batch: [Element], pieces: Int = 1,
    tokens: (Element) -> Int,
    loss: @Sendable (ArraySlice<Element>, Tape) throws -> (Variable, Result)
  ) throws -> (gradients: Gradients, results: [Result]) {
    var sum = (gradients: Gradients(count: parameters.count), results: [Result]())
    let pieces = min(pieces, batch.count)
    for piece in 0..<pieces {
      let part = Array(batch[batch.count * piece / pieces..<batch.count * (piece + 1) / pieces])
      let shards = Shards.ranges(of: part.count, tokens: part.reduce(0) { $0 + tokens($1) })
      let (gradients, results) = try self.gradients(of: parameters, shards: shards.count) {
        try loss(part[shards[$0]], $1)
      }
      sum.gradients.add(gradients)
      sum.results += results
    }
    return sum
  }

  /// One value per exchange, computed shard by shard.
  package func map<Output: Sendable>(
    _ exchanges: [Exchange], _ body: @Sendable (ArraySlice<Exchange>) throws -> [Output]
  ) throws -> [Output] {
    let shards = Shards.ranges(of: exchanges.count, tokens: exchanges.reduce(0) { $0 + $1.count })
    return try map(shards.count) { try body(exchanges[shards[$0]]) }.flatMap(\.self)
  }

  /// w times the mean of −log π(y_t | x, y_<t) over the response tokens, in nats, and its gradients.
  func crossEntropy(
    of model: LanguageModel, on exchanges: [Exchange], weight: Double = 1
  ) throws -> (gradients: Gradients, loss: Double) {
    let tokens = exchanges.reduce(0) { $0 + $1.response.count }
    let weight = -Float(weight) / Float(tokens)
    let (gradients, losses) = try gradients(of: model.parameters, on: exchanges, tokens: \.count) {
      let logProbabilities = model.responseLogProbabilities($0, temperature: 1, on: $1)
        .logProbabilities
      let weights = Tensor(repeating: weight, shape: logProbabilities.value.shape)
      let loss = $1.weightedSum(logProbabilities, weights: weights)
      return (loss, Double(loss.value[0]))
    }
    return (gradients, losses.reduce(0, +))
  }
}
