import Foundation
import LanguageModels
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite("Probes of a reward model")
struct RewardProbeTests {
  static let end: Int32 = 0

  private func exchange(_ prompt: [Int32], _ response: [Int32]) -> Exchange {
    Exchange(prompt: prompt, response: response)
  }

  private func probing(
    positions: Int = 100, gold: ((Exchange) -> Double)? = nil,
    _ score: @escaping (Exchange) -> Double
  ) -> RewardProbing {
    RewardProbing(
      specialTokens: SpecialTokens(endOfSequence: Self.end, padding: nil), positions: positions,
      gold: gold
    ) { $0.map(score) }
  }

  @Test("change what they say they change, and nothing else")
  func applied() {
    let original = exchange([1], [2, 3, 4, 5, 6])
    func after(_ probe: RewardProbe) -> Exchange? {
      probe.applied(to: original, filler: [9, 8], otherPrompt: [7])
    }
    #expect(after(.filler) == exchange([1], [2, 3, 4, 5, 6, 9, 8]))
    #expect(after(.repetition) == exchange([1], [2, 3, 4, 5, 6, 3, 4, 5, 6]))
    #expect(after(.truncation) == exchange([1], [2, 3]))
    #expect(after(.swappedPrompt) == exchange([7], [2, 3, 4, 5, 6]))
    // Half of one token is nothing, and no other prompt is no change.
    #expect(
      RewardProbe.truncation.applied(to: exchange([1], [2]), filler: [], otherPrompt: nil) == nil)
    #expect(RewardProbe.swappedPrompt.applied(to: original, filler: [], otherPrompt: nil) == nil)
  }

  @Test("filler is the commonest tokens of the responses, never an end; prompts do not count")
  func filler() {
    let responses = [
      exchange([7, 7, 7, 7], [5, 5, 5, 3, 3, 0]), exchange([7], [9, 9, 4, 0]),
      exchange([7], [2, 4, 6, 0]),
    ]
    #expect(RewardProbe.commonTokens(of: responses, except: [0]) == [5, 3, 4, 9])
  }

  @Test("report the mean change with its interval, the same for a reward that counts tokens")
  func counting() throws {
    let responses = (0..<10).map { exchange([Int32($0)], Array(repeating: 3, count: 4 + $0 % 2)) }
    // One token is common here, so filler is one token long; ends are scored and cancel.
    let results = try probing { Double($0.response.count) }(responses)
    #expect(results.map(\.name) == RewardProbe.allCases.map(\.rawValue))
    #expect(results.map(\.change.mean) == [1, 4, -2.5, 0])
    #expect(results.map(\.count) == [10, 10, 10, 10])
    #expect(results[0].change.low == 1 && results[0].change.high == 1)
    // Changes are −2 and −3, five times each.
    let interval = MeanInterval((0..<10).map { $0 % 2 == 0 ? -2.0 : -3 })
    #expect(results[2].change == interval)
    #expect(results.allSatisfy { $0.goldChange == nil })
  }

  @Test("score responses with exactly one end, and gold without any")
  func ends() throws {
    let comparisons = (0..<3).map {
      RankedResponses(prompt: [Int32(10 + $0)], chosen: [1, 2, 0], rejected: [2, 3, 4, 0])
    }
    func gold(_ exchange: Exchange) -> Double {
      #expect(!exchange.response.contains(0))
      return Double(exchange.response.count)
    }
    let probing = probing(gold: gold) { exchange in
      #expect(exchange.response.last == 0 && exchange.response.count { $0 == 0 } == 1)
      return 0
    }
    let results = try probing(probing.responses(of: comparisons))
    #expect(results.count == 4)
    // Gold changes in sd of gold: lengths 2 and 3, three times each.
    let deviation = Summary([2, 3, 2, 3, 2, 3]).standardDeviation
    #expect(abs((results[0].goldChange?.mean ?? 0) - 4 / deviation) < .float64Rounding)
  }

  @Test("the swapped prompt is another row's, also for the last row and among equal prompts")
  func swapped() throws {
    let responses = [exchange([1], [5]), exchange([1], [6]), exchange([2], [7])]
    var seen: [[Int32]] = []
    let results = try probing {
      seen.append($0.prompt)
      return 0
    }(responses)
    #expect(seen.suffix(3) == [[2], [2], [1]])
    #expect(results.last?.name == "swapped_prompt" && results.last?.count == 3)
  }

  @Test("what would not fit the model is not scored, and a probe without responses says nothing")
  func positions() throws {
    let responses = [exchange([1, 2], [3, 4, 5, 6]), exchange([1, 3], [3, 4])]
    let results = try probing(positions: 7) { exchange in
      #expect(exchange.count <= 7)
      return 1
    }(responses)
    // With four filler tokens neither fits; repeated, only 2 + 2 + 2 + 1 do.
    #expect(results.map(\.name) == ["repetition", "truncation", "swapped_prompt"])
    #expect(results.map(\.count) == [1, 2, 2])
  }

  @Test("one position is left for EOS: a text that fills the model without one is not scored")
  func roomForTheEnd() throws {
    // With four filler tokens the response takes 7 positions, and with its end 8.
    let responses = [exchange([1], [3, 4]), exchange([2], [5, 6])]
    func probes(positions: Int) throws -> [String] {
      try probing(positions: positions) { exchange in
        #expect(exchange.count <= positions)
        return 1
      }(responses).map(\.name)
    }
    #expect(try !probes(positions: 7).contains("filler"))
    #expect(try probes(positions: 8).contains("filler"))
  }

  @Test("of many pairs one side each is taken by turns, of few both, a thousand at most")
  func responses() {
    func comparisons(_ count: Int) -> [RankedResponses] {
      (0..<count).map { _ in RankedResponses(prompt: [1], chosen: [2, 0], rejected: [3, 0]) }
    }
    let probing = probing { _ in 0 }
    #expect(probing.responses(of: comparisons(499)).count == 998)
    let many = probing.responses(of: comparisons(2_000))
    #expect(many.count == 1_000)
    #expect(many[0].response == [2] && many[1].response == [3])
    #expect(probing.responses(of: comparisons(700)).count == 700)
  }
}
