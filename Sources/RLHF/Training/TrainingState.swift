package import Formats
package import Numerics
package import Statistics

/// The metrics of one step of a stage.
package struct StepMetrics: Sendable {
  package typealias Value = (metric: Metric, value: Double)

  /// From 1.
  package let step: Int
  /// Steps of the whole stage.
  package let totalSteps: Int
  package private(set) var values: [Value]

  package init(step: Int, of totalSteps: Int, _ values: [Value]) {
    self.step = step
    self.totalSteps = totalSteps
    self.values = values
  }

  package mutating func append(_ metric: Metric, _ value: Double) { values.append((metric, value)) }

  /// The value of a metric, if the step has it.
  package subscript(metric: Metric) -> Double? { self[metric.name] }

  /// The same by the name in the records.
  package subscript(name: String) -> Double? { values.first { $0.metric.name == name }?.value }
}

/// Where a stage sends the metrics of each step.
package typealias MetricsHandler = (StepMetrics) throws -> Void

/// All that a stage needs to resume: the steps that are done, and named tensors and numbers.
///
/// Generators are not in it: a stage draws from streams named by purpose and step, which the seed and
/// the step determine.
package struct TrainingState: Sendable {
  /// Steps that are done, counted as the stage's metrics count them.
  package var step: Int
  package private(set) var tensors: [(name: String, tensor: Tensor)] = []
  package private(set) var numbers: [String: Double] = [:]
  private var positions: [String: Int] = [:]

  package init(step: Int) { self.step = step }

  package mutating func set(_ name: String, _ tensor: Tensor) {
    precondition(positions[name] == nil, "a state has one tensor named \(name)")
    positions[name] = tensors.count
    tensors.append((name, tensor))
  }

  package mutating func set(_ name: String, _ number: Double) { numbers[name] = number }

  /// Adds every parameter under `prefix.NAME`.
  package mutating func set(_ prefix: String, _ parameters: ParameterSet) {
    for (name, tensor) in zip(parameters.names, parameters.tensors) {
      set("\(prefix).\(name)", tensor)
    }
  }

  /// The tensor of that name; nil when there is none.
  package subscript(tensor name: String) -> Tensor? { positions[name].map { tensors[$0].tensor } }

  /// The tensor of that name.
  ///
  /// - Throws: ``TrainingStateError`` when it is missing or shaped otherwise.
  package func tensor(_ name: String, shape: [Int]) throws(TrainingStateError) -> Tensor {
    guard let tensor = self[tensor: name] else { throw .missing(name: name) }
    guard tensor.shape == shape else {
      throw .wrongShape(name: name, found: tensor.shape, expected: shape)
    }
    return tensor
  }

  /// The number of that name.
  ///
  /// - Throws: ``TrainingStateError/missing(name:)``
  package func number(_ name: String) throws(TrainingStateError) -> Double {
    guard let number = numbers[name] else { throw .missing(name: name) }
    return number
  }

  /// The number of that name as a count.
  ///
  /// - Throws: ``TrainingStateError``
  package func count(_ name: String) throws(TrainingStateError) -> Int {
    let number = try number(name)
    guard let count = Int(exactly: number), count >= 0 else {
      throw .notACount(name: name, found: number)
    }
    return count
  }

  /// Restores every parameter from `prefix.NAME`; which are frozen stays as it is, and so does the
  /// memory that these share with other models.
  ///
  /// - Throws: ``TrainingStateError``; the parameters are then as they were.
  package func restore(
    _ parameters: inout ParameterSet, from prefix: String
  ) throws(TrainingStateError) {
    var restored: [Tensor] = []
    for (index, tensor) in parameters.tensors.enumerated() {
      let name = parameters.names[index]
      let saved = try self.tensor("\(prefix).\(name)", shape: tensor.shape)
      let isUnchanged = parameters.isFrozen[index] && saved.values == tensor.values
      restored.append(isUnchanged ? tensor : saved)
    }
    parameters.tensors = restored
  }
}

/// Why a saved state does not fit the stage that should resume from it.
package enum TrainingStateError: EndingError, Sendable, Equatable, CustomStringConvertible {
  case missing(name: String)
  case wrongShape(name: String, found: [Int], expected: [Int])
  case notACount(name: String, found: Double)
  case notFinite(name: String)
  case beyondTheEnd(step: Int, total: Int)

  package var exitStatus: ExitStatus { .badData }

  package var description: String {
    let what =
      switch self {
      case .missing(let name): "`\(name)` is missing in it"
      case .wrongShape(let name, let found, let expected):
        "`\(name)` has the shape \(found) and the model needs \(expected)"
      case .notACount(let name, let found): "`\(name)` is \(found), which is no count"
      case .notFinite(let name): "`\(name)` holds an infinity or a NaN"
      case .beyondTheEnd(let step, let total):
        "it is of step \(step), and the stage has \(total)"
      }
    return "the saved state does not fit the stage: \(what); remove the run's `state` directory to "
      + "begin the stage again"
  }
}

/// Where a stage begins, and what saves its state after every step.
package struct Continuation {
  /// What to resume from; nil starts anew.
  package let state: TrainingState?
  private let saver: (_ isLast: Bool, _ state: () -> TrainingState) throws -> Void

  /// - Parameter save: is told after each step whether it was the last one, and makes the state only
  ///   when it wants it.
  package init(
    from state: TrainingState?,
    save: @escaping (_ isLast: Bool, _ state: () -> TrainingState) throws -> Void
  ) {
    self.state = state
    self.saver = save
  }

  /// Starts anew and saves nothing.
  package static var none: Continuation { Continuation(from: nil) { _, _ in } }

  package func save(isLast: Bool, _ state: () -> TrainingState) throws {
    try saver(isLast, state)
  }
}
