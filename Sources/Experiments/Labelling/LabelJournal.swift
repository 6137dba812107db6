import Formats
package import Foundation
import Preferences
package import Statistics

/// What a person has judged so far, on disk at every moment: the answers in `FILE.journal`, and the
/// preference rows that follow from them in `FILE`.
package struct LabelJournal {
  /// The preference rows, for `train-reward`.
  let file: URL
  /// Every answer in order, ties and skipped pairs among them: what judging goes on from.
  package let journal: URL
  package private(set) var answers: [LabelledPair]
  /// Holds a lock on the journal, so that one process writes it at a time.
  private var lock: FileHandle?

  /// Begins a journal, or goes on with the one that is there.
  ///
  /// - Throws: ``LoopError/taken(_:)`` for a file of rows without a journal, which is left alone, and for
  ///   one that another process writes; ``LoopError/input(_:)`` for a journal that cannot be read.
  package init(at file: URL) throws {
    self.file = file
    journal = file.appendingPathExtension("journal")
    let files = FileManager.default
    guard files.fileExists(atPath: journal.path) else {
      guard !files.fileExists(atPath: file.path) else {
        throw LoopError.taken(
          "\(file.path) exists and is none of `label`'s files (\(journal.lastPathComponent) is not "
            + "beside it)")
      }
      answers = []
      return
    }
    answers = try Self.read(journal)
    lock = FileHandle(forReadingAtPath: journal.path)
    if let lock, flock(lock.fileDescriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      throw taken
    }
    removeAbandoned(of: file)
    removeAbandoned(of: journal)
    // An interruption may have come between the two files.
    try writeRows()
  }

  package mutating func append(_ answer: LabelledPair) throws {
    answers.append(answer)
    try write()
  }

  /// Takes the last answer back; says whether there was one.
  package mutating func undo() throws -> Bool {
    guard answers.popLast() != nil else { return false }
    try write()
    return true
  }

  private var taken: LoopError {
    .taken("\(file.path) is written by another `label`, which must end first")
  }

  /// Whether the journal that is there is the one that is locked.
  private var isOwn: Bool {
    var (own, found) = (stat(), stat())
    guard stat(journal.path, &found) == 0 else { return true }
    return lock.map { fstat($0.fileDescriptor, &own) == 0 && own.st_ino == found.st_ino } ?? false
  }

  private mutating func write() throws {
    guard isOwn else { throw taken }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var lines = Data()
    for answer in answers { lines += try encoder.encode(answer) + Data("\n".utf8) }
    try writeFileAtomically(to: journal) { handle in
      try handle.write(contentsOf: lines)
      // The lock of the writing is kept beyond it.
      lock = FileHandle(fileDescriptor: dup(handle.fileDescriptor), closeOnDealloc: true)
    }
    try writeRows()
  }

  private func writeRows() throws {
    let rows = try answers.compactMap(\.comparison).map {
      try PreferenceRow.comparison($0).line() + "\n"
    }
    try writeFileAtomically(Data(rows.joined().utf8), to: file)
  }

  private static func read(_ journal: URL) throws -> [LabelledPair] {
    let data: Data
    do { data = try readFile(journal, atMost: LargestFile.record) } catch {
      throw LoopError.input("\(journal.path): \(error); check the file and its permissions")
    }
    return try data.split(separator: UInt8(ascii: "\n")).enumerated().map { index, line in
      do { return try JSONDecoder().decode(LabelledPair.self, from: Data(line)) } catch {
        throw LoopError.input(
          "\(journal.path):\(index + 1): this is no answer that `label` wrote; repair or remove the "
            + "file")
      }
    }
  }
}

/// How often a person judges as the simulated annotators do, and as gold does.
package struct LabelAgreement: Codable, Sendable, Equatable {
  /// Pairs with a choice.
  package var judged: Int
  package var ties: Int
  package var skipped: Int
  /// With the annotator who was drawn for each pair.
  package var annotators: Proportion
  /// Two annotators drawn for the same pair would agree this often: Σ p² + (1 − p)², over the pairs.
  package var annotatorsAmongThemselves: Double
  /// With gold, where the responses differ in it.
  package var gold: Proportion
  /// The annotators' own agreement with gold on those pairs.
  package var annotatorsWithGold: Proportion
  /// How often the left response was chosen: far from a half is a habit, for sides are drawn by lot.
  package var left: Proportion

  /// `nil` when nothing was judged.
  package init?(_ answers: [LabelledPair]) {
    let judged = answers.filter { $0.answer == .left || $0.answer == .right }
    guard !judged.isEmpty else { return nil }
    func share(of pairs: [LabelledPair], _ isCounted: (LabelledPair) -> Bool) -> Proportion {
      Proportion(successes: Double(pairs.count(where: isCounted)), of: pairs.count)
    }
    self.judged = judged.count
    ties = answers.count { $0.answer == .tie }
    skipped = answers.count { $0.answer == .skip }
    annotators = share(of: judged) { ($0.answer == .left) == $0.pair.annotatorChoseLeft }
    annotatorsAmongThemselves =
      judged.reduce(0) { sum, answer in
        let p = answer.pair.leftProbability
        return sum + p * p + (1 - p) * (1 - p)
      } / Double(judged.count)
    let different = judged.filter { $0.pair.leftGold != $0.pair.rightGold }
    gold = share(of: different) {
      ($0.answer == .left) == ($0.pair.leftGold > $0.pair.rightGold)
    }
    annotatorsWithGold = share(of: different) {
      $0.pair.annotatorChoseLeft == ($0.pair.leftGold > $0.pair.rightGold)
    }
    left = share(of: judged) { $0.answer == .left }
  }

  private enum CodingKeys: String, CodingKey {
    case judged, ties, skipped, annotators, gold, left
    case annotatorsAmongThemselves = "annotators_among_themselves"
    case annotatorsWithGold = "annotators_with_gold"
  }
}
