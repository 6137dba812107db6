package import Numerics

/// The operations of this room; each has finite-difference checks.
package enum TransformerOperations {
  package static var all: [any DifferentiableOperation.Type] {
    [Attention.self, SelectedAttention.self]
  }
}
