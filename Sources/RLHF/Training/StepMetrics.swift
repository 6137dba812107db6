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
