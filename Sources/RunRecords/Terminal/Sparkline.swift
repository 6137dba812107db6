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
