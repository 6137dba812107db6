/// The same elements as a vector.
package struct Flattening: DifferentiableOperation {
  let shape: [Int]

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(outputGradient.reshaped(shape), to: 0)
  }

  package static let gradientChecks = [
    GradientCheck("flattening", inputs: [[2, 3]]) { $0.flatten($1[0]) }
  ]
}

extension Tape {
  /// The elements of x as a vector.
  package func flatten(_ x: Variable) -> Variable {
    record(
      Flattening(shape: x.value.shape), inputs: [x], output: x.value.reshaped([x.value.count]))
  }
}
