import Foundation

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
