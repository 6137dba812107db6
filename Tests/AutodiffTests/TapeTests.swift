import Statistics
import Testing

@testable import Numerics

@Suite("A tape records what gradients need, and nothing else")
struct TapeTests {
  private var parameters: ParameterSet {
    var generator = SeededGenerator(seed: 1)
    var parameters = ParameterSet()
    _ = parameters.append("weight", .gaussian([3, 4], sd: 1, using: &generator))
    _ = parameters.append("bias", .gaussian([3], sd: 1, using: &generator))
    _ = parameters.append("unused", .gaussian([2], sd: 1, using: &generator))
    return parameters
  }

  private let input = Tensor([1, -2, 0.5, 3, 0, 1, 2, -1], shape: [2, 4])

  /// Σ (x Wᵀ + b), with the weight used once or twice.
  private func sum(_ parameters: ParameterSet, uses: Int = 1, on tape: Tape) -> Variable {
    let weight = tape.parameter(0, of: parameters)
    let bias = tape.parameter(1, of: parameters)
    var total = tape.linear(tape.constant(input), weight: weight, bias: bias)
    for _ in 1..<uses {
      total = tape.add(
        total, tape.linear(tape.constant(input), weight: tape.parameter(0, of: parameters)))
    }
    let flat = tape.flatten(total)
    return tape.weightedSum(flat, weights: Tensor(repeating: 1, shape: [6]))
  }

  @Test("without recording the values are the same and nothing has a gradient")
  func notRecording() {
    let recorded = sum(parameters, on: Tape(recording: true))
    let tape = Tape(recording: false)
    let plain = sum(parameters, on: tape)
    #expect(plain.value.values == recorded.value.values)
    #expect(recorded.requiresGradient)
    #expect(!plain.requiresGradient)
    let gradients = tape.gradients(of: plain, parameterCount: 3)
    #expect(gradients.tensors.allSatisfy { $0 == nil })
  }

  @Test("without recording no intermediate value stays in memory")
  func keepsNothing() {
    func address(_ tensor: Tensor) -> UInt { tensor.read { UInt(bitPattern: $0) } }
    /// Whether the input of an operation is still shared after the pass over it.
    func isKept(recording: Bool) -> Bool {
      var value = Tensor([1.0, 2, 3])
      let before = address(value)
      let tape = Tape(recording: recording)
      _ =
        recording
        ? tape.activation(tape.leaf(value), .tanhGELU)
        : tape.activation(tape.constant(value), .tanhGELU)
      value[0] = 5  // copies when the memory is shared
      return withExtendedLifetime(tape) { address(value) != before }
    }
    #expect(isKept(recording: true))
    #expect(!isKept(recording: false))
  }

  @Test("an operation on constants alone is not recorded")
  func constants() {
    let tape = Tape(recording: true)
    let sum = tape.add(tape.constant(input), tape.constant(input))
    #expect(!sum.requiresGradient)
  }

  @Test("gradients add up when a parameter is used twice")
  func accumulation() throws {
    let tape = Tape(recording: true)
    let once = tape.gradients(of: sum(parameters, on: tape), parameterCount: 3)
    let again = Tape(recording: true)
    let twice = again.gradients(of: sum(parameters, uses: 2, on: again), parameterCount: 3)
    // ∂/∂W_oi Σ (x Wᵀ + b) = Σ_n x_ni
    let columnSums: [Float] = [1, -1, 2.5, 2]
    #expect(once.tensors[0]?.values == columnSums + columnSums + columnSums)
    #expect(twice.tensors[0]?.values == once.tensors[0]?.values.map { 2 * $0 })
    #expect(once.tensors[1]?.values == [2, 2, 2])
    #expect(twice.tensors[1]?.values == [2, 2, 2])
    #expect(once.tensors[2] == nil)
  }

  @Test("a frozen parameter has no gradient, and the others have the same as before")
  func frozen() {
    let tape = Tape(recording: true)
    let free = tape.gradients(of: sum(parameters, on: tape), parameterCount: 3)
    var frozen = parameters
    frozen.isFrozen[0] = true
    let again = Tape(recording: true)
    let gradients = again.gradients(of: sum(frozen, on: again), parameterCount: 3)
    #expect(gradients.tensors[0] == nil)
    #expect(gradients.tensors[1]?.values == free.tensors[1]?.values)
  }

  @Test("the norm of gradients and the first that is not finite")
  func gradientSets() {
    var gradients = Gradients(count: 3)
    #expect(gradients.norm == 0)
    gradients.tensors[0] = Tensor([3.0])
    gradients.tensors[2] = Tensor([0.0, 4])
    #expect(gradients.norm == 5)
    #expect(gradients.firstNonFinite == nil)
    var other = Gradients(count: 3)
    other.tensors[1] = Tensor([.infinity])
    other.tensors[2] = Tensor([1.0, 1])
    gradients.add(other)
    #expect(gradients.tensors[2]?.values == [1, 5])
    #expect(gradients.firstNonFinite == 1)
  }
}
