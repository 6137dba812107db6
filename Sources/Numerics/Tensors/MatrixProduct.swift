import CKernels
import CNumerics

/// One operand of a matrix product: a row-major matrix inside a larger buffer, maybe transposed.
package struct MatrixOperand {
  let pointer: UnsafePointer<Float>
  let stride: Int
  let isTransposed: Bool

  /// - Parameters:
  ///   - pointer: the first element.
  ///   - stride: elements from one stored row to the next.
  ///   - transposed: whether the product uses the transpose of what is stored.
  @inline(__always)
  package init(_ pointer: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
    self.pointer = pointer
    self.stride = stride
    isTransposed = transposed
  }
}

/// C ← scale · A B, or C ← C + scale · A B when `accumulating`, with A `[rows, inner]` and
/// B `[inner, columns]` after any transposition, by OpenBLAS `sgemm` on the calling thread.
@inline(__always)
package func multiply(
  _ a: MatrixOperand, _ b: MatrixOperand, into c: UnsafeMutablePointer<Float>, stride: Int,
  rows: Int, columns: Int, inner: Int, scale: Float = 1, accumulating: Bool = false
) {
  guard rows > 0, columns > 0 else { return }
  cblas_sgemm(
    CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans,
    b.isTransposed ? CblasTrans : CblasNoTrans, blasInteger(rows), blasInteger(columns),
    blasInteger(inner), scale, a.pointer, blasInteger(a.stride), b.pointer, blasInteger(b.stride),
    accumulating ? 1 : 0, c, blasInteger(stride))
}

@inline(__always)
private func blasInteger(_ value: Int) -> blasint { blasint(truncatingIfNeeded: value) }

/// A weight laid out once for many products with few rows each, as sampling makes them.
///
/// BLAS lays out both sides at every call, which takes longer than the product itself when one side
/// has a few rows. A row of a product is the same bits alone and among others, so that what is
/// sampled does not depend on what is sampled beside it.
package struct PackedMatrix: Sendable {
  private let panels: Tensor  // [⌈outputs / 64⌉, inputs, 64]
  private let outputs: Int
  private let inputs: Int

  /// - Parameter weight: W `[outputs, inputs]`.
  package init(_ weight: Tensor) {
    (outputs, inputs) = (weight.rows, weight.columns)
    let width = Int(VM_PANEL)
    let count = (outputs + width - 1) / width
    panels = Tensor(uninitialized: [count, inputs, width]) { [outputs, inputs] panels in
      weight.read { vm_pack_weight(panels, $0, outputs, inputs) }
    }
  }

  /// x Wᵀ + bias, `[N, outputs]`, for x `[N, inputs]`.
  package func product(_ x: Tensor, bias: Tensor?) -> Tensor {
    precondition(
      x.columns == inputs, "a packed [\(outputs), \(inputs)] does not fit rows of \(x.shape)")
    return Tensor(uninitialized: [x.rows, outputs]) { y in
      withPointers(x, panels) { x0, panels in
        guard let bias else {
          return vm_packed_product(y, x0, panels, nil, x.rows, outputs, inputs)
        }
        bias.read { vm_packed_product(y, x0, panels, $0, x.rows, outputs, inputs) }
      }
    }
  }
}
