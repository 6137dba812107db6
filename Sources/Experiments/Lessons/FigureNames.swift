import Oracles
import RLHF
import RunRecords
import Settings
import Statistics
import Worlds

/// The final figures, and the metrics of PPO by iteration, that runs write: what a lesson may name.
struct FigureNames {
  let figures: [String]
  let metrics: [String]
  /// Of the runs of one arm.
  private let cell: SweepCell?

  /// Those of every run there can be. Of numbers in names, such as that of a member, the first stands
  /// for all.
  static let any = FigureNames(
    figures: SweepResults.figureNames(of: .complete(members: 2, bestOf: [1, 2])) { _ in 5 },
    metrics: (Metric.policyOptimization + Metric.costs).filter { $0 != .source }.map(\.name)
      + [Metric.source(1).name],
    cell: nil)

  private init(figures: [String], metrics: [String], cell: SweepCell?) {
    (self.figures, self.metrics, self.cell) = (figures, metrics, cell)
  }

  /// Those that the settings of a cell leave, as far as it is known before it runs.
  init(of cell: SweepCell) {
    let (scenario, run) = (cell.scenario, cell.run)
    let members = scenario.reward.ensemble
    var summary = EvaluationSummary.complete(
      members: members,
      bestOf: sequence(first: 1) { 2 * $0 }.prefix { $0 <= scenario.evaluation.bestOf })
    let isPolicyOptimized = run == .demo || run == .dpo
    if run != .demo, run != .trainReward { summary.reward = nil }
    if members == 1 {
      summary.reward?.members = nil
      summary.reward?.disagreement = nil
    }
    if members == 1 || !cell.isJudgedByRewardModel {
      summary.sft?.memberAgreement = nil
      summary.ppo?.memberAgreement = nil
    }
    if scenario.reward.objective != .binary { summary.reward?.labels = nil }
    if scenario.reward.objective != .binary || scenario.reward.reading != .steps {
      summary.reward?.steps = nil
    }
    if !isPolicyOptimized {
      let sft = run == .sft ? summary.sft : nil
      let chosen = run == .bestOfN ? summary.bestOfN : nil
      summary = EvaluationSummary(sft: sft, reward: summary.reward, bestOfN: chosen)
      summary.sft?.score = nil
    }
    if scenario.evaluation.bestOf == 1 { summary.bestOfN = nil }
    if !scenario.mayListResponses { summary.exact = nil }
    let steps = run == .demo ? scenario.ppo.iterations : 0
    func count(_ metric: Metric) -> Int { metric == .disagreement && members == 1 ? 0 : steps }
    let known =
      Self.any.metrics.filter { $0 != Metric.source(1).name }.compactMap(Metric.named)
      + scenario.ppo.reward.sources.indices.map { Metric.source($0 + 1) }
    self.init(
      figures: SweepResults.figureNames(of: summary, steps: count),
      metrics: known.filter { count($0) > 0 }.map(\.name), cell: cell)
  }

  /// - Parameter isDrawn: whether it may be a metric, which a page draws by iteration.
  func contains(_ name: String, isDrawn: Bool) -> Bool {
    names(like: name, isDrawn).contains(cell == nil ? Self.firstOf(name) : name)
  }

  private func names(like name: String, _ isDrawn: Bool) -> [String] {
    isDrawn && name.contains("/") ? metrics : figures
  }

  /// `reward.members.1.value` for `reward.members.3.value`.
  private static func firstOf(_ name: String) -> String {
    name.replacing(/[0-9]+/) { (Int($0.output) ?? 0) > 0 ? "1" : String($0.output) }
  }

  /// Refuses a name that is none of these.
  ///
  /// - Parameter arm: what errors call the runs; nil for those of every run.
  func require(
    _ name: String, isDrawn: Bool = false, at place: SettingsLocation, arm: String? = nil
  ) throws(SettingsError) {
    guard !contains(name, isDrawn: isDrawn) else { return }
    let kind = isDrawn && name.contains("/") ? "metric of PPO" : "figure"
    throw place.error(
      arm.map { "the runs of `\($0)` have no \(kind) `\(name)`" }
        ?? "no run has a \(kind) `\(name)`",
      advice: cell.flatMap { remedy(for: name, $0) }
        ?? advice(for: name, among: names(like: name, isDrawn)))
  }

  /// Names that begin as this one or as the nearest, or else those that share a word with it.
  private func advice(for name: String, among all: [String]) -> String {
    // Who wants an interval or a count knows the name of its figure.
    let names = all.filter { name in ![".n", ".low", ".high"].contains { name.hasSuffix($0) } }
    func beginning(with stem: String) -> [String] {
      names.filter { $0 == stem || $0.hasPrefix(stem + ".") }
    }
    let parents = names.compactMap { name in name.lastIndex(of: ".").map { String(name[..<$0]) } }
    var near = beginning(with: name)
    if near.isEmpty, let stem = Suggestion.nearest(to: name, among: names + parents) {
      near = beginning(with: stem)
    }
    if !near.isEmpty {
      return "did you mean " + near.prefix(4).map { "`\($0)`" }.joined(separator: " or ") + "?"
    }
    func words(_ name: String) -> Set<Substring> { Set(name.split { "./_".contains($0) }) }
    let related = names.filter { !words($0).isDisjoint(with: words(name)) }
    return "there are " + (related.isEmpty ? names : related).prefix(12).joined(separator: ", ")
      + ((related.isEmpty ? names : related).count > 12 ? ", …" : "")
  }

