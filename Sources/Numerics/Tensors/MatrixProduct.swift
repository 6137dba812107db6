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
