/// A scalar of one input whose derivatives are known as soon as the input is: a weighted sum, or a loss
/// L = Σ_g w_g f_g(x_i, x_j, …) whose terms are equations over ``Dual`` numbers, each of one element of
/// x or of a few, evaluated once for each of its inputs.
struct ScalarLoss: DifferentiableOperation {
  let derivatives: Tensor  // ∂L/∂x, in the shape of x

  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    var gradient = derivatives
    gradient.multiply(by: outputGradient[0])
    inputs.add(gradient, to: 0)
  }

  static let gradientChecks = [
    GradientCheck("weighted sum", inputs: [[4]]) {
      $0.weightedSum($1[0], weights: Tensor([1, -2, 0, 0.5]))
    },
    GradientCheck("a loss of single elements", inputs: [[5]]) { tape, x in
      tape.loss(of: x[0], weight: 0.5) { index, x in
        let shifted = 0.5 * x + Double(index)
        return .softplus(shifted) - x * .sigmoid(x) / 3 + .expm1(.clamp(x, -9, 9))
      }.loss
    },
    GradientCheck("a loss of groups that share elements", inputs: [[4]]) { tape, x in
      tape.loss(of: x[0], groups: [(0..<3, 1), (2..<4, 0.5)].map { (Array($0), $1) }) { group, x in
        let square: Dual = x[0] * x[1]
        return .negativeLogSoftmax(ofFirst: x[...]) + .log1p(square * square)
          - .max(x[0] + 9, .exp(-x[1]) - 20)
      }.loss
    },
  ]
}

extension Tape {
  /// Puts a scalar on the tape, given ∂/∂x of it.
  package func scalar(_ value: Double, of x: Variable, derivatives: Tensor) -> Variable {
    record(
      ScalarLoss(derivatives: derivatives), inputs: [x], output: Tensor([Float(value)], shape: []))
  }

  /// Σ wᵢ xᵢ with constant weights, added up in double precision: means, masks and projections.
  package func weightedSum(_ x: Variable, weights: Tensor) -> Variable {
    precondition(
      x.value.shape == weights.shape, "weights of \(weights.shape) for \(x.value.shape)")
    let sum = withPointers(x.value, weights) { x, w in
      (0..<weights.count).reduce(0.0) { $0 + Double(x[$1]) * Double(w[$1]) }
    }
    return scalar(sum, of: x, derivatives: weights)
  }

  /// The loss of ``ScalarLoss`` over single elements.
  ///
  /// - Parameters:
  ///   - x: any shape.
  ///   - weight: w of every term.
  ///   - equation: the term of an element, given its index and its value.
  /// - Returns: the loss, a scalar, and ∂L/∂x of every element.
  package func loss(
    of x: Variable, weight: Double, _ equation: (_ index: Int, _ x: Dual) -> Dual
  ) -> (loss: Variable, derivatives: Tensor) {
    let values = x.value.values
    var derivatives = Tensor(zeros: x.value.shape)
    var sum = 0.0
    for index in values.indices {
      let term = equation(index, Dual(Double(values[index]), derivative: 1))
      sum += term.value
      derivatives[index] = Float(weight * term.derivative)
    }
    return (scalar(weight * sum, of: x, derivatives: derivatives), derivatives)
  }

  /// The loss of ``ScalarLoss`` over groups of elements.
  ///
  /// - Parameters:
  ///   - x: any shape.
  ///   - groups: the elements of each term and its weight; an element may be in several.
  ///   - equation: the term of a group, given its index and its elements in order.
  /// - Returns: the loss, a scalar, and ∂L/∂x of every element.
  package func loss(
    of x: Variable, groups: some Sequence<(elements: [Int], weight: Double)>,
    _ equation: (_ group: Int, _ x: [Dual]) -> Dual
  ) -> (loss: Variable, derivatives: Tensor) {
    let values = x.value.values.map(Double.init)
    var derivatives = Array(repeating: 0.0, count: values.count)
    var total = 0.0
    for (index, group) in groups.enumerated() {
      var inputs = group.elements.map { Dual(values[$0]) }
      for (input, element) in group.elements.enumerated() {
        inputs[input].derivative = 1
        let term = equation(index, inputs)
        inputs[input].derivative = 0
        if input == 0 { total += group.weight * term.value }
        derivatives[element] += group.weight * term.derivative
      }
    }
    let tensor = Tensor(derivatives.map(Float.init), shape: x.value.shape)
    return (scalar(total, of: x, derivatives: tensor), tensor)
  }
}
