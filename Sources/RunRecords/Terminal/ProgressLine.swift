import Foundation
import Statistics

/// One state of a stage, and how it looks as a line of text.
struct ProgressLine {
  var stage: String
  var done: Int
  var total: Int
  /// Seconds since the stage began.
  var elapsed: Double
  var figures: [ProgressBar.Figure]
  /// Of those done, the ones that were done before: an interrupted stage goes on.
  var before = 0
  /// How each of the figures went so far; none, or one for each.
  var courses: [Course] = []

  /// `stage ━━━━━━━━╸      312/700  85/s  0:04 left  loss 1.720`, never wider than the terminal.
  ///
  /// Where a bar of some length leaves space, a sparkline follows each figure. Figures give
  /// way first, from the last, then the rate, then the bar.
  func rendered(for terminal: Terminal) -> String {
    // The last column stays free: some terminals wrap as soon as it is written.
    let width = max(terminal.width() - 1, 1)
    let counter = total > 0 ? "\(done)/\(total)" : "\(done)"
    let times = [rate, timeLeft].compactMap(\.self)
    var details = times + figures.map(Self.text)
    func columns(bar: Int) -> Int {
      stage.count + (bar > 0 ? bar + 1 : 0) + 1 + counter.count
        + details.reduce(0) { $0 + 2 + $1.count }
    }
    while columns(bar: Self.narrowestBar) > width, !details.isEmpty { details.removeLast() }
    if terminal.usesUnicode, details.count == times.count + figures.count {
      // What went before may shorten the bar and nothing else.
      for (index, course) in zip(figures.indices, courses) {
        let line = course.sparkline
        guard columns(bar: Self.barBesideCourses) + 1 + line.count <= width, !line.isEmpty else {
          break
        }
        details[times.count + index] += " " + line
      }
    }
    let bar = total > 0 ? min(width - columns(bar: 0) - 1, Self.widestBar) : 0
    let parts = [
      styled(stage, "1", terminal),
      bar >= Self.narrowestBar ? self.bar(bar, terminal) : nil,
      counter,
    ].compactMap(\.self)
    if columns(bar: 0) > width { return String("\(stage) \(counter)".prefix(width)) }
    return ([parts.joined(separator: " ")] + details).joined(separator: "  ")
  }

  /// `✓ stage  700 steps in 9.8 s (71/s)  loss 1.660`; figures give way as in a bar.
  func summary(unit: String, for terminal: Terminal) -> String {
    let mark = styled(terminal.usesUnicode ? "✓" : "done:", "32", terminal)
    let speed = rate.map { " (\($0))" } ?? ""
    let head = "\(mark) \(stage)  \(done) \(unit) in \(Self.duration(elapsed))\(speed)"
    let plain = ["✓ \(stage)  \(done) \(unit) in \(Self.duration(elapsed))\(speed)"]
    var figures = figures.map(Self.text)
    // On a terminal a line stays a line; a file takes all.
    let width = terminal.isInteractive ? terminal.width() : .max
    while !figures.isEmpty, (plain + figures).joined(separator: "  ").count > width {
      figures.removeLast()
    }
    return ([head] + figures).joined(separator: "  ")
  }

  private static let narrowestBar = 8
  private static let barBesideCourses = 12
  private static let widestBar = 30

  private func bar(_ width: Int, _ terminal: Terminal) -> String {
    let fraction = min(max(Double(done) / Double(total), 0), 1)
    let filled = Int((fraction * Double(width)).rounded(.down))
    let full = String(repeating: terminal.usesUnicode ? "━" : "#", count: filled)
    let empty = String(
      repeating: terminal.usesUnicode && terminal.usesColor
        ? "━" : terminal.usesUnicode ? "·" : "-",
      count: width - filled)
    return styled(full, "36", terminal) + styled(empty, "2", terminal)
  }

  private var rate: String? {
    guard done > before, elapsed > 0 else { return nil }
    let rate = Double(done - before) / elapsed
    return rate >= 1 ? "\(Self.significant(rate))/s" : "\(Self.significant(1 / rate)) s each"
  }

  private var timeLeft: String? {
    guard done > before, total > done, elapsed > 0 else { return nil }
    return NumberText.plainClock(elapsed / Double(done - before) * Double(total - done)) + " left"
  }

  private func styled(_ text: String, _ code: String, _ terminal: Terminal) -> String {
    terminal.usesColor && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }

  private static func text(_ figure: ProgressBar.Figure) -> String {
    "\(figure.name) \(NumberText.plainShort(figure.value))"
  }

  private static func significant(_ value: Double) -> String {
    NumberText.plain(value, value >= 10 ? 0 : 1)
  }

  /// `9.8 s` below a minute, then `m:ss`.
  static func duration(_ seconds: Double) -> String {
    seconds < 60 ? NumberText.plain(seconds, 1) + " s" : NumberText.plainClock(seconds)
  }
}

/// How a number went over a stage of any length, in little memory: means of equal stretches.
struct Course: Sendable, Equatable {
  /// Eight are drawn; four times as many are remembered, so that the drawing moves smoothly.
  static let drawn = 8
  private static let remembered = 4 * drawn

  private var means: [Double] = []
  private var stretch = 1
  private var sum = 0.0
  private var count = 0

  /// The next value; what is not finite is passed over.
  mutating func append(_ value: Double) {
    guard value.isFinite else { return }
    sum += value
    count += 1
    guard count == stretch else { return }
    means.append(sum / Double(count))
    (sum, count) = (0, 0)
    guard means.count == Self.remembered else { return }
    let pairs = stride(from: 0, to: means.count, by: 2)
    means = pairs.map { first in 0.5 * means[first...first + 1].reduce(0, +) }
    stretch *= 2
  }

  /// `▁▂▄▆▇███` from the beginning to now, the least as the lowest block; empty for fewer than two
  /// values.
  var sparkline: String {
    guard means.count > 1 else { return "" }
    let columns = min(Self.drawn, means.count)
    let points = (0..<columns).map { column in
      let part = means[means.count * column / columns..<means.count * (column + 1) / columns]
      return part.reduce(0, +) / Double(part.count)
    }
    return Sparkline.text(points)
  }
}

/// Numbers as a row of blocks, one each: `▁▂▄▆▇███`.
package enum Sparkline {
  /// - Parameter floor: what the lowest block stands for; nil for the least of the values.
  package static func text(_ values: [Double], from floor: Double? = nil) -> String {
    guard let low = floor ?? values.min(), let high = values.max() else { return "" }
    return String(
      values.map { value in
        let share = (value - low) / (high - low)
        let height = share.isFinite ? share : 0.5
        return blocks[min(Int(height * Double(blocks.count)), blocks.count - 1)]
      })
  }

  private static let blocks = Array("▁▂▃▄▅▆▇█")
}
