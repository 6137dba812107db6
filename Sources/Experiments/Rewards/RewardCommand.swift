import Formats
import Foundation
import RLHF
import Statistics
import Synchronization

/// A program that judges responses: it reads a JSON line for each and answers every one, in order, by
/// a line with a number. It is started for its first batch and goes on until it is let go of.
final class RewardCommand: Sendable {
  private let command: String
  private let limit: Duration
  private let child = Mutex<ChildProcess?>(nil)

  init(_ source: RewardSource) {
    command = source.command ?? ""
    limit = .seconds(source.timeout)
  }

  /// One number for every row, which are asked for at most ``/RLHF/RewardSource/commandBatch`` at a time.
  ///
  /// - Parameter rows: a line of JSON each, without its end.
  /// - Throws: ``RewardCommandError``; the command is killed then.
  func scores(of rows: [String]) throws -> [Double] {
    try child.withLock { child in
      do {
        let running = try child ?? start()
        child = running
        var scores: [Double] = []
        while scores.count < rows.count {
          scores += try batch(rows[scores.count...].prefix(RewardSource.commandBatch), running)
        }
        return scores
      } catch {
        child?.stop(patience: .zero)
        child = nil
        throw error
      }
    }
  }

  private func start() throws -> ChildProcess {
    do { return try ChildProcess(shell: command) } catch {
      throw failure(.unstartable(reason: FileWritingError.reason(of: error)))
    }
  }

  private func batch(_ rows: ArraySlice<String>, _ child: ChildProcess) throws -> [Double] {
    var answers: [Double] = []
    var isBegun = false
    let text = rows.joined(separator: "\n") + "\n"
    let outcome = try child.exchange(Array(text.utf8), within: limit) { received in
      // What was there before the batch answers nothing, nor does what follows its last answer.
      if !isBegun, !received.isEmpty { throw failure(.surplus(line: Self.line(of: received))) }
      isBegun = true
      while answers.count < rows.count {
        let line = Self.line(of: received)
        let end = received.firstIndex(of: UInt8(ascii: "\n"))
        guard end != nil || received.count > Self.longestLine else { return false }
        guard let end, let answer = Double(decimal: line) else {
          throw failure(.notANumber(line: line, id: rows.startIndex + answers.count))
        }
        answers.append(answer)
        received.removeFirst(end + 1)
      }
      guard received.isEmpty else { throw failure(.surplus(line: Self.line(of: received))) }
      return true
    }
    switch outcome {
    case .done: return answers
    case .ended(let end):
      throw failure(
        .ended(
          end.map { "\($0)" } ?? "its standard output closed", answered: answers.count,
          of: rows.count, errors: child.lastErrors))
    case .timedOut:
      throw failure(
        .timedOut(limit, answered: answers.count, of: rows.count, errors: child.lastErrors))
    }
  }

  private static let longestLine = 4_096

  /// The first line, as a message quotes it.
  private static func line(of bytes: [UInt8]) -> String {
    String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }.prefix(longestLine), as: UTF8.self)
  }

  private func failure(_ problem: RewardCommandError.Problem) -> RewardCommandError {
    RewardCommandError(command: command, problem: problem)
  }
}

/// Why a command gave no reward.
struct RewardCommandError: EndingError, Sendable, CustomStringConvertible {
  enum Problem: Sendable, Equatable {
    case unstartable(reason: String)
    /// It ended, or closed its output, in the middle of a batch.
    case ended(String, answered: Int, of: Int, errors: [String])
    case timedOut(Duration, answered: Int, of: Int, errors: [String])
    /// The answer to the row of that `id`.
    case notANumber(line: String, id: Int)
    /// A line that answers no row.
    case surplus(line: String)
  }

  let command: String
  let problem: Problem

  var exitStatus: ExitStatus {
    switch problem {
    case .unstartable, .ended, .timedOut: .inputOutput
    case .notANumber, .surplus: .badData
    }
  }

  var description: String { "`ppo.reward` command `\(command)`: \(text)" }

  private var text: String {
    func quoted(_ line: String) -> String {
      "\"\(line.prefix(80))\(line.count > 80 ? "…" : "")\""
    }
    func said(_ errors: [String]) -> String {
      errors.isEmpty
        ? "nothing on its standard error"
        : "its standard error ends: " + errors.joined(separator: " | ")
    }
    switch problem {
    case .unstartable(let reason):
      return "it cannot be started: \(reason); end other processes, or close files"
    case .ended(let how, let answered, let count, let errors):
      return "it ended after \(answered) of \(count) answers with \(how), \(said(errors)); it must "
        + "answer every line, and go on until its input ends"
    case .timedOut(let limit, let answered, let count, let errors):
      let seconds = NumberText.plain(limit / .seconds(1), 2)
      return "\(answered) of \(count) answers within \(seconds) s, \(said(errors)); have it flush "
        + "its output after every line (in Python print(…, flush=True)), or raise `timeout`"
    case .notANumber(let line, let id):
      return
        "its answer to the row with id \(id) is \(quoted(line)), which is no decimal number below "
        + "3.4e38; have it answer every line by one with a number and nothing else"
    case .surplus(let line):
      return "it wrote \(quoted(line)), which answers no line; have it write one line for each "
        + "that it reads"
    }
  }
}
