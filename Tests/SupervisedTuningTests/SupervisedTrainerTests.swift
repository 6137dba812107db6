import Foundation
import LanguageModels
import Numerics
import RLHF
import Statistics
import TestSupport
import Testing

@Suite("Supervised training")
struct SupervisedTrainerTests {
  private let model: LanguageModel
  private let exchanges = [
    Exchange(prompt: [3, 1, 4], response: [1, 5, 9, 0]),
    Exchange(prompt: [3, 1, 4], response: [2, 0]),
    Exchange(prompt: [18], response: [6, 5, 3, 5, 8, 0]),
    Exchange(prompt: [7, 7], response: [0]),
    Exchange(prompt: [9, 2], response: [10, 11, 0]),
  ]

  init() throws {
    var configuration = DecoderConfiguration()
    configuration.vocabularySize = 19
    configuration.width = 16
    configuration.heads = 2
    configuration.keyValueHeads = 2
    configuration.headWidth = 8
    configuration.feedForwardWidth = 32
    configuration.maximumPositions = 16
    var generator = SeededGenerator(seed: 1)
    model = try LanguageModel(configuration, using: &generator)
  }

  private func trainer(steps: Int = 1, threads: Int = 1) -> SupervisedTrainer {
    var configuration = SupervisedConfiguration()
    configuration.steps = steps
    configuration.batchSize = 3
    configuration.optimizer.learningRate = 1e-2
    return SupervisedTrainer(
      configuration, stage: "fine-tuning", workers: Workers(count: threads))
  }

  /// −Σ log π of some tokens of a sequence, from the logits of the sequence alone.
  private func crossEntropy(_ model: LanguageModel, _ sequence: [Int32], _ tokens: Range<Int>)
    -> Double
  {
    let tape = Tape(recording: false)
    let hidden = model.hiddenStates(of: PackedBatch(sequences: [sequence]), on: tape)
    let logits = model.logits(hidden, on: tape).value.values.map(Double.init)
    return tokens.reduce(0) { sum, index in
      let row = logits[(index - 1) * 19..<index * 19]
      return sum + log(row.reduce(0) { $0 + exp($1) })
        - logits[(index - 1) * 19 + Int(sequence[index])]
    }
  }

  /// A model whose logits are far from uniform.
  private var sharpened: LanguageModel {
    var model = model
    var generator = SeededGenerator(seed: 2)
    for index in model.parameters.tensors.indices {
      let shape = model.parameters.tensors[index].shape
      model.parameters.tensors[index].add(.gaussian(shape, sd: 0.4, using: &generator))
    }
    return model
  }

