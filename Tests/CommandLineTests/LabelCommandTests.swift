import Foundation
import Testing

@Suite("label")
struct LabelCommandTests {
  private func label(_ keys: String, _ name: String, _ more: [String] = []) throws
    -> Program.Outcome
  {
    let run = try TinyRun.shared()
    return try Program.run(
      ["label", "--policy", "run/sft", "--output", name] + more + Program.tiny,
      in: run.directory, input: keys)
  }

  private func rows(_ name: String) throws -> [[String: Any]] {
    try TinyRun.shared().text(name).split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
    }
  }

  @Test("saves choices as preference rows, ties and skipped pairs apart, and undoes choices")
  func keys() throws {
    // Left, right by letter and by arrow; the last right is taken back; x means nothing.
    let outcome = try label("hxl\u{1B}[D\u{1B}[Ctsluq", "keys.jsonl", ["--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let choices = try rows("keys.jsonl")
    let journal = try rows("keys.jsonl.journal")
    #expect(choices.count == 4 && journal.count == 6)
    #expect(
      journal.compactMap { $0["answer"] as? String }
        == ["left", "right", "left", "right", "tie", "skip"])
    let pairs = journal.compactMap { $0["pair"] as? [String: Any] }
    for (index, choice) in choices.enumerated() {
      let isLeft = index % 2 == 0
      #expect(choice["prompt"] as? String == pairs[index]["prompt"] as? String)
      #expect(choice["chosen"] as? String == pairs[index][isLeft ? "left" : "right"] as? String)
      #expect(choice["rejected"] as? String == pairs[index][isLeft ? "right" : "left"] as? String)
      #expect(choice["annotator"] as? String == "person")
    }
    let agreement = try #require(try outcome.rows().first)
    #expect(agreement["judged"] as? Int == 4 && agreement["ties"] as? Int == 1)
    let left = try #require(agreement["left"] as? [String: Any])
    #expect(left["value"] as? Double == 0.5)
    let agreed = zip(pairs.prefix(4), [true, false, true, false]).count {
      $0["annotator_chose_left"] as? Bool == $1
    }
    let annotators = try #require(agreement["annotators"] as? [String: Any])
    #expect(annotators["value"] as? Double == Double(agreed) / 4)
    // What the person judges by does not show what they must not see.
    #expect(outcome.errors.contains("which response is better?"))
    #expect(!outcome.errors.contains("gold"))
  }

  @Test("two at a time do not take each other's answers, and what a killed one left goes")
  func lock() throws {
    _ = try label("hl", "locked.jsonl")
    let run = try TinyRun.shared()
    let other = try FileHandle(
      forReadingFrom: run.directory.appending(path: "locked.jsonl.journal"))
    #expect(flock(other.fileDescriptor, LOCK_EX | LOCK_NB) == 0)
    let outcome = try label("l", "locked.jsonl")
    #expect(outcome.code != 0 && outcome.errors.contains("is written by another `label`"))
    try other.close()

    func leave(_ name: String, seconds: Double) throws -> URL {
      let file = run.directory.appending(path: ".\(name).\(UUID().uuidString).partial")
      try Data().write(to: file)
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -seconds)], ofItemAtPath: file.path)
      return file
    }
    let isThere = { FileManager.default.fileExists(atPath: ($0 as URL).path) }
    let old = try leave("locked.jsonl", seconds: 3600)
    let used = try leave("locked.jsonl", seconds: 3600)
    let new = try leave("locked.jsonl", seconds: 0)
    let writer = try FileHandle(forReadingFrom: used)
    #expect(flock(writer.fileDescriptor, LOCK_EX | LOCK_NB) == 0)
    #expect(try label("l", "locked.jsonl").code == 0)
    #expect(!isThere(old) && isThere(used) && isThere(new))
    try writer.close()
    let rows = try leave("rows.jsonl", seconds: 3600)
    let arguments = ["annotate", "--policy", "run/sft", "--count", "2", "--output", "rows.jsonl"]
    #expect(try Program.run(arguments + Program.tiny, in: run.directory).code == 0)
    #expect(!isThere(rows))
  }

  @Test("goes on where it was left, with the same pairs as in one piece")
  func continuing() throws {
    _ = try label("hl", "pieces.jsonl")
    let first = try TinyRun.shared().text("pieces.jsonl")
    let outcome = try label("htl", "pieces.jsonl", ["--count", "4"])
    #expect(outcome.code == 0 && outcome.output.contains("Pairs judged: 3; ties: 1; skipped: 0."))
    // Three choices teach a reward model nothing.
    #expect(outcome.output.contains("Next: the same command again"), "\(outcome.output)")
    #expect(try TinyRun.shared().text("pieces.jsonl").hasPrefix(first))
    _ = try label("hlht", "whole.jsonl")
    let pieces = try TinyRun.shared().text("pieces.jsonl.journal")
    #expect(try pieces == TinyRun.shared().text("whole.jsonl.journal"))
    #expect(pieces.split(separator: "\n").count == 4)
  }

  @Test("refuses to go on with other pairs, and leaves files alone that it did not write")
  func refusing() throws {
    let run = try TinyRun.shared()
    _ = try label("hh", "other.jsonl")
    let before = try run.text("other.jsonl")
    let seed = try label("h", "other.jsonl", ["--seed", "2"])
    #expect(seed.code == 65 && seed.errors.contains("other.jsonl.journal:1: "))
    let foreign = try run.file("foreign.jsonl", "{}\n")
    let refused = try label("h", foreign)
    #expect(refused.code == 65 && refused.errors.contains("choose another --output"))
    #expect(try run.text("foreign.jsonl") == "{}\n" && run.text("other.jsonl") == before)
    _ = try run.file("broken.jsonl.journal", "{\"answer\":\"left\"}\n")
    let broken = try label("h", "broken.jsonl")
    #expect(broken.code == 65 && broken.errors.contains("broken.jsonl.journal:1: "))
    #expect(try label("", "nothing.jsonl").output == "Nothing is judged yet.\n")
  }

  @Test("its file trains a reward model")
  func training() throws {
    _ = try label(String(repeating: "hl", count: 30), "person.jsonl", ["--quiet"])
    #expect(try rows("person.jsonl").count == 60)
    let outcome = try TinyRun.shared().run(
      [
        "train-reward", "--base", "run/sft", "--preferences", "person.jsonl", "--eval",
        "run/preferences/eval.jsonl", "--out", "from-person", "--quiet",
      ] + Program.tiny)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(try TinyRun.shared().exists("from-person/reward/model.safetensors"))
  }
}
