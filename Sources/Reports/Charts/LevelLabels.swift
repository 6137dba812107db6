import Foundation

/// Where the names of a chart's levels stand: beside their line and free of everything drawn, or,
/// where all of the line is covered, not in the drawing at all.
///
/// In the units of the drawing, y downwards.
struct LevelLabels {
  typealias Place = (x: Double, y: Double)

  /// The part of the drawing that a text takes up.
  struct Box: Equatable {
    var left: Double
    var right: Double
    var top: Double
    var bottom: Double

    func meets(_ other: Box) -> Bool {
      left < other.right && other.left < right && top < other.bottom && other.top < bottom
    }

    /// Whether a straight line between two points touches the inside (Liang and Barsky, 1984).
    func isCrossed(from: Place, to: Place) -> Bool {
      var (first, last) = (0.0, 1.0)
      let sides = [
        (to.x - from.x, left - from.x, right - from.x),
        (to.y - from.y, top - from.y, bottom - from.y),
      ]
      for (distance, low, high) in sides {
        if distance == 0 {
          if low > 0 || high < 0 { return false }
        } else {
          let ends = [low / distance, high / distance]
          first = max(first, min(ends[0], ends[1]))
          last = min(last, max(ends[0], ends[1]))
        }
      }
      return first <= last
    }
  }

  /// A name in the drawing.
  struct Label {
    var name: String
    /// Where the text begins, or ends when it is right-aligned, on its base line.
    var x: Double
    var y: Double
    var isRightAligned: Bool
    var box: Box
  }

  let plot: Box
  /// Runs of points that a line joins; those of one point are marks.
  let lines: [[Place]]
  /// Runs of points with nothing between them.
  let marks: [[Place]]
  /// Lower and upper edge of each band. A name may stand on one, but had better not.
  let bands: [[(x: Double, low: Double, high: Double)]]

  /// What a glyph takes up at the largest size that the style sheet gives texts of drawings, 15.5.
  static let glyphWidth = 9.0
  private static let ascent = 13.0
  private static let descent = 4.5
  /// Half of what a line or a mark is wide, and some air.
  private static let clearance = 5.0
  private static let stride = 8.0

  /// The names of levels at heights of the drawing, each where it covers nothing.
  func placed(_ levels: [(name: String, y: Double)]) -> [Label] {
    var labels: [Label] = []
    for level in levels {
      let others = levels.map(\.y).filter { $0 != level.y }
      let free = places(of: level).filter { label in
        let box = label.box
        return !labels.contains { $0.box.meets(box) }
          && !others.contains { $0 > box.top && $0 < box.bottom } && !isCovered(box)
      }
      if let best = free.first(where: { !isOnBand($0.box) }) ?? free.first { labels.append(best) }
    }
    return labels
  }

  /// Above and below the line: at the right end, at the left end, and along all between.
  private func places(of level: (name: String, y: Double)) -> [Label] {
    let width = Self.glyphWidth * Double(level.name.count)
    let (first, last) = (plot.left + 4, plot.right - 4 - width)
    guard first <= last else { return [] }
    let between = Array(Swift.stride(from: last - Self.stride, to: first, by: -Self.stride))
    let bases = [level.y - 5, level.y + 15].filter { base in
      base - Self.ascent >= plot.top - 3 && base + Self.descent <= plot.bottom
    }
    return ([last, first] + between).flatMap { start in
      bases.map { base in
        let isRightAligned = start == last
        return Label(
          name: level.name, x: isRightAligned ? start + width : start, y: base,
          isRightAligned: isRightAligned,
          box: Box(
            left: start, right: start + width, top: base - Self.ascent,
            bottom: base + Self.descent))
      }
    }
  }

  /// Whether a line or a mark runs through a box or so near that it would touch the text.
  private func isCovered(_ box: Box) -> Bool {
    let near = Box(
      left: box.left - Self.clearance, right: box.right + Self.clearance,
      top: box.top - Self.clearance / 2, bottom: box.bottom + Self.clearance / 2)
    return lines.contains { line in
      zip(line, line.dropFirst()).contains { near.isCrossed(from: $0, to: $1) }
        || line.count == 1 && near.isCrossed(from: line[0], to: line[0])
    }
      || marks.joined().contains { near.isCrossed(from: $0, to: $0) }
  }

  private func isOnBand(_ box: Box) -> Bool {
    bands.contains { band in
      zip(band, band.dropFirst()).contains { from, to in
        from.x < box.right && to.x > box.left
          && min(from.high, to.high) < box.bottom && max(from.low, to.low) > box.top
      }
    }
  }
}
