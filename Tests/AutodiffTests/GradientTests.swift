import Testing

@testable import Numerics

@Suite("Gradients agree with finite differences")
struct GradientTests {
  @Test(
    "every operation of the tape", arguments: AutodiffOperations.all.flatMap { $0.gradientChecks })
  func operation(_ check: GradientCheck) {
    #expect(check.largestError() < GradientCheck.tolerance, "\(check.name)")
  }

  @Test("every operation of the tape has a check, and no two have one name")
  func coverage() {
    let operations = AutodiffOperations.all
    #expect(operations.count == 13)
    for operation in operations { #expect(!operation.gradientChecks.isEmpty, "\(operation)") }
    let names = operations.flatMap { $0.gradientChecks }.map { $0.name }
    #expect(Set(names).count == names.count)
  }

  @Test("a wrong gradient is seen")
  func wrongGradient() {
    let check = GradientCheck("sum counted once", inputs: [[4]]) { tape, inputs in
      // The second term is made a constant on the way, so its gradient is lost.
      tape.add(inputs[0], tape.constant(inputs[0].value))
    }
    #expect(check.largestError() > 0.1)
  }
}
