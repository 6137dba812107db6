package import Foundation

/// The usable rows of a file of preferences, as often as they are asked for.
///
/// What can be read only once, such as standard input and pipes, is kept meanwhile in a file without
/// a name, which goes when this does.
package final class PreferenceSource: RowStream, Sendable {
  /// What messages call it.
  package let name: String
  private let file: URL
  private let copy: FileHandle?

  /// - Parameter file: JSON lines, as they are or as `.gz`; `-` is standard input.
  /// - Throws: ``PreferenceError`` when it cannot be read, or not be kept.
  package init(
    _ file: URL, standardInput: FileHandle = .standardInput
  ) throws(PreferenceError) {
    self.file = file
    if RowSource.canBeReadAgain(file) {
      (name, copy) = (file.path, nil)
    } else {
      let source = try RowSource(file, standardInput: standardInput)
      (name, copy) = (source.name, try Self.copy(of: source))
    }
  }

  private static func copy(of source: RowSource) throws(PreferenceError) -> FileHandle {
    let place = FileManager.default.temporaryDirectory
      .appending(path: "rlhf-sim-\(UUID().uuidString).jsonl")
    func attempt<Output>(_ body: () throws -> Output) throws(PreferenceError) -> Output {
      do { return try body() } catch {
        throw .file(
          path: source.name,
          problem: "cannot be kept in \(place.deletingLastPathComponent().path) while it is used "
            + "(\(error)); name a directory with room in TMPDIR, or give a file")
      }
    }
    let handle = try attempt {
      try Data().write(to: place, options: .withoutOverwriting)
      defer { try? FileManager.default.removeItem(at: place) }
      return try FileHandle(forUpdating: place)
    }
    while case let piece = try source.read(), !piece.isEmpty {
      try attempt { try handle.write(contentsOf: piece) }
    }
    return handle
  }

  func reader() throws(PreferenceError) -> JSONLineReader {
    guard let copy else { return try JSONLineReader(RowSource(file, standardInput: .nullDevice)) }
    do { try copy.seek(toOffset: 0) } catch {
      throw .file(path: name, problem: "cannot be read again (\(error)); give a file")
    }
    return JSONLineReader(RowSource(name: name, copy))
  }

  package func forEachRow(_ body: (PreferenceRow) throws -> Void) throws {
    let reader = try reader()
    while let fields = try reader.next() {
      let row = try PreferenceRow(fields)
      if row.defect == nil { try body(row) }
    }
  }
}
