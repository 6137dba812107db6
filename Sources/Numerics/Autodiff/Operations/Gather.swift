import CKernels

/// y[i] = table[index[i]]: an embedding, or rows picked out of a hidden state.
///
/// table `[V, C]`, y `[N, C]`.
package struct Gather: DifferentiableOperation {
  let indices: [Int32]  // [N]
  let tableShape: [Int]

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let width = outputGradient.columns
    outputGradient.read { dy in
      inputs.addInPlace(to: 0, shape: tableShape) { table in
        for (row, index) in indices.enumerated() {
          vm_add_scaled(table + Int(index) * width, dy + row * width, 1, width)
        }
      }
    }
  }

  package static let gradientChecks = [
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