  @Test("memorises a small batch")
  func overfits() throws {
    var trained = model
    var losses: [Double] = []
    var steps: [Int] = []
    try trainer(steps: 200).train(
      &trained, batch: { _, _ in exchanges },
      report: { metrics in
        losses.append(try #require(metrics["sft/loss"]))
        steps.append(metrics.step)
        #expect(metrics.totalSteps == 200)
        #expect((metrics["sft/gradient_norm"] ?? -1) > 0)
      })
    #expect(steps == Array(1...200))
    // Of an untrained model, the loss is that of guessing.
    #expect(abs(losses[0] - log(19.0)) < 0.1)
    // Two responses to one prompt begin differently: log 2 twice among 16 tokens cannot be learned.
    let floor = 2 * log(2.0) / 16
    #expect(try trainer().loss(of: trained, on: exchanges) < floor + 0.05)
    #expect(try trainer().loss(of: trained, on: [exchanges[2], exchanges[4]]) < 0.05)
  }

  @Test("the loss is the mean over response tokens, and prompts are only read")
  func responsesOnly() throws {
    let model = sharpened
    var sum = 0.0
    for exchange in exchanges {
      sum += crossEntropy(
        model, exchange.prompt + exchange.response, exchange.prompt.count..<exchange.count)
    }
    let loss = try trainer().loss(of: model, on: exchanges)
    #expect(abs(loss - sum / 16) < .decoderRounding)

    // Moving the border moves tokens from the response's sum to nowhere.
    let whole = Exchange(prompt: [3], response: [1, 4, 1, 5, 9])
    let tail = Exchange(prompt: [3, 1, 4], response: [1, 5, 9])
    let head = crossEntropy(model, [3, 1, 4, 1, 5, 9], 1..<3)
    let difference =
      try 5 * trainer().loss(of: model, on: [whole]) - 3
      * trainer().loss(of: model, on: [tail])
    #expect(abs(difference - head) < .decoderRounding)
  }

  @Test("the head is pushed away from wrong predictions before response tokens only")
  func headGradient() throws {
    // The gradient of a head's rows sums to 0 over the vocabulary, for Σ_v (p_v − 1[v = y]) = 0, and
    // is rank one for one response token: nothing comes from the two prompt tokens before it.
    let exchange = Exchange(prompt: [3, 1, 4], response: [5])
    let (gradients, _) = try trainer().gradients(of: sharpened, on: [exchange])
    let index = try #require(sharpened.parameters.names.firstIndex(of: "language_head"))
    let gradient = try #require(gradients.tensors[index])
    func row(_ token: Int) -> [Float] {
      Array(gradient.values[token * 16..<(token + 1) * 16])
    }
    let target = row(5)
    let square = target.reduce(0) { $0 + $1 * $1 }
    #expect(square > 1e-3)
    for token in 0..<19 {
      let factor = zip(row(token), target).reduce(0) { $0 + $1.0 * $1.1 } / square
      #expect(token == 5 ? factor == 1 : factor < 0)
      for (a, b) in zip(row(token), target) { #expect(abs(a - factor * b) < .decoderRounding) }
    }
  }

  @Test("how a batch is cut changes neither loss nor gradients")
  func shards() throws {
    let model = sharpened
    let many = (0..<400).map { exchanges[$0 % exchanges.count] }
    #expect(Shards.ranges(of: many.count, tokens: many.reduce(0) { $0 + $1.count }).count == 4)
    let (gradients, loss) = try trainer(threads: 2).gradients(of: model, on: many)
    let tape = Tape(recording: true)
    let logs = model.responseLogProbabilities(many, temperature: 1, on: tape).logProbabilities
    let count = logs.value.count
    let mean = tape.weightedSum(logs, weights: Tensor(repeating: -1 / Float(count), shape: [count]))
    let reference = tape.gradients(of: mean, parameterCount: model.parameters.count)
    #expect(abs(loss - Double(mean.value[0])) < .decoderRounding)
    #expect(abs(try trainer().loss(of: model, on: many) - loss) < .decoderRounding)
    for (index, name) in model.parameters.names.enumerated() {
      let a = try #require(gradients.tensors[index]).values
      let b = try #require(reference.tensors[index]).values
      #expect(zip(a, b).allSatisfy { abs($0 - $1) < .decoderRounding }, "\(name)")
    }
  }

  @Test("asks for batches of its size by step, and follows its schedule")
  func batches() throws {
    var trained = model
    var asked: [[Int]] = []
    var rates: [Double] = []
    try trainer(steps: 4).train(
      &trained,
      batch: { step, size in
        asked.append([step, size])
        return Array(exchanges.prefix(size))
      }, report: { rates.append(try #require($0["sft/learning_rate"])) })
    #expect(asked == [[0, 3], [1, 3], [2, 3], [3, 3]])
    for (rate, expected) in zip(rates, [0.01, 0.0075, 0.005, 0.0025]) {
      #expect(abs(rate - expected) < .float64Rounding)
    }
  }

  @Test("trains to the same bits at one and two threads")
  func threads() throws {
    func run(_ threads: Int) throws -> [[Float]] {
      var trained = model
      try trainer(steps: 5, threads: threads).train(
        &trained, batch: { _, _ in exchanges }, report: { _ in })
      return trained.parameters.tensors.map(\.values)
    }
    #expect(try run(2) == run(1))
  }

  @Test("a weight that is not a number stops it, by name, before anything changes")
  func notFinite() throws {
    var broken = model
    broken.parameters.tensors[0][0] = .nan
    broken.parameters.tensors[0][3 * 16] = .nan
    let before = broken.parameters.tensors.map { $0.values.map(\.bitPattern) }
    let error = #expect(throws: NonFiniteError.self) {
      try trainer().train(&broken, batch: { _, _ in exchanges }, report: { _ in })
    }
    #expect(error?.description.hasPrefix("fine-tuning step 1: the loss is not finite") == true)
    #expect(broken.parameters.tensors.map { $0.values.map(\.bitPattern) } == before)
  }
}
