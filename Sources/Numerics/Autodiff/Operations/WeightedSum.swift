/// s = Σ wᵢ xᵢ with constant weights: means, masks and projections.
package struct WeightedSum: DifferentiableOperation {
  let weights: Tensor

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    var gradient = weights
    gradient.multiply(by: outputGradient[0])
    inputs.add(gradient, to: 0)
  }

  package static let gradientChecks = [
    GradientCheck("weighted sum", inputs: [[4]]) {
      $0.weightedSum($1[0], weights: Tensor([1, -2, 0, 0.5]))
    }
  ]
}

extension Tape {
  /// Σ wᵢ xᵢ, added up in double precision.
  package func weightedSum(_ x: Variable, weights: Tensor) -> Variable {
    precondition(
      x.value.shape == weights.shape, "weights of \(weights.shape) for \(x.value.shape)")
    let sum = x.value.read { x in
      weights.read { w in
        (0..<weights.count).reduce(0.0) { $0 + Double(x[$1]) * Double(w[$1]) }
      }
    }
    return record(
      WeightedSum(weights: weights), inputs: [x], output: Tensor([Float(sum)], shape: []))
  }
}
