import CKernels
import Foundation
import Synchronization

/// AdamW (Loshchilov and Hutter 2019) over a ``ParameterSet``, with PyTorch's arithmetic.
package struct AdamW: Sendable {
  package struct Options: Sendable, Equatable {
    var beta1 = 0.9
    var beta2 = 0.999
    package var epsilon = 1e-8
    package var epsilonPlacement = EpsilonPlacement.corrected
    /// Decoupled weight decay, applied to every parameter.
    package var weightDecay = 0.0
    /// The largest global gradient norm; larger gradients are scaled down to it. Infinity: never.
    package var clipNorm = 1.0

    package init() {}
  }

  /// What ε is added to: √v̂ with v̂ = v / (1 − β₂ᵗ), or √v.
  package enum EpsilonPlacement: String, Sendable, CaseIterable {
    /// m̂ / (√v̂ + ε), as in the paper's algorithm 1 and in PyTorch.
    case corrected
    /// m̂ √(1 − β₂ᵗ) / (√v + ε), as in TensorFlow: ε weighs more in the first steps (Huang et al.
    /// 2024, "The N Implementation Details of RLHF with PPO").
    case uncorrected
  }

  private struct Moments: Sendable {
    var first: Tensor
    var second: Tensor
  }

  package let options: Options
  package private(set) var stepCount = 0
  private var moments: [Moments?]
  private let arena: MemoryArena?

  /// - Parameter arena: where the moments are allocated; nil for the general heap.
  package init(_ options: Options, for parameters: ParameterSet, in arena: MemoryArena? = nil) {
    self.options = options
    self.arena = arena
    moments = Array(repeating: nil, count: parameters.count)
  }

  /// The moments of a parameter, by its index; nil for one that was never moved.
  package func moments(of index: Int) -> (first: Tensor, second: Tensor)? {
    moments[index].map { ($0.first, $0.second) }
  }

  /// Goes on from the moments of an earlier optimizer of the same parameters.
  ///
  /// - Parameters:
  ///   - stepCount: steps that it had taken.
  ///   - moments: by parameter, as ``moments(of:)`` gave them.
  package mutating func restore(
    stepCount: Int, moments: [(first: Tensor, second: Tensor)?]
  ) {
    precondition(moments.count == self.moments.count, "one pair of moments for each parameter")
    self.stepCount = stepCount
    self.moments = moments.map {
      $0.map { Moments(first: $0.first.moved(to: arena), second: $0.second.moved(to: arena)) }
    }
  }

  /// Bytes that the allocator gave to the moments.
  package var allocatedBytes: Int {
    Tensor.allocatedBytes(of: moments.flatMap { $0.map { [$0.first, $0.second] } ?? [] })
  }

  /// Moves the parameters one step against the gradients.
  ///
  /// - Parameters:
  ///   - rate: learning rate of this step.
  ///   - workers: share the parameters out; the result does not depend on how many there are.
  /// - Returns: the gradients' global norm before clipping; nothing is changed where it is not finite.
  @discardableResult
  package mutating func step(
    _ parameters: inout ParameterSet, gradients: Gradients, rate: Double, workers: Workers
  ) throws -> Double {
    let squares = try workers.map(gradients.tensors.count) {
      gradients.tensors[$0]?.sumOfSquares ?? 0
    }
    let norm = squares.reduce(0, +).squareRoot()
    guard norm.isFinite else { return norm }
    stepCount += 1
    // PyTorch's clip_grad_norm_ adds 1e-6 to the norm; the same here, so that runs can be compared.
    let scale = min(1, options.clipNorm / (norm + 1e-6))
    let update = Update(options: options, step: stepCount, rate: rate, scale: scale)

    // Each worker takes a tensor out of its slot, so that it holds the only reference and writes in
    // place, and puts it back.
    let slots = Mutex((tensors: parameters.tensors.map(Optional.some), moments: moments))
    parameters.tensors = []
    moments = []
    try workers.forEach(gradients.tensors.count) { [arena] index in
      guard let gradient = gradients.tensors[index] else { return }
      var (tensor, moment) = slots.withLock {
        ($0.tensors[index].take(), $0.moments[index].take())
      }
      guard var parameter = tensor.take() else { return }
      var state =
        moment.take()
        ?? Moments(
          first: Tensor(zeros: parameter.shape).moved(to: arena),
          second: Tensor(zeros: parameter.shape).moved(to: arena))
      update.apply(to: &parameter, &state.first, &state.second, gradient)
      slots.withLock {
        $0.tensors[index] = parameter
        $0.moments[index] = state
      }
    }
    slots.withLock {
      parameters.tensors = $0.tensors.compactMap(\.self)
      moments = $0.moments
    }
    return norm
  }

  private struct Update: Sendable {
    let options: Options
    let step: Int
    let rate: Double
    let scale: Double

    func apply(
      to parameter: inout Tensor, _ first: inout Tensor, _ second: inout Tensor, _ gradient: Tensor
    ) {
      let correction1 = 1 - pow(options.beta1, Double(step))
      let correction2 = 1 - pow(options.beta2, Double(step))
      let epsilon =
        switch options.epsilonPlacement {
        case .corrected: options.epsilon
        case .uncorrected: options.epsilon / correction2.squareRoot()
        }
      let count = parameter.count
      parameter.modify { parameter in
        first.modify { first in
          second.modify { second in
            gradient.read { gradient in
              vm_adamw(
                parameter, first, second, gradient, count, Float(scale), Float(rate),
                Float(options.beta1), Float(1 - options.beta1), Float(options.beta2),
                Float(1 - options.beta2), Float(epsilon),
                Float(options.weightDecay), Float(correction1), Float(correction2.squareRoot()))
            }
          }
        }
      }
    }
  }
}

/// How the learning rate moves from its peak over a run.
package enum LearningRateSchedule: String, Sendable, CaseIterable {
  case constant
  /// Down to 0 in a straight line.
  case linear
  /// Down to 0 along half a cosine.
  case cosine

  /// The factor on the peak rate at a step.
  ///
  /// - Parameters:
  ///   - step: 0 ..< total.
  ///   - total: steps of the run.
  ///   - warmup: first steps, over which the factor rises from 1/warmup to 1.
  package func factor(step: Int, total: Int, warmup: Int = 0) -> Double {
    if step < warmup { return Double(step + 1) / Double(warmup) }
    let progress = Double(step - warmup) / Double(max(1, total - warmup))
    switch self {
    case .constant: return 1
    case .linear: return max(0, 1 - progress)
    case .cosine: return 0.5 * (1 + cos(.pi * min(1, progress)))
    }
  }
}
