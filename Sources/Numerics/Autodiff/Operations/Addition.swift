/// y = a + b, for a residual connection.
package struct Addition: DifferentiableOperation {
  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(outputGradient, to: 0)
    inputs.add(outputGradient, to: 1)
  }

  package static let gradientChecks = [
    GradientCheck("addition", inputs: [[3, 4], [3, 4]]) { $0.add($1[0], $1[1]) },
    GradientCheck("addition of a value to itself", inputs: [[5]]) { $0.add($1[0], $1[0]) },
  ]
}

extension Tape {
  /// a + b, both of one shape.
  package func add(_ a: Variable, _ b: Variable) -> Variable {
    record(Addition(), inputs: [a, b], output: a.value + b.value)
  }
}
