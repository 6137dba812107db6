import Foundation
import Numerics

extension ParameterSet {
  /// Fills every parameter from the tensors of a directory.
  ///
  /// - Parameter optional: tensors that may be there without being a parameter, such as the head
  ///   that a tied model repeats.
  /// - Throws: `CheckpointError` naming a tensor that is missing or shaped otherwise,
  ///   ``ModelError/checkpoint(_:)`` one that is unknown or holds numbers that are not finite: a
  ///   model with those would go on to answer, silently, with nonsense.
  mutating func read(
    from directory: URL, _ shape: DecoderConfiguration, optional: Set<String>
  ) throws {
    let archive = try Safetensors.readDirectory(directory, skipping: ParameterNames.isIgnored)
    let table = ParameterNames(shape)
    var unread = Set(archive.names).subtracting(optional)
    for index in tensors.indices {
      var parameter = tensors[index]
      let (rows, columns) = (parameter.rows, parameter.columns)
      let isMatrix = parameter.shape.count == 2
      for piece in table.pieces(of: names[index], rows: rows) {
        let height = piece.rows.count
        let extents =
          !isMatrix ? [height] : piece.isTransposed ? [columns, height] : [height, columns]
        let name = archive.nameUsed(for: piece.name)
        let tensor = try archive.tensor(name, shape: extents)
        guard tensor.isFinite else {
          throw ModelError.checkpoint(
            "\(archive.source): tensor `\(name)` holds numbers that are not finite; the training "
              + "that made it went astray: use an earlier checkpoint")
        }
        unread.remove(name)
        parameter.modify { target in
          let first = target + piece.rows.lowerBound * columns
          tensor.read { source in
            if piece.isTransposed {
              transpose(source, rows: columns, columns: height, into: first)
            } else {
              first.update(from: source, count: tensor.count)
            }
          }
        }
      }
      tensors[index] = parameter
    }
    if let unknown = archive.names.first(where: unread.contains) {
      throw ModelError.checkpoint(
        "\(archive.source): tensor `\(unknown)` has no place in the model that config.json "
          + "describes; check that both belong together")
    }
  }

  /// The parameters under their Hugging Face names, as a checkpoint holds them.
  func exported(_ shape: DecoderConfiguration) -> [NamedTensor] {
    let table = ParameterNames(shape)
    return zip(names, tensors).flatMap { name, tensor in
      table.pieces(of: name, rows: tensor.rows).map { piece in
        NamedTensor(
          name: piece.name, tensor: tensor.rows(piece.rows, transposed: piece.isTransposed))
      }
    }
  }

  /// Writes every parameter as float32 under its Hugging Face name.
  func write(to directory: URL, _ shape: DecoderConfiguration) throws {
    try Safetensors.write(exported(shape), to: directory.appending(path: "model.safetensors"))
  }
}

extension TransformerModel {
  /// The parameters under their Hugging Face names, as a checkpoint holds them.
  package var exportedTensors: [NamedTensor] { parameters.exported(configuration) }
}

extension TensorArchive {
  /// The name itself, or without its first part where a file was saved from the bare trunk.
  fileprivate func nameUsed(for name: String) -> String {
    if self[name] != nil { return name }
    let bare = name.split(separator: ".", maxSplits: 1).last.map(String.init) ?? name
    return self[bare] == nil ? name : bare
  }
}

extension Tensor {
  /// Some rows of a matrix, or their transpose.
  fileprivate func rows(_ range: Range<Int>, transposed: Bool) -> Tensor {
    let extents = shape.count < 2 ? [range.count] : [range.count, columns]
    return Tensor(uninitialized: transposed ? extents.reversed() : extents) { target in
      read { source in
        let first = source + range.lowerBound * columns
        if transposed {
          transpose(first, rows: range.count, columns: columns, into: target)
        } else {
          target.update(from: first, count: range.count * columns)
        }
      }
    }
  }
}

private func transpose(
  _ source: UnsafePointer<Float>, rows: Int, columns: Int, into target: UnsafeMutablePointer<Float>
) {
  for row in 0..<rows {
    for column in 0..<columns { target[column * rows + row] = source[row * columns + column] }
  }
}
