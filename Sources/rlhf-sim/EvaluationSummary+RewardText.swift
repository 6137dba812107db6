import Foundation
import RunRecords
import Statistics

extension EvaluationSummary.RewardModel {
  /// The figures that a run of a whole loop ends with.
  var shortText: String? {
    guard let accuracy else { return nil }
    var text =
      "Reward model: \(NumberText.plain(accuracy.value, 3)) of \(accuracy.count) held-out pairs as judged "
      + "(95 %: \(NumberText.plain(accuracy.low, 3)) to \(NumberText.plain(accuracy.high, 3))).\n"
    if let ceiling { text += "The annotators' noise allows \(NumberText.plain(ceiling, 3)). " }
    if let ece { text += "Calibration error \(NumberText.plain(ece, 3))." }
    return text + "\n"
  }

  /// All that is known of how good it is, for a run that makes nothing else.
  var text: String? {
    guard let accuracy else { return nil }
    var table = Rows("reward model on \(accuracy.count) held-out pairs")
    table.add("accuracy", accuracy)
    table.add("  the annotators' noise allows", ceiling)
    table.add("  on as many training pairs", trainingAccuracy)
    table.add("  training minus held-out", trainingGap)
    table.add("  where length says nothing", length?.balancedAccuracy)
    for bin in difficulty ?? [] {
      let what = bin.measure == .goldDifference ? "gold difference" : "certainty"
      table.add(
        "  \(what) \(NumberText.plain(bin.low, 2)) to \(NumberText.plain(bin.high, 2))",
        bin.accuracy)
    }
    table.add("pairs ordered as gold does", goldAgreement)
    table.add("correlation with gold", goldCorrelation)
    table.add("  of ranks", goldRankCorrelation)
    table.add("loss", loss)
    table.add("calibration error", ece)
    for bin in reliability ?? [] where bin.observed.count > 0 {
      table.add("  predicted \(NumberText.plain(bin.predicted, 2)), observed", bin.observed)
    }
    table.add("margin, chosen − rejected", marginMean, marginHistogram.map(Self.course))
    table.add("correlation with length", length?.correlation)
    table.add("  judges choose the longer", length?.longerChosen)
    table.add("  the model does", length?.longerPreferred)
    for probe in probes ?? [] {
      let gold = probe.goldChange.map { ", gold \(NumberText.plain($0.mean, 2))" } ?? ""
      table.add(
        "\(probe.name.replacing("_", with: " ")): change of reward", probe.change.mean,
        "\(NumberText.plain(probe.change.low, 2)) to \(NumberText.plain(probe.change.high, 2))\(gold)"
      )
    }
    return table.rendered
  }

  /// How margins are spread, and from where to where.
  private static func course(_ margins: Histogram) -> String {
    let end = margins.lower + margins.width * Double(margins.counts.count)
    let together = (margins.counts.count + 11) / 12  // bins in one of at most twelve blocks
    let blocks = stride(from: 0, to: margins.counts.count, by: max(1, together)).map {
      Double(margins.counts.dropFirst($0).prefix(together).reduce(0, +))
    }
    return Sparkline.text(blocks, from: 0)
      + " \(NumberText.plain(margins.lower, 1)) to \(NumberText.plain(end, 1))"
  }
}

/// A table of figures with their intervals; a figure that is not there has no row.
private struct Rows {
  private var table: TextTable

  init(_ title: String) {
    table = TextTable(
      columns: [(title, .leading), ("", .trailing), ("95 % interval", .leading)])
  }

  mutating func add(_ name: String, _ value: Double?, _ beside: String? = nil) {
    guard let value else { return }
    table.append([name, NumberText.plain(value, 3), beside ?? ""])
  }

  mutating func add(_ name: String, _ share: Proportion?) {
    guard let share, share.count > 0 else { return }
    add(
      name, share.value, "\(NumberText.plain(share.low, 3)) to \(NumberText.plain(share.high, 3))"
    )
  }

  var rendered: String { table.rendered() }
}
