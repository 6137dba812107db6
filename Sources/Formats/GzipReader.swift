import CZlib
package import Foundation

/// What can be wrong with compressed bytes.
package enum GzipError: EndingError, Sendable, Equatable, CustomStringConvertible {
  case truncated
  /// In the words of zlib, such as "incorrect data check".
  case damaged(reason: String)

  package var exitStatus: ExitStatus { .badData }

  package var description: String {
    switch self {
    case .truncated: "it ends too early"
    case .damaged(let reason): reason
    }
  }
}

/// Decompresses gzip (RFC 1952) piece by piece: memory grows neither with the file nor with what a
/// piece of it expands to. Members that follow each other read as one text.
package final class GzipReader {
  private static let pieceSize = 1 << 18
  private let handle: FileHandle
  /// zlib keeps the address of this, so that it must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  private var input = Data()
  private var isInMember = true

  /// - Parameter beginning: compressed bytes that have been read from the handle already.
  package init(_ handle: FileHandle, beginning: Data = Data()) {
    self.handle = handle
    input = beginning
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let code = inflate_gzip(stream)
    precondition(code == Z_OK, "zlib cannot start: code \(code)")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// The next piece of the text; empty at the end.
  ///
  /// - Throws: ``GzipError``, and what reading the handle throws. What is damaged or truncated may
  ///   first give what stands before.
  package func next() throws -> Data {
    while true {
      if input.isEmpty { input = try readPiece(of: handle, atMost: Self.pieceSize) }
      guard !input.isEmpty else {
        if isInMember { throw GzipError.truncated }
        return Data()
      }
      if !isInMember {
        // Zeros may fill up the last block of a tape.
        input = input.drop { $0 == 0 }
        if input.isEmpty { continue }
        inflateReset(stream)
        isInMember = true
      }
      let piece = try inflatePiece()
      if !piece.isEmpty { return piece }
    }
  }

  private func inflatePiece() throws(GzipError) -> Data {
    var piece = Data(count: Self.pieceSize)
    let code = input.withUnsafeMutableBytes { input in
      piece.withUnsafeMutableBytes { piece in
        stream.pointee.next_in = input.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = piece.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = UInt32(piece.count)
        return inflate(stream, Z_NO_FLUSH)
      }
    }
    input = input.suffix(Int(stream.pointee.avail_in))
    switch code {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: isInMember = false
    default:
      throw .damaged(reason: stream.pointee.msg.map { String(cString: $0) } ?? "code \(code)")
    }
    return piece.prefix(Self.pieceSize - Int(stream.pointee.avail_out))
  }
}
