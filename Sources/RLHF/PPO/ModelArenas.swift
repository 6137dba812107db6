import Numerics
import Statistics

/// An arena for each role of PPO that learns, and for what its optimizer remembers; each nil where
/// jemalloc does not serve the process. Reference and reward model have settled in arenas of their own.
struct ModelArenas: Sendable {
  let policy = MemoryArena()
  let value = MemoryArena()
  let optimizer = MemoryArena()

  /// Gives policy and reference memory of their own, but for what the policy has frozen and shares
  /// with the reference: that stays in memory once, and is the reference's.
  func part(_ policy: inout ParameterSet, from reference: inout ParameterSet) {
    let indices = policy.tensors.indices
    let shared = indices.filter {
      policy.isFrozen[$0] && $0 < reference.count
        && policy.tensors[$0].sharesMemory(with: reference.tensors[$0])
    }
    reference.settle()
    for index in shared { policy.tensors[index] = reference.tensors[index] }
    for index in indices where !shared.contains(index) {
      policy.tensors[index] = policy.tensors[index].moved(to: self.policy)
    }
  }

  /// Bytes by role, as the metrics name them.
  func metrics(
    policy: ParameterSet, reference: ParameterSet, value: ParameterSet?, moments: [Optimizer]
  ) -> [StepMetrics.Value] {
    let bytes: [(Metric, Int)] = [
      (.policyMemory, self.policy?.allocatedBytes ?? policy.allocatedBytes(apartFrom: reference)),
      (.referenceMemory, reference.arena?.allocatedBytes ?? reference.allocatedBytes()),
      (.valueMemory, self.value?.allocatedBytes ?? value?.allocatedBytes() ?? 0),
      (
        .optimizerMemory,
        optimizer?.allocatedBytes ?? moments.reduce(0) { $0 + $1.allocatedBytes }
      ),
    ]
    return bytes.map { ($0, Double($1)) }
  }
}
