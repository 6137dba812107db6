import Statistics

/// A function of a few small tensors whose gradient is compared with finite differences.
package struct GradientCheck: Sendable {
  package let name: String
  private let inputs: [Tensor]
  private let function: @Sendable (Tape, [Variable]) -> Variable

  /// - Parameters:
  ///   - name: what is checked, such as "linear with bias".
  ///   - inputs: shapes of the inputs to differentiate by; they are filled with N(0, 1).
  ///   - function: the forward pass; any shape of output.
  package init(
    _ name: String, inputs shapes: [[Int]],
    function: @escaping @Sendable (Tape, [Variable]) -> Variable
  ) {
    self.name = name
    var generator = SeededGenerator(seed: 7).stream(name)
    inputs = shapes.map { Tensor.gaussian($0, sd: 1, using: &generator) }
    self.function = function
  }

  /// The largest difference between the gradient of a random projection of the output and its
  /// finite difference, relative to 1 + |gradient|.
  ///
  /// Five-point differences with h = 1/32: their own error is h⁴/30 of the fifth derivative and
  /// about 1e-5 of rounding, so a right gradient stays under ``tolerance`` and a wrong one does not.
  package func largestError() -> Double {
    let tape = Tape(recording: true)
    let leaves = inputs.map(tape.leaf)
    let output = function(tape, leaves)
    var generator = SeededGenerator(seed: 11).stream(name)
    let weights = Tensor.gaussian(output.value.shape, sd: 1, using: &generator)
    let loss = tape.weightedSum(output, weights: weights)
    let gradients = tape.gradients(of: loss, leaves: leaves)

    var worst = 0.0
    for input in inputs.indices {
      for element in 0..<inputs[input].count {
        let difference = finiteDifference(input, element, weights)
        let gradient = Double(gradients[input][element])
        let error = abs(difference - gradient) / (1 + abs(gradient))
        worst = error.isNaN ? .infinity : max(worst, error)
      }
    }
    return worst
  }

  package static let tolerance = 1e-3

  private func finiteDifference(_ input: Int, _ element: Int, _ weights: Tensor) -> Double {
    let step: Float = 1.0 / 32
    func projection(at offset: Float) -> Double {
      var moved = inputs
      moved[input][element] += offset
      let tape = Tape(recording: false)
      let output = function(tape, moved.map(tape.constant)).value
      return zip(output.values, weights.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let near = projection(at: step) - projection(at: -step)
    let far = projection(at: 2 * step) - projection(at: -2 * step)
    return (8 * near - far) / (12 * Double(step))
  }
}

/// The operations of this module; each has finite-difference checks.
package enum AutodiffOperations {
  package static var all: [any DifferentiableOperation.Type] {
    [
      Activation.self, Addition.self, Entropy.self, Flattening.self, Gather.self, LayerNorm.self,
      Linear.self, LogProbabilities.self, LowRankUpdate.self, RMSNorm.self, ScalarLoss.self,
      SegmentSums.self, SwiGLU.self,
    ]
  }
}
