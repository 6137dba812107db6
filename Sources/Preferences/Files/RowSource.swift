import Foundation

/// The bytes of a file of rows, piece by piece: a plain file, one compressed by gzip (its name ends
/// in `.gz`), or standard input (`-`; a file of that name is `./-`).
final class RowSource {
  /// What messages call it.
  let name: String
  private let handle: FileHandle
  private let gzip: (process: Process, messages: Pipe)?
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
    name = file.path
    closesHandle = true
    let opened: FileHandle
    do { opened = try FileHandle(forReadingFrom: file) } catch {
      throw .file(path: file.path, problem: "cannot be opened; check the path and permissions")
    }
    guard file.pathExtension.lowercased() == "gz" else {
      (handle, gzip) = (opened, nil)
      return
    }
    let process = Process()
    let (output, messages) = (Pipe(), Pipe())
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["gzip", "-dc"]
    process.standardInput = opened
    process.standardOutput = output
    process.standardError = messages
    do { try process.run() } catch {
      throw .file(
        path: file.path,
        problem: "gzip, which reads it, cannot be started (\(error)); decompress the file")
    }
    try? opened.close()
    (handle, gzip) = (output.fileHandleForReading, (process, messages))
  }

  /// Whether the file can be opened again and says the same: standard input and pipes cannot.
  static func canBeReadAgain(_ file: URL) -> Bool {
    if file.relativeString == "-" { return false }
    let values = try? file.resolvingSymlinksInPath().resourceValues(forKeys: [.isRegularFileKey])
    return values?.isRegularFile ?? false
  }

  /// A reader that stops early leaves nothing running.
  deinit {
    guard let gzip else {
      if closesHandle { try? handle.close() }
      return
    }
    try? handle.close()
    if gzip.process.isRunning { gzip.process.terminate() }
    gzip.process.waitUntilExit()
  }

  /// The next piece; empty at the end.
  ///
  /// - Throws: ``PreferenceError`` when reading fails, or when what was compressed is damaged or cut
  ///   off: at the end, for until then nobody can know.
  func read() throws(PreferenceError) -> Data {
    let piece: Data
    do { piece = try handle.read(upToCount: 1 << 18) ?? Data() } catch {
      throw .file(path: name, problem: "cannot be read; name a file of JSON lines")
    }
    if isAtStart, gzip == nil, piece.starts(with: Self.gzipMark) {
      throw .file(
        path: name,
        problem: "is compressed by gzip; give it a name that ends in .gz, or pipe it through "
          + "`gzip -dc`")
    }
    isAtStart = false
    if piece.isEmpty, let gzip {
      let said = (try? gzip.messages.fileHandleForReading.readToEnd()) ?? nil
      gzip.process.waitUntilExit()
      guard gzip.process.terminationStatus == 0 else {
        let reason = String(decoding: said ?? Data(), as: UTF8.self)
          .trimmingCharacters(in: .whitespacesAndNewlines)
          .replacing("\n", with: " ")
        throw .file(
          path: name,
          problem: "cannot be decompressed (\(reason)); check it with `gzip -t`, or fetch it again")
      }
    }
    return piece
  }
}
