import Formats
import Foundation
package import LanguageModels
import Numerics
import Preferences
package import RLHF
package import RunRecords
import Settings

/// A loop that saves what it makes in a run directory.
package struct LoopRun {
  let loop: AlignmentLoop
  let directory: RunDirectory
  /// Whether an alert of the reward model stops the run before PPO.
  package var isStrict = false

  package init(_ loop: AlignmentLoop, in directory: RunDirectory) throws {
    self.loop = loop
    self.directory = directory
    try AtomicFile.write(loop.scenario.resolvedYAML(), to: directory.scenario)
    if case .files(let prompts) = loop.promptSource {
      try PromptFile.write(prompts, to: directory.givenPrompts)
      try loop.observer.made(directory.givenPrompts)
    }
  }

  /// The whole loop: trains every model, evaluates, and saves everything but the report.
  ///
  /// Like every stage here, it goes on with what the directory holds already: a checkpoint appears
  /// whole when its stage is over.
  package func demo() throws -> EvaluationSummary {
    try loop.scenario.requireLearnableJudgements()
    var policy = try trainPolicy()
    var tuned: LanguageModel?
    var before: [JudgedResponse]?
    var preferences: KeptPreferences?
    var judge: (reward: RewardModel, report: EvaluationSummary.RewardModel)?
    for round in 0..<loop.scenario.preferences.rounds {
      let run = self.round(round)
      let rows = try run.comparePreferences(of: tuned ?? policy, after: preferences)
      var (reward, report) = try run.trainReward(
        from: policy, continuing: judge?.reward, preferences: rows)
      // Not before: what is trained from a settled model begins in that one's arena.
      reward.moveToOwnArena()
      policy.parameters.moveToOwnArena()
      try stop(ifAlerted: report)
      let result = try run.optimize(tuned ?? policy, reference: policy, reward: reward)
      (tuned, before) = (result.policy, result.before)
      (preferences, judge) = (rows, (reward, report))
    }
    return try evaluate(
      policy: tuned ?? policy, reference: policy, reward: judge?.reward,
      rewardReport: judge?.report, known: before)
  }

  /// The run of one round of `preferences.rounds`: the last one's models and rows are those of the
  /// whole run, and those of earlier ones lie in directories of their own.
  private func round(_ round: Int) -> LoopRun {
    let isLast = round == loop.scenario.preferences.rounds - 1
    return LoopRun(
      loop: loop.round(round), directory: isLast ? directory : directory.round(round + 1))
  }

  private init(loop: AlignmentLoop, directory: RunDirectory) {
    (self.loop, self.directory) = (loop, directory)
  }

  /// Trains and saves the SFT policy.
  func trainPolicy() throws -> LanguageModel {
    if directory.has(.sft) { return try loadPolicy(.sft) }
    let policy = try loop.trainPolicy()
    try save(policy, as: .sft)
    return policy
  }

  /// Has the scenario's comparisons made and saves them, behind those of earlier rounds.
  func comparePreferences(
    of policy: LanguageModel, after earlier: KeptPreferences? = nil
  ) throws -> KeptPreferences {
    if let saved = try savedPreferences() { return saved }
    let (training, heldOut, labels) = try loop.comparePreferences(of: policy)
    var rows: [PreferenceRow] = []
    try earlier?.training.forEachRow { rows.append($0) }
    return try save(training: rows + training, heldOut: heldOut, labels: labels)
  }

  /// Saves the rows that a reward model is trained on and judged by; those to judge by last.
  func save(
    training: some RowStream<PreferenceRow>, heldOut: some RowStream<Comparison>,
    labels: some RowStream<PreferenceRow>
  ) throws -> KeptPreferences {
    try PreferenceFile.write(training, to: directory.preferences(.train))
    try PreferenceFile.write(
      comparisons: heldOut, labels: labels, to: directory.preferences(.eval))
    for rows in RunPreferences.allCases { try loop.observer.made(directory.preferences(rows)) }
    return try KeptPreferences(of: directory, for: loop.scenario.reward.objective)
  }

  /// Trains and saves a reward model.
  package func trainReward(
    from policy: LanguageModel, continuing previous: RewardModel? = nil,
    preferences: KeptPreferences
  ) throws -> (RewardModel, EvaluationSummary.RewardModel) {
    let (training, heldOut) = (preferences.training, preferences.heldOut)
    let labels = preferences.heldOutLabels
    if directory.has(.reward) {
      let reward = try loadReward()
      var report = try loop.report(
        of: reward, on: heldOut, labels: labels,
        training: Judgements(of: training, pairingRatings: nil))
      try loop.addAlerts(to: &report, in: directory)
      return (reward, report)
    }
    var (reward, report) = try loop.trainReward(
      from: policy, trunk: previous == nil ? rewardTrunk() : nil, continuing: previous,
      training: training, heldOut: heldOut, labels: labels)
    try save(reward)
    try loop.addAlerts(to: &report, in: directory)
    report.alerts?.forEach(loop.observer.alert)
    return (reward, report)
  }

  /// Trains and saves what a reward model of its own size starts from; nil where it is the policy.
  func rewardTrunk() throws -> LanguageModel? {
    if directory.has(.rewardTrunk) {
      return try LoadedModel(policy: directory.checkpoint(.rewardTrunk)).model
    }
    let trunk = try loop.trainRewardTrunk()
    if let trunk { try save(trunk, as: .rewardTrunk) }
    return trunk
  }

  /// Optimizes a policy, and saves it, its reference, the value model, and rollouts on the way.
  func optimize(
    _ policy: LanguageModel, reference: LanguageModel? = nil, reward: RewardModel?
  ) throws -> (policy: LanguageModel, before: [JudgedResponse]?) {
    // The policy is saved last.
    if directory.has(.policy) { return (try loadPolicy(.policy), nil) }
    if !directory.has(.reference) { try save(reference ?? policy, as: .reference) }
    var writers: (rollouts: RolloutWriter, fixed: FixedPromptWriter)?
    let sink = RolloutSink {
      writers = (
        try RolloutWriter(in: directory, upTo: $0 ?? 0),
        try FixedPromptWriter(in: directory, upTo: $0)
      )
    } write: {
      try writers?.rollouts.write($0)
    } writeFixed: {
      try writers?.fixed.write($0)
    }
    let (tuned, value, before) = try loop.optimize(
      policy, reference: reference, reward: reward, rollouts: sink)
    if loop.scenario.ppo.algorithm.usesValueModel {
      try save(as: .value) { try value.save(to: $0, specialTokens: loop.specialTokens) }
    }
    try save(tuned, as: .policy)
    return (tuned, before)
  }

  /// Judges the policy before and after on the same prompts, and saves figures and samples.
  ///
  /// - Parameter known: the judged responses of the reference, where there are some already.
  func evaluate(
    policy: LanguageModel, reference: LanguageModel, reward: RewardModel?,
    rewardReport: EvaluationSummary.RewardModel?, known: [JudgedResponse]? = nil
  ) throws -> EvaluationSummary {
    let (before, after) = try loop.compare(policy, with: reference, reward: reward, known: known)
    var summary = EvaluationSummary(
      before: before, after: after, reward: rewardReport,
      scoredByModel: loop.scenario.ppo.reward.isScoredByModel)
    summary.exact = try loop.compareWithOptimum(policy, reference: reference, reward: reward)
    summary.bestOfN = try loop.bestOfN(reference, reward: reward)
    try summary.write(to: directory)
    try saveSamples(before, after)
    return summary
  }

  private func saveSamples(_ before: [JudgedResponse], _ after: [JudgedResponse]) throws {
    var rows = zip(before, after).prefix(200).map { before, after in
      SampleComparison(
        prompt: loop.text(before.exchange).prompt, before: loop.text(before.exchange).response,
        after: loop.text(after.exchange).response, goldBefore: before.gold, goldAfter: after.gold,
        scoreBefore: before.score, scoreAfter: after.score, klAfter: after.exactKL)
    }
    for (row, after) in zip(rows.indices, after).prefix(SampleComparison.countByToken) {
      let tokens = after.tokens
      rows[row].tokensAfter = after.exchange.response.map(loop.tokenizer.token)
      rows[row].exactKLTokensAfter = tokens.exactKL.map(Double.init)
      rows[row].logRatioTokensAfter = zip(
        tokens.logProbabilities, tokens.referenceLogProbabilities
      ).map { Double($0) - Double($1) }
    }
    try SampleComparison.write(rows, to: directory)
  }

  func save(_ reward: RewardModel) throws { try save(as: .reward) { try reward.save(to: $0) } }

  func save(_ model: LanguageModel, as name: RunCheckpoint) throws {
    try save(as: name) { try model.save(to: $0, specialTokens: loop.specialTokens) }
  }

  private func save(as name: RunCheckpoint, _ write: (URL) throws -> Void) throws {
    let place = directory.checkpoint(name)
    try FileManager.default.createDirectory(
      at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
    try writeDirectoryAtomically(place, replacingExisting: true) { directory in
      try write(directory)
      // A model that was loaded brings the files of its tokenizer, byte for byte.
      let tokenizer = directory.appending(path: "tokenizer.json")
      if !FileManager.default.fileExists(atPath: tokenizer.path) {
        try loop.tokenizer.save(to: directory)
      }
    }
    try loop.observer.made(place)
  }
}
