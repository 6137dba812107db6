import Foundation
import Numerics
import Statistics
import TestSupport
import Testing

@testable import Experiments
@testable import Worlds

@Suite struct SentimentTests {
  let world: World

  init() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "scenarios")
    let file = folder.appending(path: "sentiment.yaml")
    world = try World(ProjectFiles.scenario(file.path).world)
  }

  @Test("the corpus can be improved on, and its noise bounds what can be predicted")
  func corpus() {
    var generator = SeededGenerator(seed: 1)
    var waiting: [[String]: [String]] = [:]
    var golds: [Double] = []
    var ceiling = 0.0
    var pairs = 0
    while pairs < 20_000 {
      let (prompt, response) = world.samplePair(using: &generator)
      golds.append(world.goldReward(prompt: prompt, response: response, ended: true))
      if let other = waiting.removeValue(forKey: prompt) {
        ceiling += world.ceiling(
          prompt: prompt, first: Response(words: other), second: Response(words: response))
        pairs += 1
      } else {
        waiting[prompt] = response
      }
    }
    let count = Double(golds.count)
    let mean = golds.reduce(0, +) / count
    let deviation = (golds.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    #expect(abs(mean) < 0.05)
    #expect((1.25...1.55).contains(deviation))
    #expect((0.785...0.815).contains(ceiling / Double(pairs)))
    #expect((130...170).contains(world.vocabulary.count))
  }

  @Test("texts of the corpus have no break, prompts and responses the declared lengths")
  func samples() {
    var generator = SeededGenerator(seed: 2)
    var promptLengths: Set<Int> = []
    for _ in 0..<5_000 {
      let (prompt, response) = world.samplePair(using: &generator)
      promptLengths.insert(prompt.count)
      #expect((1...12).contains(response.count))
      #expect(world.isGrammatical(prompt: prompt, response: response, ended: true))
    }
    #expect(promptLengths == [2, 3])
  }

  @Test(
    "gold rewards are those worked out by hand",
    arguments: [
      ("the soup", "was good", 3 * tanh(1.0 / 3)),
      ("the soup", "was not good", -3 * tanh(1.0 / 3)),
      ("the soup", "was not very good", -3 * tanh(1.5 / 3)),
      ("the soup was", "slightly terrible and", -3 * tanh(1.0 / 3) - 0.7),
      ("we never", "loved the view", -3 * tanh(2.0 / 3)),
      ("we really", "hated the view but the room was long", -3 * tanh(3.0 / 3)),
      ("the soup was", "wonderful because the cake was delightful", 3 * tanh(4.0 / 3)),
    ])
  func gold(prompt: String, response: String, expected: Double) {
    let gold = world.goldReward(prompt: words(prompt), response: words(response), ended: true)
    #expect(abs(gold - expected) < .float64Rounding)
  }

  private func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
}
