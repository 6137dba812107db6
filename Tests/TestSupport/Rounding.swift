/// How far two right computations of one number may be apart.
///
/// Each bound follows from the unit of rounding, u = 2⁻⁵³ = 1.1e-16 of Float64 and 2⁻²⁴ = 6e-8 of
/// float32, and from how often a number is rounded on its way: never from what one processor gave,
/// whose BLAS and kernels sum in an order of their own. Errors of n roundings grow as √n·u, and as
/// n·u at worst (Higham and Mary 2019). `script/test_processors` tries other orders.
extension FloatingPoint where Self: ExpressibleByFloatLiteral {
  /// Float64, formulas of a few numbers about 1: 1e4·u.
  package static var float64Rounding: Self { 1e-12 }
  /// Float64, sums over every sequence of a small world: 1e6·u.
  package static var float64Sums: Self { 1e-10 }
  /// Float64, after a solver's last step, or sums of float32 figures that both sides read: 1e7·u.
  package static var float64Solutions: Self { 1e-9 }
  /// float32, one formula: 16·u of a number about 1.
  package static var float32Rounding: Self { 1e-6 }
  /// float32, sums of up to 1 000 terms: √1000·u.
  package static var float32Sums: Self { 2e-6 }
  /// float32, outputs and gradients of a decoder of these tests, whose sums have up to 1 000 terms in
  /// a row: √1000·u = 2e-6, of numbers up to 5.
  package static var decoderRounding: Self { 1e-5 }
  /// float32, of decoders whose numbers are ten times larger, or that have taken some optimizer steps,
  /// each of which rounds anew.
  package static var trainingRounding: Self { 1e-4 }
}

/// How far the ratio of a policy that has not moved may be from 1.
///
/// Rollout and update compute the same logits z in batches of other shapes, whose sums of up to 1 000
/// terms, one behind the other, round otherwise: |Δz| ≤ √1000·u·max |z| in each of the two. Both terms
/// of log π = z_y/T − log Σ exp(z/T) have that error, and 1/T enlarges it.
package func ratioRounding(_ logits: [Float], temperature: Double) -> Double {
  let logit = logits.reduce(0) { max($0, Double(abs($1))) }
  return 2 * 2 * .float32Sums * logit / temperature
}
