package import Numerics

/// The operations of the decoder; each has finite-difference checks.
package enum TransformerOperations {
  package static var all: [any DifferentiableOperation.Type] {
    [Attention.self, SelectedAttention.self]
  }
}
