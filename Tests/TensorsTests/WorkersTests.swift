import Statistics
import Synchronization
import Testing

@testable import Numerics

@Suite("Workers share out pieces of work")
struct WorkersTests {
  private struct Failure: Error, Equatable { let piece: Int }

  @Test("results stand in the order of the pieces", arguments: [1, 2, 7])
  func order(threads: Int) throws {
    for pieces in [0, 1, 2, 7, 100] {
      let results = try Workers(count: threads).map(pieces) { piece in
        // Early pieces take longest, so that they end last.
        var generator = SeededGenerator(seed: UInt64(piece))
        for _ in 0..<(pieces - piece) * 200 { _ = generator.next() }
        return piece * piece
      }
      #expect(results == (0..<pieces).map { $0 * $0 })
    }
  }

  @Test("the error of the first failing piece is thrown", arguments: [1, 2, 7])
  func firstError(threads: Int) {
    #expect(throws: Failure(piece: 5)) {
      try Workers(count: threads).map(40) { piece in
        if [5, 6, 31].contains(piece) { throw Failure(piece: piece) }
        return piece
      }
    }
    #expect(throws: Failure(piece: 5)) {
      try Workers(count: threads).forEach(40) { if $0 >= 5 { throw Failure(piece: $0) } }
    }
  }

  @Test("every piece runs once", arguments: [1, 2, 7])
  func once(threads: Int) throws {
    let counts = Mutex(Array(repeating: 0, count: 50))
    try Workers(count: threads).forEach(50) { piece in counts.withLock { $0[piece] += 1 } }
    #expect(counts.withLock { $0 } == Array(repeating: 1, count: 50))
  }

  @Test("numbers do not depend on the number of threads")
  func sameNumbers() throws {
    let root = SeededGenerator(seed: 9)
    func run(_ threads: Int) throws -> [Float] {
      try Workers(count: threads).map(20) { piece in
        var generator = root.stream("piece", piece)
        return Tensor.gaussian([64], sd: 1, using: &generator).values.reduce(0, +)
      }
    }
    let single = try run(1)
    #expect(try run(2) == single)
    #expect(try run(7) == single)
    #expect(Set(single).count == 20)
  }
}
