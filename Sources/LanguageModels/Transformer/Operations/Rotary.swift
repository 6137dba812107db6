import CKernels
import Foundation
import Numerics

/// cos and sin of position · θ^(−2i/d) for rotary position embeddings (Su et al. 2021).
package struct RotaryTable: Sendable {
  let cosines: Tensor  // [positions, d/2]
  let sines: Tensor  // [positions, d/2]

  /// - Parameters:
  ///   - positions: the longest sequence.
  ///   - width: d, of one head; even.
  ///   - base: θ.
  package init(positions: Int, width: Int, base: Double) {
    let half = width / 2
    func table(_ function: (Double) -> Double) -> Tensor {
      Tensor(uninitialized: [positions, half]) { pointer in
        for position in 0..<positions {
          for i in 0..<half {
            let angle = Double(position) * pow(base, -2 * Double(i) / Double(width))
            pointer[position * half + i] = Float(function(angle))
          }
        }
      }
    }
    cosines = table(cos)
    sines = table(sin)
  }

  /// Turns the first heads of each row to its position, or back when `sign` is −1.
  func rotate(_ rows: inout Tensor, to positions: [Int32], heads: Int, sign: Float) {
    let (half, stride) = (cosines.columns, rows.columns)
    rows.modify { rows in
      cosines.read { cosines in
        sines.read { sines in
          for (row, position) in positions.enumerated() {
            let angle = Int(position) * half
            vm_rotate_row(
              rows + row * stride, cosines + angle, sines + angle, heads, half, sign)
          }
        }
      }
    }
  }
}
