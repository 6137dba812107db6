import Statistics
import TestSupport
import Testing

@testable import Numerics

@Suite("A packed matrix")
struct PackedMatrixTests {
  private func random(_ shape: [Int], seed: UInt64) -> Tensor {
    var generator = SeededGenerator(seed: seed)
    return Tensor.gaussian(shape, sd: 1, using: &generator)
  }

  @Test(
    "gives x Wᵀ + b, and each row the same bits alone",
    arguments: [(1, 1), (5, 3), (16, 16), (60, 33), (64, 7), (100, 64), (130, 48)], [1, 6, 19])
  func product(_ extents: (outputs: Int, inputs: Int), count: Int) {
    let (outputs, inputs) = extents
    let weight = random([outputs, inputs], seed: 1)
    let bias = random([outputs], seed: 2)
    let x = random([count, inputs], seed: 3)
    let packed = PackedMatrix(weight)
    let (with, without) = (packed.product(x, bias: bias), packed.product(x, bias: nil))
    #expect(with.shape == [count, outputs] && without.shape == [count, outputs])
    for row in 0..<count {
      for output in 0..<outputs {
        let expected = (0..<inputs).reduce(0.0) {
          $0 + Double(x[row * inputs + $1]) * Double(weight[output * inputs + $1])
        }
        let found = Double(without[row * outputs + output])
        #expect(abs(found - expected) < .float32Sums * (1 + Double(inputs)))
        let biased = Double(with[row * outputs + output])
        #expect(abs(biased - expected - Double(bias[output])) < .float32Sums * (1 + Double(inputs)))
      }
      let alone = Tensor(Array(x.values[row * inputs..<(row + 1) * inputs]), shape: [1, inputs])
      #expect(
        packed.product(alone, bias: bias).values
          == Array(with.values[row * outputs..<(row + 1) * outputs]))
    }
  }
}
