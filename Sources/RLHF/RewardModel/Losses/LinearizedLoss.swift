import Numerics

/// A loss and its slopes ∂L/∂rewards, both known as soon as the rewards are: what every loss of this
/// room comes to.
struct LinearizedLoss {
  private(set) var value = 0.0
  private(set) var slopes: [Double]

  init(rewards count: Int) { slopes = Array(repeating: 0, count: count) }

  /// Adds to the loss itself.
  mutating func add(_ term: Double) { value += term }

  /// Adds to the slope of one reward.
  mutating func add(_ slope: Double, at reward: Int) { slopes[reward] += slope }

  /// The slopes as a tensor of the rewards' shape, `[M]`.
  var tensor: Tensor { Tensor(slopes.map(Float.init)) }

  /// The loss as a scalar tensor.
  var scalar: Tensor { Tensor([Float(value)], shape: []) }
}
