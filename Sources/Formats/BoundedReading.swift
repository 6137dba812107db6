package import Foundation

/// The largest files that are read whole into memory, in bytes. Rows and tensors are read piece by piece.
package enum LargestFile {
  /// A scenario, a plan, a lesson.
  package static let settings = 1 << 20
  /// What stands beside a model's tensors: the largest tokenizers known take 35 MB.
  package static let ofModel = 64 << 20
  /// What a run has recorded.
  package static let record = 1 << 30
}

/// Why a file was not read whole.
package enum FileReadingError: Error, Sendable, Equatable, CustomStringConvertible {
  case unreadable(reason: String)
  case tooLarge(limit: Int)

  package var description: String {
    switch self {
    case .unreadable: "cannot be read"
    case .tooLarge(let limit):
      "is larger than \(limit >> 20) MiB, the most that is read of such a file"
    }
  }
}

/// The next bytes of a file; empty at its end. Foundation's `read(upToCount:)` takes it for the end, too, when memory
/// for them is refused.
///
/// - Throws: `POSIXError`
package func readPiece(of handle: FileHandle, atMost count: Int) throws(POSIXError) -> Data {
  var piece = Data(count: count)
  let (length, failure) = piece.withUnsafeMutableBytes { buffer in
    while true {
      let length = read(handle.fileDescriptor, buffer.baseAddress, count)
      if length >= 0 || errno != EINTR { return (length, errno) }
    }
  }
  guard length >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: failure) ?? .EIO) }
  return piece.prefix(length)
}

/// The bytes of a file, of which no more than `limit` are ever in memory: a device such as /dev/zero
/// has no end.
package func readFile(_ file: URL, atMost limit: Int) throws(FileReadingError) -> Data {
  do {
    let handle = try FileHandle(forReadingFrom: file)
    defer { try? handle.close() }
    var data = Data()
    while data.count <= limit {
      let piece = try readPiece(of: handle, atMost: min(1 << 20, limit + 1 - data.count))
      if piece.isEmpty { return data }
      data += piece
    }
  } catch {
    throw .unreadable(reason: FileWritingError.reason(of: error))
  }
  throw .tooLarge(limit: limit)
}
