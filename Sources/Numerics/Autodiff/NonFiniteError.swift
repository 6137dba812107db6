/// Training met a number that is not finite; nothing was changed by the step that met it.
package struct NonFiniteError: Error, CustomStringConvertible, Sendable {
  package let stage: String
  package let step: Int
  /// The loss, or the parameter whose gradient is not finite.
  package let tensor: String

  package init(stage: String, step: Int, tensor: String) {
    self.stage = stage
    self.step = step
    self.tensor = tensor
  }

  package var description: String {
    "\(stage) step \(step): \(tensor) is not finite; lower the learning rate of this stage, "
      + "or look for extreme values in its data"
  }
}
