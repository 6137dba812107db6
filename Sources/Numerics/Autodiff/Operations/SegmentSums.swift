/// s_i = Σ x over the i-th segment − c_i: a response's log-ratio from the log-probabilities of its
/// tokens and a constant.
package struct SegmentSums: DifferentiableOperation {
  let lengths: [Int]

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let gradients = zip(outputGradient.values, lengths).flatMap { Array(repeating: $0, count: $1) }
    inputs.add(Tensor(gradients), to: 0)
  }

  package static let gradientChecks = [
    GradientCheck("sums of segments", inputs: [[6]]) {
      $0.sums(of: $1[0], lengths: [2, 1, 3], less: [0, 1, -2])
    }
  ]
}

extension Tape {
  /// The sum of each segment less a constant, in double precision until it is done, `[N]`.
  ///
  /// - Parameters:
  ///   - x: `[M]`, the segments end to end.
  ///   - lengths: of the N segments; they add up to M.
  ///   - constants: c, `[N]`.
  package func sums(of x: Variable, lengths: [Int], less constants: [Double]) -> Variable {
    precondition(lengths.count == constants.count, "a constant for each segment")
    let sums = zip(segmentSums(x.value.values, lengths: lengths), constants).map { Float($0 - $1) }
    return record(SegmentSums(lengths: lengths), inputs: [x], output: Tensor(sums))
  }
}

/// The sum of each segment in double precision.
package func segmentSums(_ values: [Float], lengths: [Int]) -> [Double] {
  precondition(values.count == lengths.reduce(0, +), "segments that cover all elements")
  var start = 0
  return lengths.map { length in
    defer { start += length }
    return values[start..<start + length].reduce(0) { $0 + Double($1) }
  }
}
