import RunRecords
import Statistics

extension ReportSection {
  /// Where the time went.
  @Sendable static func stageTimes(_ records: ReportRecords) -> ReportSection? {
    let stages = records.information.stageSeconds
    let longest = stages.map(\.seconds).max() ?? 0
    let iterations = records.policyOptimization?.charts(
      of: [.rolloutTime, .scoreTime, .updateTime], over: "iteration"
    ).first?.figure()
    guard longest > 0 || iterations != nil else { return nil }
    return ReportSection(id: "time", title: "Where the time went") {
      folded(total(stages)) {
        element("div", ["class": "charts"]) {
          if longest > 0 {
            figure("Stages", unit: "wall time") {
              table(
                stages.map {
                  Bar(
                    name: $0.stage, share: $0.seconds / longest,
                    text: NumberText.duration($0.seconds))
                })
            }
          }
          iterations
        }
      }
    }
  }

  private static func total(_ stages: [RunInformation.StageTime]) -> String {
    let all = stages.reduce(0) { $0 + $1.seconds }
    guard let longest = stages.max(by: { $0.seconds < $1.seconds }), all > 0 else {
      return "By iteration"
    }
    return "\(NumberText.duration(all)) in all, most of it, "
      + "\(NumberText.duration(longest.seconds)), in \(longest.stage)"
  }
}

/// What the models of a run held in memory, as PPO's metrics say.
enum ModelMemory {
  private static let metrics = Metric.costs.filter { $0.unit == "bytes" }

  /// Bars of the most that each held, with the parameters of the models.
  static func figure(_ table: MetricsTable, of run: RunInformation) -> Markup? {
    let held = metrics.compactMap { metric -> (name: String, bytes: Double, parameters: Int?)? in
      guard let bytes = table[metric.name]?.compactMap(\.self).max(), bytes > 0 else { return nil }
      let size = run.models?.first { "memory/" + $0.model == metric.name }
      return (metric.title, bytes, size?.parameters)
    }
    let largest = held.map(\.bytes).max() ?? 0
    guard largest > 0 else { return nil }
    return Reports.figure(
      metrics[0].chart?.title ?? "", unit: "the most during PPO",
      note:
        "What the optimizer remembers of the gradients of those that learn is twice their size. "
        + measurement(run), isWide: true
    ) {
      Reports.table(
        held.map { part in
          Bar(
            name: part.name,
            unit: part.parameters.map { "\(NumberText.count(Double($0))) parameters" } ?? "",
            share: part.bytes / largest, text: NumberText.bytes(part.bytes))
        })
    }
  }

  /// How the bytes came to be known.
  private static func measurement(_ run: RunInformation) -> String {
    guard run.allocator.hasPrefix("jemalloc") else {
      return "The allocator was not jemalloc, so models and moments are counted by their elements."
    }
    // Runs of earlier versions counted, and did not say how large their models are.
    guard run.models != nil else { return "" }
    return """
      Measured: an arena for each role, and what jemalloc counts in it; blocks are rounded up, \
      and frozen layers that policy and reference share are the reference’s. Activations: what a \
      first minibatch added until its forward passes were over.
      """
  }
}
