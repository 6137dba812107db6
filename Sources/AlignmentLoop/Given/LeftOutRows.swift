import RewardModeling
import Transformer

/// Why a model can neither learn from a row nor be judged by it.
enum RowDefect: Sendable {
  /// A prompt and a response of it are longer than the model's positions.
  case tooLong
  /// Its prompt has no token, so that nothing stands before a response.
  case promptless
  /// Two of its responses are the same in tokens.
  case alike

  /// - Parameter positions: the longest sequence that the model can hold, in tokens.
  init?(of row: RankedResponses, positions: Int) {
    if row.prompt.isEmpty {
      self = .promptless
    } else if Set(row.responses).count < row.responses.count {
      self = .alike
    } else if row.exchanges.contains(where: { $0.count > positions }) {
      self = .tooLong
    } else {
      return nil
    }
  }
}

/// How many rows were left out, by kind.
struct LeftOutRows: Sendable, Equatable {
  private(set) var tooLong = 0
  private(set) var promptless = 0
  private(set) var alike = 0
  /// Ratings that no other rating of their prompt could be held against.
  var unpaired = 0

  var count: Int { tooLong + promptless + alike + unpaired }

  mutating func add(_ defect: RowDefect) {
    switch defect {
    case .tooLong: tooLong += 1
    case .promptless: promptless += 1
    case .alike: alike += 1
    }
  }

  /// What a person is told; nil when none was left out.
  ///
  /// - Parameters:
  ///   - total: how many there were.
  ///   - what: "held-out comparisons".
  func note(of total: Int, _ what: String, positions: Int) -> String? {
    guard count > 0 else { return nil }
    let kinds = [
      (tooLong, "longer than the model's \(positions) positions"),
      (promptless, "without a prompt"),
      (alike, "with responses alike in tokens"),
      (unpaired, "with no other rating of their prompt to be held against"),
    ]
    let said = kinds.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    return "\(count) of \(total) \(what) are left out: \(said)"
  }
}
