import Formats
import Foundation

// libFuzzer's entry; `script/fuzz` builds it with libFuzzer's own `main`. READER says which reader it is.

private let files: FileReaders = {
  let shared = URL(filePath: "/dev/shm")
  let isShared = FileManager.default.isWritableFile(atPath: shared.path)
  let here = URL(filePath: FileManager.default.currentDirectoryPath)
  do {
    return try FileReaders(
      in: isShared ? shared : FileManager.default.temporaryDirectory, repository: here)
  } catch {
    fatalError("\(error): run it from the repository's root")
  }
}()

private let reader: @Sendable (FileReaders, Data) throws -> Void = {
  guard let reader = FileReaders.all[ProcessInfo.processInfo.environment["READER"] ?? ""] else {
    print(FileReaders.all.keys.sorted().joined(separator: " "))
    fflush(nil)
    _exit(64)  // libFuzzer takes `exit` for a fault
  }
  atexit { files.remove() }
  return reader
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do { try reader(files, Data(UnsafeBufferPointer(start: bytes, count: count))) } catch {
    // Every error can be said.
    precondition(!"\(error)".isEmpty, "an error has a message")
    _ = (error as? any EndingError)?.exitStatus
  }
  return 0
}
