/// Who beat whom at least once.
struct WinGraph {
  /// The items that each item beat.
  private let beaten: [[Int]]
  /// The items that beat each item.
  private let beatenBy: [[Int]]

  init(items: Int, _ outcomes: [BradleyTerry.Outcome]) {
    var beaten = Array(repeating: [Int](), count: items)
    var beatenBy = beaten
    for outcome in outcomes where outcome.weight > 0 && outcome.winner != outcome.loser {
      beaten[outcome.winner].append(outcome.loser)
      beatenBy[outcome.loser].append(outcome.winner)
    }
    (self.beaten, self.beatenBy) = (beaten, beatenBy)
  }

  /// The strongly connected components, each in order, sorted by their first item: the items that
  /// reach an item by wins and are reached from it.
  var components: [[Int]] {
    var isPlaced = Array(repeating: false, count: beaten.count)
    var components: [[Int]] = []
    for item in beaten.indices where !isPlaced[item] {
      let (above, below) = (reachable(from: item, beatenBy), reachable(from: item, beaten))
      let members = beaten.indices.filter { above[$0] && below[$0] }
      for member in members { isPlaced[member] = true }
      components.append(members)
    }
    return components
  }

  private func reachable(from start: Int, _ edges: [[Int]]) -> [Bool] {
    var isReached = Array(repeating: false, count: edges.count)
    isReached[start] = true
    var waiting = [start]
    while let item = waiting.popLast() {
      for next in edges[item] where !isReached[next] {
        isReached[next] = true
        waiting.append(next)
      }
    }
    return isReached
  }
}
