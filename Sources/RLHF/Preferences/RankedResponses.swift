package import LanguageModels

/// What one prompt teaches a reward model: its responses in tokens, from the best to the worst, each
/// as ``RewardModel/ended(_:)`` makes it. Two make a pair; one alone teaches only by its ratings.
package struct RankedResponses: Sendable, Equatable {
  package var prompt: [Int32]
  package var responses: [[Int32]]
  /// m of the loss of a pair: by how much the chosen reward should be above the rejected one.
  package var margin = 0.0
  /// p of a soft label: the probability that the first response of a pair is the better one.
  package var probability: Double?
  /// One rating per response, in the units that rewards shall have, or 0 and 1 for labels; with
  /// ``stepEnds``, one label per step.
  package var ratings: [Double]?
  /// Where each step of the one response ends, as places in it, the last one at its end; nil where
  /// steps are not labelled.
  package var stepEnds: [Int]?

  package init(prompt: [Int32], responses: [[Int32]]) {
    self.prompt = prompt
    self.responses = responses
  }

  /// A pair.
  package init(prompt: [Int32], chosen: [Int32], rejected: [Int32], margin: Double = 0) {
    self.init(prompt: prompt, responses: [chosen, rejected])
    self.margin = margin
  }

  /// The first response of a pair.
  package var chosen: [Int32] { responses[0] }
  /// The second response of a pair.
  package var rejected: [Int32] { responses[1] }

  /// Best to worst; neighbours, so that their prompt is computed once.
  package var exchanges: [Exchange] {
    responses.map { Exchange(prompt: prompt, response: $0) }
  }

  /// The one response up to the end of each of its steps: what a model that sees no later token says at
  /// the end of each is its reward there.
  package var stepExchanges: [Exchange] {
    (stepEnds ?? []).map { Exchange(prompt: prompt, response: Array(responses[0][...$0])) }
  }

  /// Tokens, the prompt counted once.
  package var count: Int { responses.reduce(prompt.count) { $0 + $1.count } }

  /// C(K, 2), the number of pairs in the ranking.
  package var pairCount: Int { responses.count * (responses.count - 1) / 2 }

  /// y of each response, 1 for a desirable one: its ratings; of a pair without any, 1 for the chosen and
  /// 0 for the rejected response, as TRL splits pairs; none where nothing says which are good. A
  /// response whose steps are labelled has the lowest of their labels: it is right where they all are.
  package var labels: [Double] {
    guard let ratings else { return responses.count == 2 ? [1, 0] : [] }
    if stepEnds != nil { return [ratings.min() ?? 0] }
    return ratings.count == responses.count ? ratings : []
  }

  /// Its responses one by one, each with its label.
  package var labelled: [RankedResponses] {
    zip(responses, labels).map { response, label in
      var element = RankedResponses(prompt: prompt, responses: [response])
      element.ratings = [label]
      return element
    }
  }

  /// Every better response with every worse one: (0, 1), (0, 2), …, (1, 2), …; a pair is itself.
  package var pairs: [RankedResponses] {
    guard responses.count > 2 else { return pairCount == 1 ? [self] : [] }
    return responses.indices.flatMap { better in
      responses[(better + 1)...].map {
        RankedResponses(prompt: prompt, chosen: responses[better], rejected: $0)
      }
    }
  }
}

/// The elements of batches that rows make: the rows themselves, or every pair of every row, better
/// before worse, unpacked when it is asked for.
package struct RewardElements<Rows: RandomAccessCollection<RankedResponses>>:
  RandomAccessCollection
where Rows.Index == Int {
  private let rows: Rows
  /// How many pairs there are in the rows up to each, itself included; nil where a row is an element.
  private let ends: [Int]?

  /// - Parameter takesPairs: whether a ranking becomes its pairs.
  init(of rows: Rows, takesPairs: Bool) {
    self.rows = rows
    guard takesPairs, rows.contains(where: { $0.responses.count > 2 }) else {
      ends = nil
      return
    }
    var total = 0
    ends = rows.map {
      total += $0.pairCount
      return total
    }
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { ends.map { $0.last ?? 0 } ?? rows.count }

  package subscript(index: Int) -> RankedResponses {
    guard let ends else { return rows[rows.startIndex + index] }
    // The first row that ends behind the index.
    var (low, high) = (0, ends.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] > index { high = middle } else { low = middle + 1 }
    }
    return rows[rows.startIndex + low].pairs[index - (low > 0 ? ends[low - 1] : 0)]
  }
}
