import Foundation

/// Maximum-likelihood Bradley–Terry strengths, in double precision and independent of any trainer:
/// `P(i ≻ j) = σ(s_i − s_j)`.
///
/// The log-likelihood `Σ w log σ(s_winner − s_loser)` is concave and fixes `s` up to a constant. It
/// has a maximum exactly when every item can be reached from every other by wins (Ford 1957;
/// Hunter 2004); without that some strength would grow for ever, and the data are refused.
package enum BradleyTerry {
  /// `weight` judgements of `winner` over `loser`; fractions are soft labels.
  package struct Outcome: Sendable, Equatable {
    package let winner: Int
    package let loser: Int
    package let weight: Double

    package init(winner: Int, loser: Int, weight: Double = 1) {
      self.winner = winner
      self.loser = loser
      self.weight = weight
    }
  }

  /// The strengths of items 0 ..< `items` of greatest likelihood, with mean 0, by Newton's method.
  ///
  /// - Throws: ``BradleyTerryError`` when there is no maximum.
  package static func fit(
    items: Int, _ outcomes: [Outcome]
  ) throws(BradleyTerryError) -> [Double] {
    for outcome in outcomes {
      precondition(
        (0..<items).contains(outcome.winner) && (0..<items).contains(outcome.loser),
        "Bradley–Terry: an outcome of items outside 0 ..< \(items)")
    }
    let components = WinGraph(items: items, outcomes).components
    guard components.count == 1 else { throw .noMaximum(components: components) }
    var strengths = Array(repeating: 0.0, count: items)
    var value = logLikelihood(of: strengths, outcomes)
    for _ in 0..<200 {
      let gradient = gradient(of: strengths, outcomes)
      // On the constant direction, which the likelihood does not see, the matrix is made regular.
      var matrix = negativeHessian(of: strengths, outcomes)
      let scale = (0..<items).reduce(0) { max($0, matrix[$1][$1]) }
      for row in 0..<items { for column in 0..<items { matrix[row][column] += scale } }
      guard scale > 0, let step = solve(matrix, gradient) else { break }
      // Concave, so a short enough step goes up; halving keeps the first steps from overshooting.
      var length = 1.0
      var next = zip(strengths, step).map { $0 + length * $1 }
      var reached = logLikelihood(of: next, outcomes)
      while reached < value, length > 1e-12 {
        length /= 2
        next = zip(strengths, step).map { $0 + length * $1 }
        reached = logLikelihood(of: next, outcomes)
      }
      // No step goes up any more: this is as far as double precision sees.
      guard reached >= value else { break }
      (strengths, value) = (next, reached)
      if length * step.reduce(0, { max($0, abs($1)) }) < 1e-15 { break }
    }
    let mean = strengths.reduce(0, +) / Double(items)
    return strengths.map { $0 - mean }
  }

  /// `Σ w log σ(s_winner − s_loser)`
  package static func logLikelihood(of strengths: [Double], _ outcomes: [Outcome]) -> Double {
    outcomes.reduce(0) {
      $0 - $1.weight * softplus(strengths[$1.loser] - strengths[$1.winner])
    }
  }

  /// `∂ log-likelihood / ∂ s_i = Σ wins w (1 − P) − Σ losses w (1 − P)`
  package static func gradient(of strengths: [Double], _ outcomes: [Outcome]) -> [Double] {
    var gradient = Array(repeating: 0.0, count: strengths.count)
    for outcome in outcomes {
      let error =
        outcome.weight * sigmoid(strengths[outcome.loser] - strengths[outcome.winner])
      gradient[outcome.winner] += error
      gradient[outcome.loser] -= error
    }
    return gradient
  }

  private static func negativeHessian(
    of strengths: [Double], _ outcomes: [Outcome]
  ) -> [[Double]] {
    let row = Array(repeating: 0.0, count: strengths.count)
    var matrix = Array(repeating: row, count: strengths.count)
    for outcome in outcomes {
      let (i, j) = (outcome.winner, outcome.loser)
      let probability = sigmoid(strengths[i] - strengths[j])
      let curvature = outcome.weight * probability * (1 - probability)
      matrix[i][i] += curvature
      matrix[j][j] += curvature
      matrix[i][j] -= curvature
      matrix[j][i] -= curvature
    }
    return matrix
  }

  /// x of A x = b by elimination with row pivots; nil when A is singular.
  private static func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double]? {
    var rows = zip(matrix, right).map { $0 + [$1] }
    let count = right.count
    for column in 0..<count {
      let pivot = (column..<count).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
      guard abs(rows[pivot][column]) > 0 else { return nil }
      rows.swapAt(column, pivot)
      for row in (column + 1)..<count {
        let factor = rows[row][column] / rows[column][column]
        for index in column...count { rows[row][index] -= factor * rows[column][index] }
      }
    }
    var solution = Array(repeating: 0.0, count: count)
    for row in (0..<count).reversed() {
      let known = ((row + 1)..<count).reduce(0) { $0 + rows[row][$1] * solution[$1] }
      solution[row] = (rows[row][count] - known) / rows[row][row]
    }
    return solution
  }
}

/// Why comparisons have no Bradley–Terry maximum.
package enum BradleyTerryError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The groups of items within which each beats each, directly or through others; each group in
  /// order, the groups by their first item.
  case noMaximum(components: [[Int]])

  package var description: String {
    switch self {
    case .noMaximum(let components):
      let groups = components.map { "{\($0.map(String.init).joined(separator: ", "))}" }
      return
        "the comparisons have no maximum-likelihood solution: no chain of wins leads both ways "
        + "between the groups \(groups.joined(separator: ", ")); add comparisons between them, or "
        + "fit each group by itself"
    }
  }
}

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

private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
