import Foundation
import RunRecords
import Statistics

extension EvaluationSummary {
  /// The figures for people: what is there, and no word of what is not.
  ///
  /// - Parameter method: what the policy was tuned by; nil where nobody knows.
  func text(after method: String?) -> String {
    [
      policies(after: method), winRate.map { Self.sentence($0, method) },
      exact.flatMap { Self.sentence($0, method) },
      bestOfNText, sft == nil && ppo == nil ? reward?.text : reward?.shortText,
    ]
    .compactMap(\.self).joined(separator: "\n")
  }

  private func policies(after method: String?) -> String? {
    let after = method.map { "after (\($0))" } ?? "after"
    let columns = [("before (SFT)", sft), (after, ppo)].compactMap { title, policy in
      policy.map { (title: title, policy: $0) }
    }
    guard !columns.isEmpty else { return nil }
    var table = TextTable(
      columns: [("", .leading)] + columns.map { (title: $0.title, alignment: .trailing) })
    func row(_ name: String, _ value: (Policy) -> String?) {
      let cells = columns.map { value($0.policy) }
      if cells.contains(where: { $0 != nil }) { table.append([name] + cells.map { $0 ?? "–" }) }
    }
    row("gold reward, with 95 % interval") { $0.gold.map(Self.interval) }
    row("  standard deviation") { $0.gold.map { Self.number($0.standardDeviation) } }
    row("score of the reward model") { $0.score.map(Self.interval) }
    row("exact KL from SFT (nats)") { $0.klExact.map { Self.number($0.mean) } }
    row("grammatical") { $0.grammaticalFraction.map(NumberText.plainPercent) }
    row("ended with EOS") { $0.eosFraction.map(NumberText.plainPercent) }
    row("tokens per response") { $0.length.map { Self.number($0.mean, 1) } }
    row("entropy per token (nats)") { $0.entropy.map { Self.number($0.mean) } }
    return table.rendered()
  }

  private static func sentence(_ wins: Proportion, _ method: String?) -> String {
    "\(method ?? "The policy") beats SFT in gold on \(NumberText.plainPercent(wins.value)) of \(wins.count) prompts "
      + "(95 %: \(NumberText.plainPercent(wins.low)) to \(NumberText.plainPercent(wins.high))).\n"
  }

  private static func sentence(_ exact: Exact, _ method: String?) -> String? {
    guard let fraction = exact.fraction else { return nil }
    let possible = exact.optimum.objective - exact.reference.objective
    return
      "The best policy of all adds \(number(possible)) to score − β·KL. \(method ?? "This one")'s adds "
      + "\(NumberText.plainPercent(fraction)) of that,\n"
      + "and is \(number(exact.klFromOptimum)) nats from it (exact, over \(exact.responses) "
      + "responses to each of \(exact.prompts) prompts).\n"
  }

  /// What best-of-n reaches, and what it would at the policy's own distance from the reference.
  private var bestOfNText: String? {
    guard let points = bestOfN else { return nil }
    var table = TextTable(
      columns: ["best of", "KL (nats), at most", "score", "gold"].map { ($0, .trailing) })
    for point in points {
      table.append([
        "\(point.n)", Self.number(point.kl), Self.interval(point.score),
        point.gold.map(Self.interval) ?? "–",
      ])
    }
    var text = table.rendered()
    guard let ppo, let kl = ppo.klExact?.mean, let score = ppo.score?.mean else { return text }
    guard let equal = bestOfN(atKL: kl) else {
      return text + "The policy is farther from SFT (\(Self.number(kl)) nats) than these.\n"
    }
    text +=
      "At the policy's own \(Self.number(kl)) nats best-of-n scores \(Self.number(equal.score)), "
      + "the policy \(Self.number(score))"
    if let gold = equal.gold, let own = ppo.gold?.mean {
      text += ";\ntheir gold is \(Self.number(gold)) and \(Self.number(own))"
    }
    return text + ".\n"
  }

  private static func number(_ value: Double, _ digits: Int = 2) -> String {
    NumberText.plain(value, digits)
  }

  /// The mean with half of its 95 % interval.
  private static func interval(_ value: Summary) -> String {
    "\(number(value.mean)) ± \(number(value.halfInterval))"
  }
}
