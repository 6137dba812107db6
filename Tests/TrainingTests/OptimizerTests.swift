import Numerics
import RLHF
import Statistics
import TestSupport
import Testing

@Suite("A stage's optimizer")
struct OptimizerTests {
  private let workers = Workers(count: 2)

  private var parameters: ParameterSet {
    var parameters = ParameterSet()
    _ = parameters.append("embedding", Tensor([1.0, 2, 3]))
    _ = parameters.append("head", Tensor([4.0, 5]))
    return parameters
  }

  private func gradients(head: [Float] = [0.1, 0.2]) -> Gradients {
    var gradients = Gradients(count: 2)
    gradients.tensors[0] = Tensor([0.1, 0.2, 0.3])
    gradients.tensors[1] = Tensor(head)
    return gradients
  }

  private func makeOptimizer() -> Optimizer {
    var configuration = OptimizerConfiguration(learningRate: 0.1)
    configuration.weightDecay = 0.1
    return Optimizer(configuration, for: parameters, stage: "reward model", totalSteps: 4)
  }

  /// The error of a second step, which must leave the parameters of the first as they are.
  private func error(gradients bad: Gradients, loss: Double) throws -> NonFiniteError {
    var optimizer = makeOptimizer()
    var parameters = parameters
    _ = try optimizer.step(&parameters, gradients: gradients(), loss: 1, workers: workers)
    let before = parameters.tensors.map(\.values)
    let rate = optimizer.learningRate
    let error = #expect(throws: NonFiniteError.self) {
      _ = try optimizer.step(&parameters, gradients: bad, loss: loss, workers: workers)
    }
    #expect(parameters.tensors.map(\.values) == before)
    #expect(optimizer.learningRate == rate)
    return try #require(error)
  }

  @Test(
    "names stage, step and loss when the loss is not finite, and changes nothing",
    arguments: [Double.nan, .infinity, -.infinity])
  func loss(_ loss: Double) throws {
    let error = try error(gradients: gradients(), loss: loss)
    #expect(error.stage == "reward model")
    #expect(error.step == 2)
    #expect(
      error.description == "reward model step 2: the loss is not finite; lower the learning rate "
        + "of this stage, or look for extreme values in its data and settings")
  }

  @Test(
    "names the tensor whose gradient is not finite, and changes nothing",
    arguments: [Float.nan, .infinity])
  func gradient(_ value: Float) throws {
    let error = try error(gradients: gradients(head: [0.1, value]), loss: 1)
    #expect(error.step == 2)
    #expect(error.tensor == "the gradient of head")
    #expect(error.description.hasPrefix("reward model step 2: the gradient of head is not finite"))
  }

  @Test("stops at a norm that is not finite though every gradient is, and names the largest")
  func norm() throws {
    let error = try error(gradients: gradients(head: [0.1, 1e30]), loss: 1)
    #expect(error.tensor == "the gradient norm (largest: head)" && error.step == 2)
  }

  @Test("returns the gradients' norm before clipping and follows its schedule")
  func steps() throws {
    var optimizer = makeOptimizer()
    var parameters = parameters
    for rate in [0.1, 0.075, 0.05, 0.025] {
      #expect(abs(optimizer.learningRate - rate) < .float64Rounding)
      let norm = try optimizer.step(
        &parameters, gradients: gradients(head: [30, 40]), loss: 1, workers: workers)
      #expect(abs(norm - (2500.0 + 0.14).squareRoot()) < .trainingRounding)
    }
    #expect(optimizer.learningRate == 0)
  }

  @Test("the first step moves each weight by the rate against its gradient, after decay")
  func firstStep() throws {
    var optimizer = makeOptimizer()
    var parameters = parameters
    _ = try optimizer.step(&parameters, gradients: gradients(), loss: 1, workers: workers)
    for (value, start) in zip(parameters.tensors.flatMap(\.values), [1, 2, 3, 4, 5] as [Float]) {
      #expect(abs(value - (start * (1 - 0.1 * 0.1) - 0.1)) < .decoderRounding)
    }
  }

  @Test("a step's figures are found by name, in the order in which they came")
  func metrics() {
    var metrics = StepMetrics(step: 2, of: 9, [(.rewardLoss, 0.5)])
    metrics.append(.rewardAccuracy, 1)
    #expect((metrics.step, metrics.totalSteps) == (2, 9))
    #expect(metrics[.rewardLoss] == 0.5)
    #expect(metrics["reward/accuracy"] == 1)
    #expect(metrics[.heldOutLoss] == nil)
    #expect(metrics.values.map(\.metric) == [.rewardLoss, .rewardAccuracy])
  }
}
