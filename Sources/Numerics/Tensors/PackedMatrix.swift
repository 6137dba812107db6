import CKernels

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
      panels.read { panels in
        x.read { x0 in
          guard let bias else {
            return vm_packed_product(y, x0, panels, nil, x.rows, outputs, inputs)
          }
          bias.read { vm_packed_product(y, x0, panels, $0, x.rows, outputs, inputs) }
        }
      }
    }
  }
}
