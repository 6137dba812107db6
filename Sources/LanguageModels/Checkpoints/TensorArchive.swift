package import Numerics

/// A tensor and the name under which a checkpoint keeps it.
package struct NamedTensor: Sendable {
  package let name: String
  package let tensor: Tensor

  package init(name: String, tensor: Tensor) {
    self.name = name
    self.tensor = tensor
  }
}

/// The tensors of one checkpoint, in the order of the file, found by name.
package struct TensorArchive: Sendable {
  /// What a message names as the place: a file or a directory.
  package let source: String
  /// All names, in the order of the file's data.
  package private(set) var names: [String] = []
  private var tensors: [String: Tensor] = [:]

  init(source: String) { self.source = source }

  /// Adds a tensor.
  ///
  /// - Throws: ``CheckpointError/damaged(file:tensor:problem:)`` when there is one of that name.
  mutating func insert(_ tensor: Tensor, named name: String) throws(CheckpointError) {
    if tensors.updateValue(tensor, forKey: name) != nil {
      throw .damaged(file: source, tensor: name, problem: "the name occurs twice")
    }
    names.append(name)
  }

  /// The tensor of that name, if there is one.
  package subscript(name: String) -> Tensor? { tensors[name] }

  /// The tensor of that name, which must have `shape`.
  ///
  /// - Throws: ``CheckpointError`` naming file and tensor when it is missing or shaped otherwise.
  package func tensor(_ name: String, shape: [Int]) throws(CheckpointError) -> Tensor {
    guard let tensor = tensors[name] else {
      throw .missingTensor(file: source, tensor: name, nearest: nearest(to: name))
    }
    guard tensor.shape == shape else {
      throw .wrongShape(file: source, tensor: name, found: tensor.shape, expected: shape)
    }
    return tensor
  }

  /// The name sharing the longest ending: checkpoints differ mostly by a prefix such as `model.`.
  private func nearest(to name: String) -> String? {
    let reversed = Array(name.utf8.reversed())
    var best: (name: String, length: Int)?
    for candidate in names {
      let length = zip(candidate.utf8.reversed(), reversed).prefix { $0 == $1 }.count
      if length > (best?.length ?? 7) { best = (candidate, length) }
    }
    return best?.name
  }
}
