import Formats
import Foundation

/// The bar of one stage on standard error: how far, how fast, how long still, and live figures.
///
/// On a terminal it is redrawn at most ten times a second and leaves one summary line; elsewhere
/// only that line is printed; when quiet, nothing.
package final class ProgressBar {
  /// A number worth watching.
  package typealias Figure = (name: String, value: Double)

  private let stage: String
  private let total: Int
  private let unit: String
  private let terminal: Terminal
  private let now: () -> Double
  private let write: (String) -> Void
  private let began: Double
  private var lastDrawn: Double?
  private let before: Int
  private var done: Int
  private var figures: [Figure] = []
  private var courses: [(name: String, course: Course)] = []
  private var isFinished = false

  /// - Parameters:
  ///   - stage: the name shown first.
  ///   - total: how many units make the stage; 0 when unknown.
  ///   - unit: what is counted, in the plural.
  ///   - done: how many of them were done before, of a stage that goes on.
  ///   - now: seconds on a clock that never goes back.
  ///   - write: where the characters go.
  package init(
    stage: String, total: Int, unit: String = "steps", terminal: Terminal,
    done: Int = 0,
    now: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime },
    write: @escaping (String) -> Void = StandardStreams.writeError
  ) {
    self.stage = stage
    self.total = total
    self.unit = unit
    self.terminal = terminal
    self.now = now
    self.write = write
    before = done
    self.done = done
    began = now()
  }

  /// Says that `done` units are behind us; draws when there is someone to see it.
  package func update(_ done: Int, figures: [Figure] = []) {
    self.done = done
    for figure in figures {
      // What is measured now and then stays until it is measured again.
      if let index = self.figures.firstIndex(where: { $0.name == figure.name }) {
        self.figures[index] = figure
      } else {
        self.figures.append(figure)
      }
    }
    guard terminal.isInteractive, !terminal.isQuiet, !isFinished else { return }
    for figure in figures { remember(figure) }
    let time = now()
    if let lastDrawn, time - lastDrawn < 0.1 { return }
    lastDrawn = time
    let line = ProgressLine(
      stage: stage, done: done, total: total, elapsed: time - began, figures: self.figures,
      before: before, courses: self.figures.map { course(of: $0.name) })
    write("\r" + line.rendered(for: terminal) + Self.clearToEnd)
  }

  /// Clears the bar and leaves one line saying what was done.
  package func finish(figures: [Figure] = []) {
    guard !isFinished else { return }
    isFinished = true
    guard !terminal.isQuiet else { return }
    let line = ProgressLine(
      stage: stage, done: done, total: total, elapsed: now() - began,
      figures: figures.isEmpty ? self.figures : figures, before: before)
    clear()
    write(line.summary(unit: unit, for: terminal) + "\n")
  }

  /// Clears the bar and leaves nothing: for a stage that failed, so that the message stands alone.
  package func abandon() {
    guard !isFinished else { return }
    isFinished = true
    clear()
  }

  private func remember(_ figure: Figure) {
    if let index = courses.firstIndex(where: { $0.name == figure.name }) {
      courses[index].course.append(figure.value)
    } else {
      var course = Course()
      course.append(figure.value)
      courses.append((figure.name, course))
    }
  }

  private func course(of name: String) -> Course {
    courses.first { $0.name == name }?.course ?? Course()
  }

  /// Clears the bar for a line of text in its place; the next update draws it again below.
  package func interrupt() {
    clear()
    lastDrawn = nil
  }

  private func clear() {
    if lastDrawn != nil { write("\r" + Self.clearToEnd) }
  }

  private static let clearToEnd = "\u{1B}[K"
}
