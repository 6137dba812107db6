import CKernels

/// y = a + b, for a residual connection.
struct Addition: DifferentiableOperation {
  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(outputGradient, to: 0)
    inputs.add(outputGradient, to: 1)
  }

  static let gradientChecks = [
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

/// s_i = Σ x over the i-th segment − c_i: a response's log-ratio from the log-probabilities of its
/// tokens and a constant.
struct SegmentSums: DifferentiableOperation {
  let lengths: [Int]

  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let gradients = zip(outputGradient.values, lengths).flatMap { Array(repeating: $0, count: $1) }
    inputs.add(Tensor(gradients), to: 0)
  }

  static let gradientChecks = [
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

/// The same elements as a vector.
struct Flattening: DifferentiableOperation {
  let shape: [Int]

  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(outputGradient.reshaped(shape), to: 0)
  }

  static let gradientChecks = [
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

/// y[i] = table[index[i]]: an embedding, or rows picked out of a hidden state.
///
/// table `[V, C]`, y `[N, C]`.
struct Gather: DifferentiableOperation {
  let indices: [Int32]  // [N]
  let tableShape: [Int]

  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let width = outputGradient.columns
    outputGradient.read { dy in
      inputs.addInPlace(to: 0, shape: tableShape) { table in
        for (row, index) in indices.enumerated() {
          vm_add_scaled(table + Int(index) * width, dy + row * width, 1, width)
        }
      }
    }
  }

  static let gradientChecks = [
    GradientCheck("gather, one row twice", inputs: [[4, 3]]) { $0.gather([2, 0, 2], from: $1[0]) }
  ]
}

extension Tape {
  /// Rows of a table; every index is in 0 ..< its rows.
  package func gather(_ indices: [Int32], from table: Variable) -> Variable {
    let (rows, width) = (table.value.rows, table.value.columns)
    precondition(
      indices.allSatisfy { $0 >= 0 && $0 < rows }, "gather: an index is outside 0 ..< \(rows)")
    let output = Tensor(uninitialized: [indices.count, width]) { y in
      table.value.read { table in
        for (row, index) in indices.enumerated() {
          (y + row * width).update(from: table + Int(index) * width, count: width)
        }
      }
    }
    return record(
      Gather(indices: indices, tableShape: table.value.shape), inputs: [table], output: output)
  }
}
