import Foundation
import Statistics
import TestSupport
import Testing

@testable import Numerics

@Suite("AdamW moves parameters as a plain Float64 version does")
struct AdamWTests {
  /// Three parameters of odd sizes; the last one never has a gradient.
  private func makeParameters() -> ParameterSet {
    var generator = SeededGenerator(seed: 3)
    var parameters = ParameterSet()
    for (name, count) in [("a", 21), ("b", 5), ("frozen", 4)] {
      _ = parameters.append(name, .gaussian([count], sd: 1, using: &generator))
    }
    return parameters
  }

  private func makeGradients(step: Int, deviation: Double) -> Gradients {
    var generator = SeededGenerator(seed: 4).stream("step", step)
    var gradients = Gradients(count: 3)
    gradients.tensors[0] = .gaussian([21], sd: deviation, using: &generator)
    gradients.tensors[1] = .gaussian([5], sd: deviation, using: &generator)
    return gradients
  }

  /// The textbook loop over scalars.
  private struct Twin {
    let options: AdamW.Options
    var parameters: [Double]
    var first: [Double]
    var second: [Double]

    init(_ options: AdamW.Options, _ parameters: [Double]) {
      self.options = options
      self.parameters = parameters
      first = parameters.map { _ in 0 }
      second = first
    }

    mutating func step(_ step: Int, gradients: [Double], rate: Double) -> Double {
      let norm = gradients.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let scale = norm > options.clipNorm ? options.clipNorm / norm : 1
      for (i, gradient) in gradients.enumerated() {
        let g = scale * gradient
        first[i] = options.beta1 * first[i] + (1 - options.beta1) * g
        second[i] = options.beta2 * second[i] + (1 - options.beta2) * g * g
        let m = first[i] / (1 - pow(options.beta1, Double(step)))
        let v = second[i] / (1 - pow(options.beta2, Double(step)))
        parameters[i] *= 1 - rate * options.weightDecay
        switch options.epsilonPlacement {
        case .corrected: parameters[i] -= rate * m / (v.squareRoot() + options.epsilon)
        case .uncorrected:
          let correction = (1 - pow(options.beta2, Double(step))).squareRoot()
          parameters[i] -= rate * m * correction / (second[i].squareRoot() + options.epsilon)
        }
      }
      return norm
    }
  }

  /// ε is large, so that clipping shows: Adam alone hardly notices the scale of a gradient.
  private func options(
    clipNorm: Double, _ placement: AdamW.EpsilonPlacement = .corrected
  ) -> AdamW.Options {
    var options = AdamW.Options()
    options.epsilonPlacement = placement
    options.epsilon = 0.1
    options.weightDecay = 0.05
    options.clipNorm = clipNorm
    return options
  }

  @Test(
    "over ten steps, whether gradients are clipped or not", arguments: [0.5, 2, Double.infinity],
    AdamW.EpsilonPlacement.allCases)
  func steps(clipNorm: Double, placement: AdamW.EpsilonPlacement) throws {
    var parameters = makeParameters()
    let frozen = parameters.tensors[2].values
    var adamW = AdamW(options(clipNorm: clipNorm, placement), for: parameters)
    var twin = Twin(
      options(clipNorm: clipNorm, placement),
      (parameters.tensors[0].values + parameters.tensors[1].values).map(Double.init))
    for step in 1...10 {
      // Norms of about 0.5 to 5: a limit of 2 clips some of the steps.
      let gradients = makeGradients(step: step, deviation: 0.1 * Double(step))
      let rate = 0.1 / Double(step)
      let norm = try adamW.step(
        &parameters, gradients: gradients, rate: rate, workers: Workers(count: 2))
      let flat = gradients.tensors.flatMap { $0?.values ?? [] }.map(Double.init)
      let expectedNorm = twin.step(step, gradients: flat, rate: rate)
      #expect(abs(norm - expectedNorm) < .decoderRounding)
      #expect(adamW.stepCount == step)
    }
    let found = parameters.tensors[0].values + parameters.tensors[1].values
    for (a, b) in zip(found, twin.parameters) { #expect(abs(Double(a) - b) < .decoderRounding) }
    #expect(parameters.tensors[2].values == frozen)
  }

  @Test("the numbers do not depend on the number of threads")
  func threads() throws {
    func run(_ threads: Int) throws -> [[Float]] {
      var parameters = makeParameters()
      var adamW = AdamW(options(clipNorm: 1), for: parameters)
      for step in 1...3 {
        try adamW.step(
          &parameters, gradients: makeGradients(step: step, deviation: 1), rate: 0.1,
          workers: Workers(count: threads))
      }
      return parameters.tensors.map(\.values)
    }
    let single = try run(1)
    #expect(try run(2) == single)
    #expect(try run(3) == single)
  }

  @Test("a copy of the parameters, such as a reference policy, does not move")
  func copies() throws {
    var parameters = makeParameters()
    let reference = parameters
    var adamW = AdamW(AdamW.Options(), for: parameters)
    try adamW.step(
      &parameters, gradients: makeGradients(step: 1, deviation: 1), rate: 0.1,
      workers: Workers(count: 2))
    #expect(reference.tensors.map(\.values) == makeParameters().tensors.map(\.values))
    #expect(parameters.tensors[0].values != reference.tensors[0].values)
  }
}
