import Experiments
import Formats
import Foundation
import RunRecords

/// What the person sees while judging: one pair, side by side where there is room.
struct LabelScreen {
  let terminal: Terminal
  let write: (String) -> Void

  init(
    terminal: Terminal,
    write: @escaping (String) -> Void = StandardStreams.writeError
  ) {
    self.terminal = terminal
    self.write = write
  }

  /// Shows a pair, in place of the one before on a terminal.
  func show(_ pair: LabelPair, after answers: [LabelledPair], file: String) {
    guard !terminal.isQuiet else { return }
    let clear = terminal.isInteractive ? "\u{1B}[H\u{1B}[2J" : ""
    write(clear + text(of: pair, after: answers, file: file))
  }

  func text(of pair: LabelPair, after answers: [LabelledPair], file: String) -> String {
    let width = min(max(terminal.width() - 1, 20), 100)
    let counts = LabelAnswer.allCases.map { answer in
      "\(answers.count { $0.answer == answer }) \(answer.rawValue)"
    }
    var lines = Self.wrapped(
      "pair \(answers.count + 1): which response is better? (\(counts.joined(separator: ", ")))",
      width)
    lines += ["", styled(pair.prompt.withVisibleControls + " …", "1"), ""]
    let (leftKey, rightKey) = terminal.usesUnicode ? ("← left", "right →") : ("< left", "right >")
    let half = (width - 3) / 2
    if half >= 24 {
      let left = Self.wrapped(pair.left, half)
      let right = Self.wrapped(pair.right, half)
      lines.append(styled(Self.padded(leftKey, half) + "   " + rightKey, "36"))
      for row in 0..<max(left.count, right.count) {
        let start = Self.padded(row < left.count ? left[row] : "", half)
        lines.append(
          (start + "   " + (row < right.count ? right[row] : "")).trimmingSuffix(of: " "))
      }
    } else {
      lines += [styled(leftKey, "36")] + Self.wrapped(pair.left, width)
      lines += ["", styled(rightKey, "36")] + Self.wrapped(pair.right, width)
    }
    lines.append("")
    let arrows = terminal.usesUnicode ? "←/h left · →/l right" : "h left · l right"
    lines += Self.wrapped("\(arrows) · t tie · s skip · u undo · q quit", width)
    lines += Self.wrapped("Every answer is saved at once in \(file)", width)
    return lines.joined(separator: "\n") + "\n"
  }

  private func styled(_ text: String, _ code: String) -> String {
    terminal.usesColor ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// Lines of whole words; a word longer than a line has one of its own and is cut.
  static func wrapped(_ text: String, _ width: Int) -> [String] {
    var lines: [String] = []
    for word in text.withVisibleControls.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        var rest = word[...]
        while rest.count > width {
          lines.append(String(rest.prefix(width)))
          rest = rest.dropFirst(width)
        }
        lines.append(String(rest))
      }
    }
    return lines.isEmpty ? [""] : lines
  }
}

extension String {
  fileprivate func trimmingSuffix(of character: Character) -> String {
    String(reversed().drop { $0 == character }.reversed())
  }
}
