import Autodiff
import Tensors
import Training

/// An arena for each role of PPO but the reward model's, whose maker owns it; each nil where
/// jemalloc does not serve the process.
struct ModelArenas: Sendable {
  let policy = MemoryArena()
  let reference = MemoryArena()
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
    reference.move(to: self.reference)
    for index in shared { policy.tensors[index] = reference.tensors[index] }
    for index in indices where !shared.contains(index) {
      policy.tensors[index] = policy.tensors[index].moved(to: self.policy)
    }
  }

  /// Bytes by role, as the metrics name them.
  func metrics(
    policy: ParameterSet, reference: ParameterSet, value: ParameterSet?, moments: [Optimizer]
  ) -> [(name: String, value: Double)] {
    [
      ("policy", self.policy?.allocatedBytes ?? policy.allocatedBytes(apartFrom: reference)),
      ("reference", self.reference?.allocatedBytes ?? reference.allocatedBytes()),
      ("value", self.value?.allocatedBytes ?? value?.allocatedBytes() ?? 0),
      (
        "optimizer",
        optimizer?.allocatedBytes ?? moments.reduce(0) { $0 + $1.allocatedBytes }
      ),
    ].map { ("memory/\($0)", Double($1)) }
  }
}
