package import Numerics
package import Settings

/// The optimizer of a stage.
package struct OptimizerConfiguration: Configurable, Equatable {
  package var learningRate = 1e-3
  package var schedule = LearningRateSchedule.linear
  var warmupSteps = 0
  package var weightDecay = 0.0
  package var clipNorm = 1.0
  package var epsilon = 1e-8
  package var epsilonPlacement = AdamW.EpsilonPlacement.corrected

  package init() {}

  package init(learningRate: Double, epsilon: Double = 1e-8) {
    self.learningRate = learningRate
    self.epsilon = epsilon
  }

  package static let fields = [
    Field(
      "learning_rate", \Self.learningRate,
      "peak learning rate of AdamW; 0 leaves the weights unchanged", in: 0...1),
    Field(
      "schedule", \Self.schedule,
      "how the learning rate changes: constant, linear to 0, cosine to 0"),
    Field(
      "warmup_steps", \Self.warmupSteps, "first steps, over which the learning rate rises",
      in: 0...),
    Field("weight_decay", \Self.weightDecay, "decoupled weight decay", in: 0...1),
    Field(
      "clip_norm", \Self.clipNorm, "largest global gradient norm; larger ones are scaled down",
      in: Above(0.0)),
    Field(
      "epsilon", \Self.epsilon, "AdamW's ε, which bounds the step where gradients are tiny",
      in: Above(0.0)),
    Field(
      "epsilon_placement", \Self.epsilonPlacement,
      "what ε is added to: the corrected root of the second moment, as in PyTorch, or the "
        + "uncorrected one, as in TensorFlow"),
  ]

  var adamW: AdamW.Options {
    var options = AdamW.Options()
    options.weightDecay = weightDecay
    options.clipNorm = clipNorm
    options.epsilon = epsilon
    options.epsilonPlacement = epsilonPlacement
    return options
  }
}

extension LearningRateSchedule: SettingValue {}
extension AdamW.EpsilonPlacement: SettingValue {}

/// AdamW with its schedule, for one model in one stage; it refuses numbers that are not finite.
package struct Optimizer: Sendable {
  private let configuration: OptimizerConfiguration
  private let stage: String
  private let totalSteps: Int
  private var adamW: AdamW

  /// - Parameters:
  ///   - stage: named in errors.
  ///   - totalSteps: steps over which the schedule runs.
  ///   - arena: where the moments are allocated; nil for the general heap.
  package init(
    _ configuration: OptimizerConfiguration, for parameters: ParameterSet, stage: String,
    totalSteps: Int, in arena: MemoryArena? = nil
  ) {
    self.configuration = configuration
    self.stage = stage
    self.totalSteps = totalSteps
    adamW = AdamW(configuration.adamW, for: parameters, in: arena)
  }

  /// The learning rate of the next step.
  package var learningRate: Double {
    configuration.learningRate
      * configuration.schedule.factor(
        step: adamW.stepCount, total: totalSteps, warmup: configuration.warmupSteps)
  }

  /// Steps that it has taken.
  package var stepCount: Int { adamW.stepCount }

  /// Adds moments and step count to a state, as `PREFIX.first.NAME`, `PREFIX.second.NAME` and
  /// `PREFIX.steps`.
  package func save(
    in state: inout TrainingState, as prefix: String, for parameters: ParameterSet
  ) {
    state.set("\(prefix).steps", Double(adamW.stepCount))
    for (index, name) in parameters.names.enumerated() {
      guard let moments = adamW.moments(of: index) else { continue }
      state.set("\(prefix).first.\(name)", moments.first)
      state.set("\(prefix).second.\(name)", moments.second)
    }
  }

  /// Goes on from what ``save(in:as:for:)`` kept.
  ///
  /// - Throws: ``TrainingStateError``; the optimizer is then as it was.
  package mutating func restore(
    from state: TrainingState, as prefix: String, for parameters: ParameterSet
  ) throws(TrainingStateError) {
    let steps = try state.count("\(prefix).steps")
    var moments: [(first: Tensor, second: Tensor)?] = []
    for (name, tensor) in zip(parameters.names, parameters.tensors) {
      let first = "\(prefix).first.\(name)"
      // A parameter that no gradient has reached, such as a frozen one, has no moments.
      guard state[tensor: first] != nil else {
        moments.append(nil)
        continue
      }
      moments.append(
        (
          try state.tensor(first, shape: tensor.shape),
          try state.tensor("\(prefix).second.\(name)", shape: tensor.shape)
        ))
    }
    adamW.restore(stepCount: steps, moments: moments)
  }

  /// Bytes that the allocator gave to the moments.
  package var allocatedBytes: Int { adamW.allocatedBytes }

  /// Takes one step and returns the gradients' global norm before clipping.
  ///
  /// - Throws: `NonFiniteError` when the loss, a gradient or the norm is not finite; the parameters
  ///   are then as they were.
  package mutating func step(
    _ parameters: inout ParameterSet, gradients: Gradients, loss: Double, workers: Workers
  ) throws -> Double {
    let step = adamW.stepCount + 1
    guard loss.isFinite else { throw NonFiniteError(stage: stage, step: step, tensor: "the loss") }
    if let index = gradients.firstNonFinite {
      throw NonFiniteError(
        stage: stage, step: step, tensor: "the gradient of \(parameters.names[index])")
    }
    let norm = try adamW.step(
      &parameters, gradients: gradients, rate: learningRate, workers: workers)
    guard norm.isFinite else {
      let largest = gradients.largest.map { " (largest: \(parameters.names[$0]))" } ?? ""
      throw NonFiniteError(stage: stage, step: step, tensor: "the gradient norm\(largest)")
    }
    return norm
  }
}

/// Training met a number that is not finite; nothing was changed by the step that met it.
package struct NonFiniteError: Error, CustomStringConvertible, Sendable {
  package let stage: String
  package let step: Int
  /// The loss, or the parameter whose gradient is not finite.
  package let tensor: String
  /// What of the batch brings it about, such as `episodes 3, 17`; nil where that is not known.
  package private(set) var rows: String?

  package init(stage: String, step: Int, tensor: String, rows: String? = nil) {
    self.stage = stage
    self.step = step
    self.tensor = tensor
    self.rows = rows
  }

  package var description: String {
    "\(stage) step \(step): \(tensor) is not finite\(rows.map { " (\($0))" } ?? ""); lower the "
      + "learning rate of this stage, or look for extreme values in its data and settings"
  }

  /// The same, with those elements of the batch whose loss or gradient is not finite by itself.
  ///
  /// - Parameters:
  ///   - what: they are, in the plural.
  ///   - numbers: theirs, as people count them; nil for their places in the batch, from 1.
  func naming<Element>(
    _ what: String, _ batch: [Element], numbers: [Int]? = nil,
    gradients: (Element) throws -> (gradients: Gradients, loss: Double)
  ) -> Self {
    let numbers = zip(numbers ?? Array(1...max(1, batch.count)), batch).filter { _, element in
      guard let (gradients, loss) = try? gradients(element) else { return false }
      return !loss.isFinite || !gradients.norm.isFinite
    }.map(\.0)
    var error = self
    error.rows = Self.list(what, numbers)
    return error
  }

  /// `episodes 3, 17`, at most eight of them; nil for none.
  package static func list(_ what: String, _ numbers: [Int]) -> String? {
    guard !numbers.isEmpty else { return nil }
    let more = numbers.count > 8 ? " and \(numbers.count - 8) more" : ""
    return "\(what) \(numbers.prefix(8).map(String.init).joined(separator: ", "))\(more)"
  }
}
