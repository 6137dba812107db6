import CKernels
import Foundation
import Numerics

/// Gives a model its parameters from a checkpoint: once to check that all of them are there, in their
/// shapes, before anything is allocated, then once to read them.
final class ParameterReader {
  private let checkpoint: Checkpoint
  private let names: ParameterNames
  private let isTied: Bool
  private var read: Set<String> = []
  private var updates: Set<String> = []  // tensors of the adapter that change something

  init(_ checkpoint: Checkpoint, _ shape: DecoderConfiguration) {
    self.checkpoint = checkpoint
    names = ParameterNames(shape)
    isTied = shape.tiedEmbeddings
  }

  /// Throws `CheckpointError` naming a tensor that is missing or of another shape.
  ///
  /// - Returns: a tensor in the parameter's place.
  func check(_ name: String, _ shape: [Int], _: InitialValue) throws -> Tensor {
    for piece in names.pieces(of: name, rows: shape[0]) {
      let used = nameUsed(for: piece.name)
      try checkpoint.tensors.require(used, shape: Self.extents(of: piece, in: shape))
      read.insert(used)
      _ = try update(of: piece, shape)
    }
    return Self.placeholder
  }

  private static let placeholder = Tensor(zeros: [0])

  /// Throws when the checkpoint holds a tensor that has no place in the model.
  func requireNothingElse(except isNeedless: (String) -> Bool) throws {
    let unknown = checkpoint.tensors.names.first {
      !read.contains($0) && !ParameterNames.isIgnored($0) && !isNeedless($0)
    }
    if let unknown {
      throw ModelError.checkpoint(
        "\(checkpoint.tensors.source): tensor `\(unknown)` has no place in the model that config.json "
          + "describes; check that both belong together")
    }
    guard let adapter = checkpoint.adapter else { return }
    if let unknown = adapter.tensors.names.first(where: {
      adapter.nameInPlaceOfBase($0) == nil && !updates.contains($0)
    }) {
      throw ModelError.checkpoint(
        "\(adapter.tensors.source): tensor `\(unknown)` changes nothing in the base model; check that "
          + "base_model_name_or_path is the model that the adapter was trained on")
    }
  }

  /// A parameter, with the adapter's update if there is one.
  ///
  /// - Throws: ``ModelError/checkpoint(_:)`` for numbers that are not finite: a model with those would go
  ///   on to answer, silently, with nonsense.
  func load(_ name: String, _ shape: [Int], _: InitialValue) throws -> Tensor {
    var parameter = Tensor(uninitialized: shape) { _ in }
    let columns = parameter.columns
    for piece in names.pieces(of: name, rows: shape[0]) {
      let used = nameUsed(for: piece.name)
      try parameter.modify { target in
        if piece.isTransposed || piece.rows.count > 1 {
          try readScattered(used, piece, columns, into: target)
        } else {
          let first = target + piece.rows[0].lowerBound * columns
          try readRows(used, 0..<piece.rows[0].count * columns, into: first)
        }
        if let update = try update(of: piece, shape) {
          try checkpoint.adapter?.add(update, to: target, columns: columns, rows: piece.rows)
        }
      }
    }
    return parameter
  }

  /// A language head beside tied embeddings must be the embedding: which of two is meant, only their
  /// author knows.
  func requireTied(_ head: String, to embedding: Tensor) throws {
    guard isTied, checkpoint.tensors.shape(of: head) == embedding.shape, embedding.count > 0,
      nameUsed(for: names.pieces(of: "token_embedding", rows: 1)[0].name) != head
    else { return }
    let stored = try checkpoint.tensors.tensor(head)
    guard stored.read({ a in embedding.read { memcmp(a, $0, 4 * embedding.count) } }) == 0 else {
      throw checkpoint.configuration.failure(
        "tie_word_embeddings",
        "is true, and `\(head)` differs from the embedding; write false to use the head")
    }
  }

  private func readRows(
    _ name: String, _ elements: Range<Int>, into target: UnsafeMutablePointer<Float>
  ) throws {
    try checkpoint.tensors.read(name, elements, into: target)
    guard vm_all_finite(target, elements.count) != 0 else {
      throw ModelError.checkpoint(
        "\(checkpoint.tensors.source): tensor `\(name)` holds numbers that are not finite; the "
          + "training that made it went astray: use an earlier checkpoint")
    }
  }

  /// Rows that lie in another order than ours, or as columns, some at a time.
  private func readScattered(
    _ name: String, _ piece: ParameterNames.Piece, _ columns: Int,
    into target: UnsafeMutablePointer<Float>
  ) throws {
    let order = piece.rows.flatMap(\.self)
    let (count, width) = piece.isTransposed ? (columns, order.count) : (order.count, columns)
    let atOnce = max(1, (1 << 18) / max(1, width))
    var scratch = Tensor(uninitialized: [min(atOnce, count), width]) { _ in }
    for first in stride(from: 0, to: count, by: atOnce) {
      let rows = first..<min(count, first + atOnce)
      try scratch.modify { scratch in
        try readRows(name, rows.lowerBound * width..<rows.upperBound * width, into: scratch)
        for row in rows {
          let source = scratch + (row - first) * width
          if piece.isTransposed {
            for (index, ours) in order.enumerated() {
              target[ours * columns + row] = source[index]
            }
          } else {
            (target + order[row] * columns).update(from: source, count: width)
          }
        }
      }
    }
  }

  private static func extents(of piece: ParameterNames.Piece, in shape: [Int]) -> [Int] {
    guard shape.count == 2 else { return [piece.rowCount] }
    return piece.isTransposed ? [shape[1], piece.rowCount] : [piece.rowCount, shape[1]]
  }

  private func update(
    of piece: ParameterNames.Piece, _ shape: [Int]
  ) throws -> StoredAdapter.Update? {
    guard let adapter = checkpoint.adapter, shape.count == 2 else { return nil }
    let update = try adapter.update(
      of: [piece.name] + names.alternatives(to: piece.name), outputs: piece.rowCount,
      inputs: shape[1])
    if let update { updates.formUnion([update.down, update.up]) }
    return update
  }

  /// The name itself, or another that the file has in its place.
  private func nameUsed(for name: String) -> String {
    let others = names.alternatives(to: name)
    return ([name] + others).first(where: checkpoint.tensors.contains) ?? name
  }
}
