/// The figures of one step of a stage, under the names that the run's records use.
package struct StepMetrics: Sendable {
  /// From 1.
  package let step: Int
  /// Steps of the whole stage.
  package let totalSteps: Int
  package private(set) var values: [(name: String, value: Double)]

  package init(step: Int, of totalSteps: Int, _ values: [(name: String, value: Double)]) {
    self.step = step
    self.totalSteps = totalSteps
    self.values = values
  }

  package mutating func append(_ name: String, _ value: Double) { values.append((name, value)) }

  /// The figure of that name, if the step has it.
  package subscript(name: String) -> Double? { values.first { $0.name == name }?.value }
}

/// Where a stage sends the figures of each step.
package typealias MetricsHandler = (StepMetrics) throws -> Void
