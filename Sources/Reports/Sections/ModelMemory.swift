import RunRecords
import Statistics

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
    return element("figure", ["class": "chart wide"]) {
      element("figcaption") {
        element("b") { metrics[0].chart?.title ?? "" }
        element("span", ["class": "unit"]) { "the most during PPO" }
      }
      element("table", ["class": "bars"]) {
        element("tbody") {
          for part in held {
            element("tr") {
              element("th", ["scope": "row"]) {
                part.name
                if let parameters = part.parameters {
                  element("span", ["class": "unit"]) {
                    "\(NumberText.count(Double(parameters))) parameters"
                  }
                }
              }
              element("td", ["class": "track"]) {
                element(
                  "div",
                  ["style": "width:\(NumberText.coordinate(part.bytes / largest * 100))%"])
              }
              element("td", ["class": "number"]) { NumberText.bytes(part.bytes) }
            }
          }
        }
      }
      element("p", ["class": "note"]) {
        "What the optimizer remembers of the gradients of those that learn is twice their size. "
          + measurement(run)
      }
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
