/// How a number went over a stage of any length, in little memory: means of equal stretches.
struct Course: Sendable, Equatable {
  /// Eight are drawn; four times as many are kept, so that the drawing moves smoothly.
  static let drawn = 8
  private static let kept = 4 * drawn

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
    guard means.count == Self.kept else { return }
    means = stride(from: 0, to: means.count, by: 2).map { (means[$0] + means[$0 + 1]) / 2 }
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
