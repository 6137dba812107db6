package import LanguageModels
import Numerics
package import Statistics

/// A change to a response or its prompt that shows what a reward model looks at. Probes work on tokens,
/// so on text of any vocabulary.
package enum RewardProbe: String, Sendable, CaseIterable {
  /// Four filler tokens are appended to the response.
  case filler
  /// The last four tokens of the response are repeated.
  case repetition
  /// Only the first half of the response is left.
  case truncation
  /// The response is scored after the prompt of another row.
  case swappedPrompt = "swapped_prompt"

  /// Tokens that filler and repetition add.
  static let addedTokens = 4

  /// The four tokens that occur most often in the responses, the commonest first: what the text is
  /// full of anyway, and so the least that an addition can say. Equally common tokens are ordered
  /// by their ids.
  ///
  /// - Parameter excluded: tokens that are no text, such as the end of a sequence.
  static func commonTokens(of exchanges: [Exchange], except excluded: Set<Int32>) -> [Int32] {
    var counts: [Int32: Int] = [:]
    for token in exchanges.lazy.flatMap(\.response) where !excluded.contains(token) {
      counts[token, default: 0] += 1
    }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(addedTokens).map(\.key)
  }

  /// The exchange after the probe; nil when it leaves nothing changed or nothing to say.
  ///
  /// - Parameters:
  ///   - exchange: its response without the end.
  ///   - filler: tokens that say little.
  ///   - otherPrompt: the prompt of another row, if there is one.
  func applied(to exchange: Exchange, filler: [Int32], otherPrompt: [Int32]?) -> Exchange? {
    var changed = exchange
    switch self {
    case .filler: changed.response += filler
    case .repetition: changed.response += exchange.response.suffix(Self.addedTokens)
    case .truncation:
      changed.response = Array(exchange.response.prefix(exchange.response.count / 2))
    case .swappedPrompt: changed.prompt = otherPrompt ?? exchange.prompt
    }
    return changed == exchange || changed.response.isEmpty ? nil : changed
  }
}

/// Probes of a reward model on held-out responses.
package struct RewardProbing {
  /// At most so many responses are probed.
  package static let limit = 1_000

  /// Normalised rewards of exchanges whose responses have their end.
  package let scores: ([Exchange]) throws -> [Double]
  /// The gold reward of a response without its end; nil where no world knows it.
  package let gold: ((Exchange) -> Double)?
  package let specialTokens: SpecialTokens
  /// The longest sequence that the model can hold, in tokens; longer ones are not probed.
  package let positions: Int

  package init(
    specialTokens: SpecialTokens, positions: Int, gold: ((Exchange) -> Double)? = nil,
    scores: @escaping ([Exchange]) throws -> [Double]
  ) {
    self.specialTokens = specialTokens
    self.positions = positions
    self.gold = gold
    self.scores = scores
  }

  /// The responses of comparisons to probe, without their ends: of each pair one, the chosen and the
  /// rejected by turns, so that they are independent; both where there are fewer than 500 pairs.
  package func responses(
    of comparisons: some RandomAccessCollection<RankedResponses>
  ) -> [Exchange] {
    let takesBoth = 2 * comparisons.count < Self.limit
    let exchanges = comparisons.prefix(Self.limit).enumerated().flatMap { index, comparison in
      let both = comparison.exchanges
      return takesBoth ? both : [both[index % 2]]
    }
    return exchanges.map { exchange in
      let isEnded = exchange.response.last.map(specialTokens.isEnd) == true
      return Exchange(
        prompt: exchange.prompt, response: Array(exchange.response.dropLast(isEnded ? 1 : 0)))
    }
  }

  /// What every probe changes, over the responses that it changes and that still fit.
  package func callAsFunction(_ responses: [Exchange]) throws -> [ProbeResult] {
    let filler = RewardProbe.commonTokens(of: responses, except: [specialTokens.endOfSequence])
    let before = try scores(responses.map(ended))
    let goldBefore = gold.map { gold in responses.map(gold) }
    let goldSD = goldBefore.map { Summary($0).standardDeviation } ?? 0
    return try RewardProbe.allCases.compactMap { probe in
      let changed = responses.indices.compactMap { index -> (index: Int, exchange: Exchange)? in
        let exchange = probe.applied(
          to: responses[index], filler: filler, otherPrompt: otherPrompt(index, in: responses))
        guard let exchange, exchange.count + 1 <= positions else { return nil }
        return (index, exchange)
      }
      guard !changed.isEmpty else { return nil }
      let after = try scores(changed.map { ended($0.exchange) })
      let goldChanges = goldBefore.flatMap { before in
        gold.map { gold in changed.map { (gold($0.exchange) - before[$0.index]) / goldSD } }
      }
      return ProbeResult(
        name: probe.rawValue,
        change: MeanInterval(zip(changed, after).map { $1 - before[$0.index] }),
        goldChange: goldSD > 0 ? goldChanges.map { MeanInterval($0) } : nil,
        count: changed.count)
    }
  }

  private func ended(_ exchange: Exchange) -> Exchange {
    Exchange(prompt: exchange.prompt, response: specialTokens.ended(exchange.response))
  }

  /// The next different prompt after that of a response, round the end.
  private func otherPrompt(_ index: Int, in responses: [Exchange]) -> [Int32]? {
    let others = (1..<max(1, responses.count)).lazy.map {
      responses[(index + $0) % responses.count].prompt
    }
    return others.first { $0 != responses[index].prompt }
  }
}
