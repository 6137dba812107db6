import Foundation

/// A reproducible random generator (xoshiro256**, Blackman and Vigna 2018) with named substreams.
///
/// Work that may run on any thread draws from its own substream, named by what it is and not by
/// who does it: so the numbers depend on the seed alone and never on the number of threads.
package struct SeededGenerator: RandomNumberGenerator, Sendable, Codable, Equatable {
  private var state: [UInt64]  // four words
  private let seed: UInt64

  package init(seed: UInt64) {
    self.seed = seed
    var mixer = seed
    state = (0..<4).map { _ in Self.splitMix(&mixer) }
  }

  /// An independent generator that depends on this one's seed and on `names`, not on how many
  /// numbers have been drawn: `root.stream("rollout", iteration, episode)`.
  package func stream(_ name: String, _ indices: Int...) -> SeededGenerator {
    // The seed is mixed first: 5 and "b" would otherwise be 6 and "a", whose bits cancel alike.
    var mixer = seed
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ Self.splitMix(&mixer)  // FNV-1a, then mixed
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    hash = Self.splitMix(&hash)
    for index in indices {
      hash ^= UInt64(bitPattern: Int64(index))
      hash = Self.splitMix(&hash)
    }
    return SeededGenerator(seed: hash)
  }

  package mutating func next() -> UInt64 {
    let result = Self.rotate(state[1] &* 5, 7) &* 9
    let shifted = state[1] << 17
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = Self.rotate(state[3], 45)
    return result
  }

  /// A number from [0, 1) with 53 random bits.
  package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number from [0, count).
  package mutating func index(below count: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(count)).high)
  }

  /// A draw from the standard normal distribution (Box and Muller).
  package mutating func gaussian() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * Double.pi * uniform())
  }

  /// An index drawn with probability proportional to its weight.
  package mutating func index(weightedBy weights: [Double]) -> Int {
    var remainder = uniform() * weights.reduce(0, +)
    for (index, weight) in weights.enumerated() {
      remainder -= weight
      if remainder < 0 { return index }
    }
    return weights.lastIndex { $0 > 0 } ?? 0
  }

  /// The numbers 0 ..< count in random order (Fisher and Yates).
  package mutating func permutation(of count: Int) -> [Int] {
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, index(below: last + 1))
    }
    return order
  }

  private static func rotate(_ word: UInt64, _ bits: UInt64) -> UInt64 {
    (word << bits) | (word >> (64 - bits))
  }

  private static func splitMix(_ state: inout UInt64) -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
