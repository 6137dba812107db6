import Formats
package import Foundation

/// A file of rows that can be read as often as needed: a plain file, one compressed by gzip (which its
/// first bytes say, or its name), or standard input (`-`; a file of that name is `./-`).
///
/// What can be read only once, such as standard input and pipes, is copied to a temporary file without
/// a name, which goes when this does.
package final class RowFile: Sendable {
  /// What messages call it.
  package let name: String
  /// The ending of its name in lower case, `.gz` aside.
  let ending: String
  private let file: URL
  private let standardInput: FileHandle
  private let copy: FileHandle?

  /// - Parameter isReadOnce: whether one reader is enough, so that nothing is copied.
  /// - Throws: ``PreferenceError`` when it cannot be read, or not be copied.
  package init(
    _ file: URL, isReadOnce: Bool = false, standardInput: FileHandle = .standardInput
  ) throws(PreferenceError) {
    (self.file, self.standardInput) = (file, standardInput)
    let isCompressed = file.pathExtension.lowercased() == "gz"
    ending = (isCompressed ? file.deletingPathExtension() : file).pathExtension.lowercased()
    let isStandardInput = file.relativeString == "-"
    name = isStandardInput ? "standard input" : file.path
    if isReadOnce || Self.canBeReadAgain(file) {
      copy = nil
      return
    }
    copy = try Self.copy(
      of: isStandardInput ? RowSource(name: name, standardInput) : RowSource(opening: file))
  }

  /// Whether the file can be opened again and says the same: standard input and pipes cannot.
  static func canBeReadAgain(_ file: URL) -> Bool {
    if file.relativeString == "-" { return false }
    let values = try? file.resolvingSymlinksInPath().resourceValues(forKeys: [.isRegularFileKey])
    return values?.isRegularFile ?? false
  }

  private static func copy(of source: RowSource) throws(PreferenceError) -> FileHandle {
    let place = FileManager.default.temporaryDirectory
      .appending(path: "rlhf-sim-\(UUID().uuidString).jsonl")
    func attempt<Output>(_ body: () throws -> Output) throws(PreferenceError) -> Output {
      do { return try body() } catch {
        throw .file(
          path: source.name,
          problem: "cannot be copied to \(place.deletingLastPathComponent().path) while it is used "
            + "(\(error)); name a directory with free space in TMPDIR, or give a file")
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

  /// Its bytes from the beginning. Of a copy, one reader at a time.
  func source() throws(PreferenceError) -> RowSource {
    guard let copy else {
      return file.relativeString == "-"
        ? RowSource(name: name, standardInput) : try RowSource(opening: file)
    }
    do { try copy.seek(toOffset: 0) } catch {
      throw .file(path: name, problem: "cannot be read again (\(error)); give a file")
    }
    return RowSource(name: name, copy)
  }
}

/// The bytes of a file of rows, piece by piece, without a byte order mark.
final class RowSource {
  /// What messages call it.
  let name: String
  private let handle: FileHandle
  private var gzip: GzipReader?
  private let closesHandle: Bool
  private var isAtStart = true

  /// What a handle holds from where it is; it stays open.
  init(name: String, _ handle: FileHandle) {
    (self.name, self.handle, closesHandle) = (name, handle, false)
  }

  /// - Throws: ``PreferenceError`` when it cannot be opened.
  init(opening file: URL) throws(PreferenceError) {
    (name, closesHandle) = (file.path, true)
    do { handle = try FileHandle(forReadingFrom: file) } catch {
      throw .file(path: file.path, problem: "cannot be opened; check the path and permissions")
    }
    gzip = file.pathExtension.lowercased() == "gz" ? GzipReader(handle) : nil
  }

  deinit {
    if closesHandle { try? handle.close() }
  }

  /// The next piece; empty at the end.
  ///
  /// - Throws: ``PreferenceError`` when reading fails, or when what was compressed is damaged or
  ///   truncated, perhaps after what stands before.
  func read() throws(PreferenceError) -> Data {
    var piece: Data
    do { piece = try nextPiece() } catch {
      guard let error = error as? GzipError else {
        throw .file(path: name, problem: "cannot be read; name a file of rows")
      }
      throw .file(
        path: name,
        problem: "cannot be decompressed (\(error)); check it with `gzip -t`, or fetch it again")
    }
    if isAtStart {
      isAtStart = false
      if let problem = Self.problem(ofBeginning: piece) {
        throw .file(path: name, problem: problem)
      }
      if piece.starts(with: [0xEF, 0xBB, 0xBF]) { piece.removeFirst(3) }
    }
    return piece
  }

  private func nextPiece() throws -> Data {
    if let gzip { return try gzip.next() }
    var piece = try readPiece(of: handle, atMost: 1 << 18)
    guard isAtStart else { return piece }
    // A pipe may give a single byte first.
    while piece.count == 1, case let more = try readPiece(of: handle, atMost: 1 << 18),
      !more.isEmpty
    {
      piece += more
    }
    guard piece.starts(with: [0x1F, 0x8B]) else { return piece }  // RFC 1952, 2.3.1
    let gzip = GzipReader(handle, beginning: piece)
    self.gzip = gzip
    return try gzip.next()
  }

  /// What the first bytes say of files that hold no text.
  private static func problem(ofBeginning piece: Data) -> String? {
    if piece.starts(with: Array("PAR1".utf8)) {
      return "is a Parquet file, which is not read; convert it: python3 -c \"import pandas; "
        + "pandas.read_parquet('FILE.parquet').to_json('FILE.jsonl', orient='records', lines=True)\""
    }
    if piece.starts(with: Array("version https://git-lfs".utf8)) {
      return "is a pointer of Git LFS and not the file itself; fetch that: git lfs pull"
    }
    if piece.starts(with: Array("PK\u{3}\u{4}".utf8)) {
      return "is a zip archive, which is not read; unpack it: unzip FILE.zip"
    }
    if piece.starts(with: Array("ARROW1".utf8)) || piece.starts(with: [0xFF, 0xFF, 0xFF, 0xFF]) {
      return "is an Arrow file, which is not read; convert it: python3 -c \"import datasets; "
        + "datasets.Dataset.from_file('FILE.arrow').to_json('FILE.jsonl')\""
    }
    if piece.starts(with: Array("<!DOCTYPE".utf8)) || piece.starts(with: Array("<html".utf8)) {
      return "is a web page and not the file itself; fetch the file that the page is about"
    }
    if piece.starts(with: [0xFF, 0xFE]) || piece.starts(with: [0xFE, 0xFF]) {
      return "is text in UTF-16; convert it: iconv -f UTF-16 -t UTF-8"
    }
    return nil
  }
}
