import CKernels
import Foundation
import Testing

@Suite("The AdamW kernel computes what Float64 computes")
struct OptimizerKernelTests {
  @Test("over five steps with decay and scaled gradients", arguments: kernelLengths)
  func steps(count: Int) {
    let (rate, beta1, beta2, epsilon, decay, scale) = (0.01, 0.9, 0.99, 1e-3, 0.1, 0.25)
    var parameter = gaussians(count, seed: 1)
    var (first, second) = (zeros(count), zeros(count))
    var expected = parameter.map(Double.init)
    var (m, v) = (expected.map { _ in 0.0 }, expected.map { _ in 0.0 })
    for step in 1...5 {
      let gradient = gaussians(count, seed: UInt64(10 + step))
      let correction1 = 1 - pow(beta1, Double(step))
      let correction2 = 1 - pow(beta2, Double(step))
      vm_adamw(
        &parameter, &first, &second, gradient, count, Float(scale), Float(rate), Float(beta1),
        Float(1 - beta1), Float(beta2), Float(1 - beta2), Float(epsilon), Float(decay),
        Float(correction1),
        Float(correction2.squareRoot()))
      for i in 0..<count {
        let g = scale * Double(gradient[i])
        m[i] = beta1 * m[i] + (1 - beta1) * g
        v[i] = beta2 * v[i] + (1 - beta2) * g * g
        expected[i] -= rate * decay * expected[i]
        expected[i] -= rate * (m[i] / correction1) / ((v[i] / correction2).squareRoot() + epsilon)
      }
    }
    expect(parameter, equal: expected)
    expect(first, equal: m)
    expect(second, equal: v)
  }
}
