import Foundation
import Synchronization
import Testing

@testable import Formats

@Suite struct AtomicWritingTests {
  struct Interruption: Error {}
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  func text(_ path: String) throws -> String {
    try String(contentsOf: directory.file(path), encoding: .utf8)
  }

  func save(_ text: String, replacing: Bool = false) throws {
    try writeDirectoryAtomically(directory.file("model"), replacingExisting: replacing) {
      try Data(text.utf8).write(to: $0.appending(path: "file"))
    }
  }

  @Test("a directory appears with its contents, and its parents are made")
  func creation() throws {
    try writeDirectoryAtomically(directory.file("deep/er/model"), replacingExisting: false) {
      try FileManager.default.createDirectory(
        at: $0.appending(path: "inner"), withIntermediateDirectories: false)
      try Data("x".utf8).write(to: $0.appending(path: "inner/file"))
    }
    #expect(try text("deep/er/model/inner/file") == "x")
    #expect(try directory.contents == ["deep"])
  }

  @Test("an existing directory is left alone unless replacing is asked for")
  func replacing() throws {
    try save("old")
    #expect(throws: FileWritingError.exists(path: directory.file("model").path)) {
      try save("new")
    }
    #expect(try text("model/file") == "old")
    try save("new", replacing: true)
    #expect(try text("model/file") == "new")
    #expect(try directory.contents == ["model"])
  }

  @Test("an empty directory may be filled, a file may not be replaced by a directory")
  func emptyDirectoryAndFile() throws {
    try FileManager.default.createDirectory(
      at: directory.file("model"), withIntermediateDirectories: false)
    try save("new")
    #expect(try text("model/file") == "new")
    try Data("keep".utf8).write(to: directory.file("plain"))
    #expect(throws: FileWritingError.self) {
      try writeDirectoryAtomically(directory.file("plain"), replacingExisting: true) { _ in }
    }
    #expect(try text("plain") == "keep")
  }

  @Test("when the body throws, what was there stays and nothing is left over")
  func interruption() throws {
    try save("old")
    #expect(throws: Interruption.self) {
      try writeDirectoryAtomically(directory.file("model"), replacingExisting: true) {
        try Data("half".utf8).write(to: $0.appending(path: "file"))
        throw Interruption()
      }
    }
    #expect(try text("model/file") == "old")
    #expect(try directory.contents == ["model"])
  }

  @Test("a directory that appears meanwhile is not lost")
  func race() throws {
    #expect(throws: FileWritingError.self) {
      try writeDirectoryAtomically(directory.file("model"), replacingExisting: false) { _ in
        try save("theirs")
      }
    }
    #expect(try text("model/file") == "theirs")
    #expect(try directory.contents == ["model"])
  }

  @Test("while a directory is replaced there is always one in its place, and its mode stays")
  func exchange() throws {
    try save("0")
    let file = directory.file("model/file").path
    #expect(chmod(directory.file("model").path, 0o710) == 0)
    let isOver = Atomic(false)
    let missing = Atomic(0)
    let watcher = Thread {
      while !isOver.load(ordering: .relaxed) {
        if access(file, F_OK) != 0 { missing.add(1, ordering: .relaxed) }
      }
      isOver.store(false, ordering: .relaxed)
    }
    watcher.start()
    for number in 1...40 { try save("\(number)", replacing: true) }
    isOver.store(true, ordering: .relaxed)
    while isOver.load(ordering: .relaxed) { usleep(1000) }
    #expect(missing.load(ordering: .relaxed) == 0)
    #expect(try text("model/file") == "40")
    let mode =
      try FileManager.default.attributesOfItem(
        atPath: directory.file("model").path)[.posixPermissions] as? Int
    #expect(mode == 0o710)
  }

  @Test("a checksum is zlib's, of data and of files in pieces")
  func checksum() throws {
    var checksum = Checksum()
    #expect(checksum.text == "00000000")
    checksum.add(Data("123456789".utf8))
    #expect(checksum.text == "cbf43926", "the check value of the CRC catalogue")
    let bytes = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
    try bytes.write(to: directory.file("bytes"))
    var (whole, pieces) = (Checksum(), Checksum())
    whole.add(bytes)
    try pieces.add(contentsOf: directory.file("bytes"))
    #expect(whole.text == pieces.text && whole.text != "00000000")
  }

  @Test("a link to a directory stays a link")
  func symbolicLink() throws {
    try save("old")
    try FileManager.default.createSymbolicLink(
      at: directory.file("link"), withDestinationURL: directory.file("model"))
    try writeDirectoryAtomically(directory.file("link"), replacingExisting: true) {
      try Data("new".utf8).write(to: $0.appending(path: "file"))
    }
    #expect(try text("model/file") == "new")
    #expect(try directory.contents == ["link", "model"])
  }

  @Test("a file is replaced whole, or not at all")
  func file() throws {
    let file = directory.file("file")
    try writeFileAtomically(Data("old".utf8), to: file)
    #expect(throws: FileWritingError.self) {
      try writeFileAtomically(to: file) {
        try $0.write(contentsOf: Data("half".utf8))
        throw Interruption()
      }
    }
    #expect(try text("file") == "old")
    try writeFileAtomically(Data("new".utf8), to: file)
    #expect(try text("file") == "new")
    #expect(try directory.contents == ["file"])
  }

  @Test("a place that cannot be written is named")
  func unwritable() throws {
    try Data().write(to: directory.file("file"))
    let error = #expect(throws: FileWritingError.self) {
      try writeFileAtomically(Data(), to: directory.file("file/inner"))
    }
    #expect("\(try #require(error))".contains("file/inner: cannot be written"))
  }
}
