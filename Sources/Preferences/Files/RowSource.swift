import Formats
import Foundation

/// The bytes of a file of rows, piece by piece: a plain file, one compressed by gzip (its name ends
/// in `.gz`), or standard input (`-`; a file of that name is `./-`).
final class RowSource {
  /// What messages call it.
  let name: String
  private let handle: FileHandle
  private let gzip: GzipReader?
  private let closesHandle: Bool
  private var isAtStart = true

  /// The first bytes of whatever gzip made (RFC 1952, 2.3.1).
  private static let gzipMark: [UInt8] = [0x1F, 0x8B]

  /// What a handle holds from where it is; it stays open.
  init(name: String, _ handle: FileHandle) {
    (self.name, self.handle, gzip, closesHandle) = (name, handle, nil, false)
  }

  /// - Throws: ``PreferenceError`` when it cannot be opened.
  init(_ file: URL, standardInput: FileHandle) throws(PreferenceError) {
    if file.relativeString == "-" {
      (name, handle, gzip, closesHandle) = ("standard input", standardInput, nil, false)
      return
    }
    (name, closesHandle) = (file.path, true)
    do { handle = try FileHandle(forReadingFrom: file) } catch {
      throw .file(path: file.path, problem: "cannot be opened; check the path and permissions")
    }
    gzip = file.pathExtension.lowercased() == "gz" ? GzipReader(handle) : nil
  }

  /// Whether the file can be opened again and says the same: standard input and pipes cannot.
  static func canBeReadAgain(_ file: URL) -> Bool {
    if file.relativeString == "-" { return false }
    let values = try? file.resolvingSymlinksInPath().resourceValues(forKeys: [.isRegularFileKey])
    return values?.isRegularFile ?? false
  }

  deinit {
    if closesHandle { try? handle.close() }
  }

  /// The next piece; empty at the end.
  ///
  /// - Throws: ``PreferenceError`` when reading fails, or when what was compressed is damaged or
  ///   truncated, perhaps after what stands before.
  func read() throws(PreferenceError) -> Data {
    let piece: Data
    do { piece = try gzip?.next() ?? handle.read(upToCount: 1 << 18) ?? Data() } catch {
      guard let error = error as? GzipError else {
        throw .file(path: name, problem: "cannot be read; name a file of JSON lines")
      }
      throw .file(
        path: name,
        problem: "cannot be decompressed (\(error)); check it with `gzip -t`, or fetch it again")
    }
    if isAtStart, gzip == nil, piece.starts(with: Self.gzipMark) {
      throw .file(
        path: name,
        problem: "is compressed by gzip; give it a name that ends in .gz, or pipe it through "
          + "`gzip -dc`")
    }
    isAtStart = false
    return piece
  }
}
