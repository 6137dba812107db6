import Foundation
import Testing

@testable import RunRecords

@Suite("The course of a figure")
struct CourseTests {
  private func course(_ values: some Sequence<Double>) -> Course {
    var course = Course()
    for value in values { course.append(value) }
    return course
  }

  @Test("is drawn from its least to its greatest value, over all of the stage")
  func drawing() {
    #expect(course([]).sparkline == "" && course([3]).sparkline == "")
    #expect(course([0, 1]).sparkline == "▁█")
    #expect(course([5, 5, 5]).sparkline == "▅▅▅")
    #expect(course((0..<8).map(Double.init)).sparkline == "▁▂▃▄▅▆▇█")
    #expect(course((0..<8).map { Double(7 - $0) }).sparkline == "█▇▆▅▄▃▂▁")
    for count in [31, 32, 33, 1_000, 65_537] {
      let line = course((0..<count).map(Double.init)).sparkline
      #expect(line.count == 8 && line.hasPrefix("▁") && line.hasSuffix("█"), "\(count)")
      #expect(line == String(line.sorted()))
    }
  }

  @Test("passes over what is not finite, and bears the largest numbers")
  func extremes() {
    #expect(course([.nan, 0, .infinity, 1, -.infinity]).sparkline == "▁█")
    #expect(course([-1.7e308, 1.7e308]).sparkline.count == 2)
  }

  @Test("follows its figure where it fits, and is left out first")
  func room() {
    func line(_ width: Int, unicode: Bool = true) -> String {
      ProgressLine(
        stage: "SFT", done: 350, total: 700, elapsed: 5, figures: [("loss", 1.72), ("kl", 0.5)],
        courses: [course([3, 2, 1]), course([0, 1])]
      ).rendered(
        for: Terminal(isInteractive: true, usesUnicode: unicode, width: { width }))
    }
    #expect(line(110).hasSuffix("loss 1.720 █▅▁  kl 0.500 ▁█"))
    #expect(!line(110, unicode: false).contains("█"))
    for width in 40...110 {
      let text = line(width)
      #expect(text.count < width)
      // A sparkline takes nothing from the figures, and leaves a bar.
      if text.contains("█") {
        #expect(text.count { "━·".contains($0) } >= 12)
        #expect(text.contains("kl 0.500"))
      }
    }
    #expect(line(80).hasSuffix("loss 1.720 █▅▁  kl 0.500 ▁█") && !line(60).contains("█"))
  }

  @Test("is remembered by the bar from update to update")
  func remembered() {
    var time = 0.0
    var written: [String] = []
    let bar = ProgressBar(
      stage: "PPO", total: 9, terminal: Terminal(isInteractive: true, width: { 120 }),
      now: { time }, write: { written.append($0) })
    for step in 0..<8 {
      time += 0.2
      bar.update(step + 1, figures: [("gold", Double(step))])
    }
    #expect(written.last?.contains("gold 7.000 ▁▂▃▄▅▆▇█") ?? false)
  }
}