  /// The setting without which there is no such figure.
  private func remedy(for name: String, _ cell: SweepCell) -> String? {
    guard Self.any.contains(name, isDrawn: true) else { return nil }
    let members =
      cell.isJudgedByRewardModel
      ? "set `reward.ensemble` to 2 or more" : "no reward model judges these runs; use `run: demo`"
    let needs: [(prefix: String, remedy: String)] = [
      ("reward.members.", "`reward.ensemble` is \(cell.scenario.reward.ensemble)"),
      ("reward.disagreement", "set `reward.ensemble` to 2 or more"),
      ("course.disagreement.", "set `reward.ensemble` to 2 or more"),
      ("objective/disagreement", "set `reward.ensemble` to 2 or more"),
      ("sft.member_agreement", members),
      ("ppo.member_agreement", members),
      ("course.", "raise `ppo.iterations` to 5 or more"),
      (
        "best_of_n.",
        "there are those of n = 1, 2, 4, … up to `evaluation.best_of`, which is "
          + "\(cell.scenario.evaluation.bestOf)"
      ),
      (
        "exact.",
        "they take a fixed `ppo.kl.coefficient` above 0 and responses few enough to list, as in `exact`"
      ),
      (
        "source/",
        "`ppo.reward.sources` has \(cell.scenario.ppo.reward.sources.count), counted from 1"
      ),
      ("reward.labels.", "set `reward.objective` to binary"),
      ("reward.steps.", "set `reward.objective` to binary and `reward.read` to steps"),
    ]
    let section = name.prefix { !"./".contains($0) }
    if cell.run != .demo, !(figures + metrics).contains(where: { $0.hasPrefix(section) }) {
      return "`run: \(cell.run.rawValue)` writes none of these; use `run: demo`"
    }
    return needs.first { name.hasPrefix($0.prefix) }?.remedy
  }
}

extension SweepCell {
  /// Whether its policies' responses are scored by a reward model.
  fileprivate var isJudgedByRewardModel: Bool {
    run == .demo || (run == .dpo && scenario.ppo.reward.needsRewardModel)
  }
}

extension Scenario {
  /// Whether the optimum may be computed, of however few prompts.
  fileprivate var mayListResponses: Bool {
    guard ppo.kl.coefficient > 0, ppo.kl.controller == .fixed, let world = try? World(world) else {
      return false
    }
    return SequenceSpace.sequenceCount(
      vocabularySize: world.vocabulary.count, maximumTokens: ppo.maximumTokens,
      limit: AlignmentLoop.largestEnumeration) != nil
  }
}

extension EvaluationSummary {
  /// An evaluation with every figure that there is, for their names.
  ///
  /// - Parameters:
  ///   - members: models of an ensemble.
  ///   - bestOf: every n of best-of-n.
  static func complete(members: Int, bestOf: some Sequence<Int>) -> EvaluationSummary {
    let (some, share) = (Summary([0, 1]), Proportion(successes: 1, of: 2))
    let policy = Policy(
      gold: some, score: some, klExact: some, length: some, entropy: some, grammaticalFraction: 1,
      eosFraction: 1, memberAgreement: 1)
    let optimum = Exact.Policy(objective: 0, score: 0, gold: 0, kl: 0)
    var summary = EvaluationSummary(
      sft: policy, ppo: policy, winRate: share, reward: RewardModel(),
      exact: Exact(
        coefficient: 1, prompts: 1, responses: 1, reference: optimum, policy: optimum,
        optimum: optimum, klFromOptimum: 0, scoreCeiling: 0, frontier: [], likeliest: []),
      bestOfN: bestOf.map { BestOfN(n: $0, kl: 0, score: some, gold: some) })
    summary.judge(scoredByModel: false)
    var reward = RewardModel()
    (reward.accuracy, reward.goldAgreement, reward.trainingAccuracy) = (share, share, share)
    (reward.ceiling, reward.ece, reward.loss, reward.mean) = (0, 0, 0, 0)
    (reward.goldCorrelation, reward.goldRankCorrelation, reward.marginMean) = (0, 0, 0)
    (reward.marginHistogram, reward.reliability) = (Histogram([0, 1]), [])
    (reward.trainingGap, reward.disagreement) = (0, 0)
    (reward.length, reward.difficulty) = (LengthEvaluation(lengths: [1, 2], rewards: [0, 1]), [])
    reward.length?.goldCorrelation = 0
    let change = MeanInterval([0, 1])
    reward.probes = RewardProbe.allCases.map {
      ProbeResult(name: $0.rawValue, change: change, goldChange: change, count: 1)
    }
    reward.labels = LabelEvaluation(rewards: [0, 1], labels: [false, true])
    var agreement = StepAgreement()
    agreement.add(rewards: [1, -1], labels: [true, false])
    agreement.add(rewards: [1], labels: [true])
    reward.steps = agreement.figures
    (reward.members, reward.alerts) = (Array(repeating: share, count: members), [])
    summary.reward = reward
    return summary
  }
}
