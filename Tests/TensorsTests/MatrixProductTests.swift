import Statistics
import TestSupport
import Testing

@testable import Numerics

@Suite("A matrix product is the naive triple loop's")
struct MatrixProductTests {
  /// A stored matrix inside a wider buffer.
  private struct Stored {
    let elements: Tensor
    let stride: Int
    let isTransposed: Bool

    /// `rows` × `columns` after transposition, in rows of `padding` more elements than needed.
    init(
      rows: Int, columns: Int, transposed: Bool, padding: Int,
      using generator: inout SeededGenerator
    ) {
      let stored = transposed ? (columns, rows) : (rows, columns)
      stride = stored.1 + padding
      isTransposed = transposed
      elements = Tensor.gaussian([stored.0, stride], sd: 1, using: &generator)
    }

    func at(_ row: Int, _ column: Int) -> Double {
      Double(elements[isTransposed ? column * stride + row : row * stride + column])
    }
  }

  @Test(
    "for every transposition, stride, scale and accumulation",
    arguments: [false, true], [false, true])
  func product(transposedA: Bool, transposedB: Bool) {
    var generator = SeededGenerator(seed: 3)
    for (rows, columns, inner) in [(1, 1, 1), (3, 5, 7), (16, 17, 33), (2, 40, 1)] {
      for padding in [0, 3] {
        for (scale, accumulating) in [(Float(1), false), (0.5, true), (-2, false)] {
          let a = Stored(
            rows: rows, columns: inner, transposed: transposedA, padding: padding,
            using: &generator)
          let b = Stored(
            rows: inner, columns: columns, transposed: transposedB, padding: padding,
            using: &generator)
          let before = Tensor.gaussian([rows, columns + padding], sd: 1, using: &generator)
          var c = before
          c.modify { c in
            a.elements.read { pointerA in
              b.elements.read { pointerB in
                multiply(
                  MatrixOperand(pointerA, stride: a.stride, transposed: transposedA),
                  MatrixOperand(pointerB, stride: b.stride, transposed: transposedB), into: c,
                  stride: columns + padding, rows: rows, columns: columns, inner: inner,
                  scale: scale, accumulating: accumulating)
              }
            }
          }
          for row in 0..<rows {
            for column in 0..<columns + padding {
              let index = row * (columns + padding) + column
              var expected = column < columns && !accumulating ? 0 : Double(before[index])
              if column < columns {
                for k in 0..<inner { expected += Double(scale) * a.at(row, k) * b.at(k, column) }
              }
              #expect(abs(Double(c[index]) - expected) < .trainingRounding)
            }
          }
        }
      }
    }
  }

  @Test("without rows or columns nothing is written")
  func empty() {
    var c = Tensor([1.0, 2, 3])
    c.modify { c in
      let operand = MatrixOperand(c, stride: 1)
      multiply(operand, operand, into: c, stride: 1, rows: 0, columns: 3, inner: 1)
      multiply(operand, operand, into: c, stride: 1, rows: 3, columns: 0, inner: 1)
    }
    #expect(c.values == [1, 2, 3])
  }
}
