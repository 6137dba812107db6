import Foundation
import Statistics
import TestSupport
import Testing

@Suite("The maximum-likelihood Bradley–Terry oracle")
struct BradleyTerryTests {
  private func outcomes(_ counts: [(Int, Int, Double)]) -> [BradleyTerry.Outcome] {
    counts.map { BradleyTerry.Outcome(winner: $0.0, loser: $0.1, weight: $0.2) }
  }

  private func norm(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  @Test("of two items the strengths differ by the log of the odds")
  func two() throws {
    let strengths = try BradleyTerry.fit(items: 2, outcomes([(0, 1, 30), (1, 0, 10)]))
    #expect(abs(strengths[0] - strengths[1] - log(3)) < .float64Rounding)
    #expect(abs(strengths[0] + strengths[1]) < .float64Rounding)
  }

  @Test("probabilities of known strengths give them back, whatever the items' numbers of meetings")
  func population() throws {
    let known = [2.5, -1.5, 0.25, -3, 1.75]
    var judged: [(Int, Int, Double)] = []
    for i in known.indices {
      for j in known.indices where i != j {
        let meetings = Double(1 + (i * j) % 3)
        judged.append((i, j, meetings * Statistics.sigmoid(known[i] - known[j])))
      }
    }
    let strengths = try BradleyTerry.fit(items: 5, outcomes(judged))
    for (found, expected) in zip(strengths, known) {
      #expect(abs(found - expected) < .float64Solutions)
    }
  }

  @Test("the solution has gradient 0, every move lowers the likelihood, and Hunter's steps agree")
  func maximum() throws {
    let judged = outcomes([
      (0, 1, 7), (1, 0, 2), (1, 2, 5), (2, 1, 4), (2, 3, 6), (3, 2, 1), (0, 3, 9), (3, 1, 2),
    ])
    let strengths = try BradleyTerry.fit(items: 4, judged)
    #expect(norm(BradleyTerry.gradient(of: strengths, judged)) < .float64Rounding)
    let best = BradleyTerry.logLikelihood(of: strengths, judged)
    for item in 0..<4 {
      for move in [-0.01, 0.01] {
        var moved = strengths
        moved[item] += move
        #expect(BradleyTerry.logLikelihood(of: moved, judged) < best)
      }
    }
    // Hunter 2004: γ_i ← wins_i / Σ meetings / (γ_i + γ_j), an independent way up.
    var gamma = [1.0, 1, 1, 1]
    for _ in 0..<5_000 {
      gamma = gamma.indices.map { item in
        let wins = judged.filter { $0.winner == item }.reduce(0) { $0 + $1.weight }
        let meetings = judged.filter { $0.winner == item || $0.loser == item }
        return wins / meetings.reduce(0) { $0 + $1.weight / (gamma[$1.winner] + gamma[$1.loser]) }
      }
    }
    let logs = gamma.map { log($0) }
    let mean = logs.reduce(0, +) / 4
    for (found, expected) in zip(strengths, logs) {
      #expect(abs(found - expected + mean) < .float64Solutions)
    }
  }

  @Test("the gradient is the derivative of the likelihood")
  func gradient() {
    let judged = outcomes([(0, 1, 3), (1, 2, 1.5), (2, 0, 1), (0, 2, 2)])
    let place = [0.3, -0.7, 1.1]
    let gradient = BradleyTerry.gradient(of: place, judged)
    for item in 0..<3 {
      func value(_ move: Double) -> Double {
        var moved = place
        moved[item] += move
        return BradleyTerry.logLikelihood(of: moved, judged)
      }
      // A likelihood about 10 in Float64 over 2e-5: 10·u / 2e-5 = 5e-11, and h² of curvature.
      #expect(abs((value(1e-5) - value(-1e-5)) / 2e-5 - gradient[item]) < 1e-8)
    }
  }

  @Test(
    "data whose win graph is not strongly connected are refused, and the groups are named",
    arguments: [
      // 0 and 1 beat each other; 2 only loses; 3 met nobody.
      (4, [(0, 1, 1.0), (1, 0, 1), (0, 2, 5)], [[0, 1], [2], [3]]),
      // A cycle above a cycle, with no win back up.
      (
        6, [(0, 2, 1), (2, 4, 1), (4, 0, 1), (1, 3, 1), (3, 5, 1), (5, 1, 1), (0, 1, 1)],
        [[0, 2, 4], [1, 3, 5]]
      ),
      // A win of weight 0 is none.
      (2, [(0, 1, 1), (1, 0, 0)], [[0], [1]]),
    ] as [(Int, [(Int, Int, Double)], [[Int]])])
  func refused(items: Int, judged: [(Int, Int, Double)], components: [[Int]]) throws {
    let error = try #require(throws: BradleyTerryError.self) {
      try BradleyTerry.fit(items: items, outcomes(judged))
    }
    #expect(error == .noMaximum(components: components))
    #expect("\(error)".contains("{" + components[0].map(String.init).joined(separator: ", ") + "}"))
  }

  @Test("one win back up makes the same data have a maximum")
  func connected() throws {
    let judged = outcomes([
      (0, 2, 1), (2, 4, 1), (4, 0, 1), (1, 3, 1), (3, 5, 1), (5, 1, 1), (0, 1, 1), (5, 4, 0.01),
    ])
    let strengths = try BradleyTerry.fit(items: 6, judged)
    #expect(norm(BradleyTerry.gradient(of: strengths, judged)) < .float64Rounding)
  }
}
