import CKernels
import Foundation
import Testing

@Suite("Elementwise kernels and activations compute what Float64 computes")
struct ActivationKernelTests {
  private func exponentials(_ x: [Float]) -> [Float] {
    var out = zeros(x.count)
    vm_exp(&out, x, x.count)
    return out
  }

  @Test("exp within a relative error of 3e-7 from −87 to 88")
  func exponential() {
    let x = (0...175_000).map { -87 + Float($0) / 1000 }
    var worst = 0.0
    for (argument, found) in zip(x, exponentials(x)) {
      let expected = exp(Double(argument))
      worst = max(worst, abs(Double(found) - expected) / expected)
    }
    // Five roundings of u = 6e-8.
    #expect(worst < 3e-7)
  }

  @Test("exp is 0 below −87, stays at e⁸⁸ above 88, and hands on NaN")
  func exponentialEdges() {
    let low = exponentials([-87.01, -100, -1e30, -.infinity])
    #expect(low == [0, 0, 0, 0])
    let largest = exponentials([88])[0]
    #expect(largest.isFinite && largest > 1.6e38)
    #expect(exponentials([88.01, 100, 1e30, .infinity]) == Array(repeating: largest, count: 4))
    for count in kernelLengths {
      var x = zeros(count)
      x[count - 1] = .nan
      let found = exponentials(x)
      #expect(found[count - 1].isNaN)
      #expect(found.dropLast().allSatisfy { $0 == 1 })
    }
  }

  @Test("exp in place")
  func inPlace() {
    var x: [Float] = [0, 1, -1]
    x.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { vm_exp(base, base, buffer.count) }
    }
    expect(x, equal: [1, M_E, 1 / M_E])
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  @Test("every activation", arguments: kernelLengths)
  func activations(count: Int) {
    let x = gaussians(count, seed: 1, deviation: 3)
    func check(_ f: vm_activation, _ truth: (Double) -> Double) {
      var out = zeros(count)
      vm_activate(&out, x, count, f)
      expect(out, equal: x.map { truth(Double($0)) })
    }
    check(VM_GELU_TANH) { v in
      0.5 * v * (1 + tanh((2 / Double.pi).squareRoot() * (v + 0.044715 * v * v * v)))
    }
    check(VM_GELU) { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) }
    check(VM_QUICK_GELU) { $0 * sigmoid(1.702 * $0) }
    check(VM_SILU) { $0 * sigmoid($0) }
    check(VM_RELU) { max($0, 0) }
    check(VM_RELU_SQUARED) { max($0, 0) * max($0, 0) }
    check(VM_TANH, tanh)
    check(VM_SIGMOID, sigmoid)
  }

  @Test("SwiGLU, whose rows are the gate and then the gated values", arguments: kernelLengths)
  func swiGLU(width: Int) {
    let x = gaussians(3 * 2 * width, seed: 2, deviation: 3)
    var out = zeros(3 * width)
    vm_swiglu(&out, x, 3, width)
    let expected = rows(x, columns: 2 * width).flatMap { row in
      (0..<width).map { row[$0] * sigmoid(row[$0]) * row[width + $0] }
    }
    expect(out, equal: expected)
  }

  @Test("bias rows and column sums", arguments: kernelLengths)
  func rowsAndColumns(width: Int) {
    let x = gaussians(3 * width, seed: 3)
    let bias = gaussians(width, seed: 4)
    var sums = bias
    vm_accumulate_column_sums(&sums, x, 3, width)
    let matrix = rows(x, columns: width)
    expect(
      sums,
      equal: (0..<width).map { column in
        Double(bias[column]) + matrix.reduce(0) { $0 + $1[column] }
      })
    var shifted = x
    vm_add_row(&shifted, bias, 3, width)
    expect(shifted, equal: matrix.flatMap { row in zip(row, bias).map { $0 + Double($1) } })
  }
}
