import Foundation

/// A number and its derivative by one input, carried along by every operation: forward-mode
/// differentiation. A loss written in duals is its equation, and the gradient comes out of it.
///
/// Source: Griewank and Walther 2008, chapter 3.
package struct Dual: Sendable, ExpressibleByFloatLiteral {
  package var value: Double
  /// ∂value/∂input
  var derivative: Double

  /// - Parameter derivative: 1 for the input itself, 0 for a constant.
  package init(_ value: Double, derivative: Double = 0) {
    (self.value, self.derivative) = (value, derivative)
  }

  package init(floatLiteral value: Double) { self.init(value) }

  /// f(x) of this x, given f(x) and f′(x): the chain rule.
  private func chain(_ value: Double, _ factor: Double) -> Dual {
    // A constant stays one where f′(x) is infinite.
    Dual(value, derivative: derivative == 0 ? 0 : factor * derivative)
  }

  package static func + (a: Dual, b: Dual) -> Dual {
    Dual(a.value + b.value, derivative: a.derivative + b.derivative)
  }
  package static func - (a: Dual, b: Dual) -> Dual {
    Dual(a.value - b.value, derivative: a.derivative - b.derivative)
  }
  package static func * (a: Dual, b: Dual) -> Dual {
    Dual(a.value * b.value, derivative: a.derivative * b.value + a.value * b.derivative)
  }
  package static prefix func - (a: Dual) -> Dual { Dual(-a.value, derivative: -a.derivative) }

  package static func + (a: Dual, b: Double) -> Dual {
    Dual(a.value + b, derivative: a.derivative)
  }
  package static func - (a: Dual, b: Double) -> Dual {
    Dual(a.value - b, derivative: a.derivative)
  }
  package static func - (a: Double, b: Dual) -> Dual {
    Dual(a - b.value, derivative: -b.derivative)
  }
  package static func * (a: Double, b: Dual) -> Dual {
    Dual(a * b.value, derivative: a * b.derivative)
  }
  package static func / (a: Dual, b: Double) -> Dual {
    Dual(a.value / b, derivative: a.derivative / b)
  }

  package static func exp(_ x: Dual) -> Dual {
    let power = Foundation.exp(x.value)
    return x.chain(power, power)
  }
  package static func log(_ x: Dual) -> Dual { x.chain(Foundation.log(x.value), 1 / x.value) }

  /// log(1 + x), exact near 0.
  package static func log1p(_ x: Dual) -> Dual {
    x.chain(Foundation.log1p(x.value), 1 / (1 + x.value))
  }
  /// e^x − 1, exact near 0.
  package static func expm1(_ x: Dual) -> Dual {
    let power = Foundation.expm1(x.value)
    return x.chain(power, power + 1)
  }
  /// σ(x) = 1 / (1 + e^−x)
  package static func sigmoid(_ x: Dual) -> Dual {
    let (right, wrong) = (1 / (1 + Foundation.exp(-x.value)), 1 / (1 + Foundation.exp(x.value)))
    return x.chain(right, right * wrong)
  }
  /// log(1 + e^x) = −log σ(−x), without overflow.
  package static func softplus(_ x: Dual) -> Dual {
    x.chain(
      Swift.max(x.value, 0) + Foundation.log1p(Foundation.exp(-abs(x.value))),
      1 / (1 + Foundation.exp(-x.value)))
  }

  /// The larger one with its derivative; the first of equals.
  package static func max(_ a: Dual, _ b: Dual) -> Dual { a.value >= b.value ? a : b }
  /// The smaller one with its derivative; the first of equals.
  package static func min(_ a: Dual, _ b: Dual) -> Dual { a.value <= b.value ? a : b }
  /// x within bounds; a constant beyond them, as the clip of PPO is.
  package static func clamp(_ x: Dual, _ low: Double, _ high: Double) -> Dual {
    x.value < low ? Dual(low) : x.value > high ? Dual(high) : x
  }
  /// −log softmax(x)_0 = log Σ e^(x_i − x_0), the largest term apart, so that nothing overflows.
  package static func negativeLogSoftmax(ofFirst x: ArraySlice<Dual>) -> Dual {
    let largest = x.indices.max { x[$0].value < x[$1].value } ?? x.startIndex
    let others = x.indices.reduce(Dual(0)) {
      $1 == largest ? $0 : $0 + exp(x[$1] - x[largest])
    }
    return (x[largest] - x[x.startIndex]) + log1p(others)
  }
}
