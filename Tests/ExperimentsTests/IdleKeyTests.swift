import LanguageModels
import RLHF
import Settings
import Testing

@testable import Experiments

/// Every key under every setting that may leave it without a part: nothing is accepted and idle.
@Suite struct IdleKeyTests {
  private static let policy = Result { try makeLoop().trainPolicy() }
  private static let judged = Result {
    let loop = try makeLoop()
    let (training, heldOut) = try loop.comparePreferences(of: policy.get())
    let (reward, _) = try loop.trainReward(
      from: policy.get(), training: training, heldOut: heldOut)
    return (rows: training, reward: reward)
  }

  static let ofPolicyOptimization: [Setting] = [
    Setting(),
    Setting("ppo.algorithm=reinforce"),
    Setting("ppo.algorithm=rloo", "ppo.samples_per_prompt=2"),
    Setting("ppo.algorithm=dr-grpo", "ppo.samples_per_prompt=2"),
    Setting("ppo.algorithm=dapo", "ppo.samples_per_prompt=2"),
    Setting("ppo.algorithm=gspo", "ppo.samples_per_prompt=2"),
    Setting("ppo.algorithm=grpo", "ppo.samples_per_prompt=2", "ppo.kl.estimator=k3"),
    // Groups enough that some choose another response when little changes.
    Setting(
      "ppo.algorithm=rejection-sampling", "ppo.samples_per_prompt=4", "ppo.episodes=64",
      "ppo.kl.coefficient=1"),
    Setting("ppo.kl.controller=adaptive", "ppo.kl.horizon=20", "ppo.kl.estimator=exact"),
    Setting("ppo.kl.coefficient=0"),
    Setting(
      "ppo.kl.estimator=k2", "ppo.kl.placement=loss", "ppo.missing_end=subtract",
      "ppo.reward.source=gold", "ppo.reward.relative=true"),
    Setting("ppo.kl.estimator=exact", "ppo.kl.placement=loss", "ppo.average_decay=0.5"),
    Setting("ppo.missing_end=keep"),
    Setting("ppo.value_model=shared"),
    Setting("ppo.lora.rank=2"),
    Setting("ppo.reward.source=verifier"),
    Setting("ppo.discount=0"),
    Setting(
      "ppo.lambda=0", "ppo.policy.schedule=constant", "ppo.value.schedule=cosine",
      "ppo.clip_range=0.1", "ppo.clip_range_high=0.3", "ppo.dual_clip=1.5", "ppo.stop_kl=0.001",
      "ppo.score_clip=0.5"),
    Setting(
      "ppo.policy.epsilon_placement=uncorrected", "ppo.value.epsilon_placement=uncorrected",
      "ppo.policy.schedule=cosine", "ppo.value.schedule=constant", "ppo.whiten_rewards=true",
      "ppo.whiten_advantages=false", "ppo.freeze=0.5", "ppo.pretraining_weight=1"),
    Setting("ppo.iterations=1"),
  ]

  @Test(
    "every key of ppo changes what is learned, or is refused and has no part",
    arguments: ofPolicyOptimization)
  func policyOptimization(setting: Setting) throws {
    let (policy, reward) = (try Self.policy.get(), try Self.judged.get().reward)
    try IdleKeySweep.run(["ppo"], setting) { loop in
      let (tuned, value) = try loop.optimize(policy, reward: reward)
      return [IdleKeySweep.digest(tuned.parameters), IdleKeySweep.digest(value.parameters)]
    }
  }

  @Test("after the only token nothing is left to discount")
  func onlyToken() throws {
    let (policy, reward) = (try Self.policy.get(), try Self.judged.get().reward)
    try IdleKeySweep.run(["ppo.lambda", "ppo.discount"], Setting("ppo.maximum_tokens=1")) { loop in
      let (tuned, value) = try loop.optimize(policy, reward: reward)
      return [IdleKeySweep.digest(tuned.parameters), IdleKeySweep.digest(value.parameters)]
    }
    #expect(throws: SettingsError.self) {
      try makeScenario(["ppo.maximum_tokens=1", "ppo.lambda=0.5"])
    }
  }

  static let ofRewardModels: [Setting] = [
    Setting(),
    Setting("reward.objective=pairwise-tokens", "reward.freeze=0.5"),
    Setting("reward.objective=grouped-pairs", "preferences.responses=3"),
    Setting("reward.objective=plackett-luce", "preferences.responses=3"),
    Setting("reward.objective=best-of-k", "preferences.responses=3"),
    Setting("reward.objective=regression"),
    Setting("reward.soft_labels=true"),
    Setting("reward.ensemble=2"),
    Setting("reward.ensemble=2", "reward.combine=worst"),
    Setting("reward.ensemble=2", "reward.combine=uncertainty"),
    Setting(
      "reward.shuffle=false", "reward.early_stopping=1", "reward.optimizer.schedule=constant"),
    Setting("reward.optimizer.epsilon_placement=uncorrected", "reward.optimizer.schedule=cosine"),
    Setting("reward.optimizer.learning_rate=0"),
  ]

  @Test(
    "every key of reward and preferences changes the reward model, or is refused and has no part",
    arguments: ofRewardModels)
  func rewardModels(setting: Setting) throws {
    let policy = try Self.policy.get()
    try IdleKeySweep.run(["reward", "preferences"], setting) { loop in
      let (training, heldOut) = try loop.comparePreferences(of: policy)
      let (reward, report) = try loop.trainReward(
        from: policy, training: training, heldOut: heldOut)
      let members = reward.members.flatMap {
        [IdleKeySweep.digest($0.model.parameters), "\($0.normalization)"]
      }
      return members + ["\(reward.combination.rule) \(report)"]
    }
  }

  static let ofDirectPreference: [Setting] = [
    Setting(),
    Setting("dpo.pairs=on-policy", "dpo.rounds=3", "ppo.episodes=40"),
    Setting("dpo.optimizer.epsilon_placement=uncorrected", "dpo.optimizer.schedule=constant"),
    Setting("dpo.optimizer.schedule=cosine", "dpo.loss=robust"),
    Setting("dpo.loss=ipo"),
    Setting("dpo.loss=hinge"),
    Setting("dpo.optimizer.learning_rate=0"),
  ]

  @Test(
    "every key of dpo changes what is learned, or is refused and has no part",
    arguments: ofDirectPreference)
  func directPreference(setting: Setting) throws {
    let (policy, judged) = (try Self.policy.get(), try Self.judged.get())
    try IdleKeySweep.run(["dpo"], setting) { loop in
      [
        IdleKeySweep.digest(
          try loop.optimizeDirectly(policy, rows: judged.rows, reward: judged.reward).parameters)
      ]
    }
  }

  static let ofTuning: [Setting] = [
    Setting("pretraining.steps=0"),
    Setting("fine_tuning.steps=0"),
    Setting("fine_tuning.steps=0", "ppo.pretraining_weight=1"),
    Setting("pretraining.optimizer.schedule=constant", "fine_tuning.optimizer.schedule=constant"),
    Setting(
      "pretraining.optimizer.schedule=cosine", "fine_tuning.optimizer.schedule=cosine",
      "pretraining.optimizer.epsilon_placement=uncorrected",
      "fine_tuning.optimizer.epsilon_placement=uncorrected"),
    Setting("pretraining.optimizer.learning_rate=0"),
  ]

  @Test(
    "every key of tuning changes the SFT policy or what PPO mixes in, or is refused and has no part",
    arguments: ofTuning)
  func tuning(setting: Setting) throws {
    let reward = try Self.judged.get().reward
    try IdleKeySweep.run(["pretraining", "fine_tuning", "world.base_noise"], setting) { loop in
      let policy = try loop.trainPolicy()
      guard loop.scenario.ppo.pretrainingWeight > 0 else {
        return [IdleKeySweep.digest(policy.parameters)]
      }
      return [IdleKeySweep.digest(try loop.optimize(policy, reward: reward).policy.parameters)]
    }
  }

  @Test(
    "every key of judging changes the judgements, or is refused and has no part",
    arguments: [
      Setting("world.annotators=[{name: ann, flip: 0.1}]"), Setting("world.gold.0.negations=[]"),
    ])
  func judging(setting: Setting) throws {
    let policy = try Self.policy.get()
    try IdleKeySweep.run(["world.annotators", "world.gold"], setting) { loop in
      let (training, heldOut) = try loop.comparePreferences(of: policy)
      return training.map { "\($0)" } + heldOut.map { "\($0)" }
    }
  }

  @Test("every choice, switch and thing that may be left out is among the settings tried")
  func complete() throws {
    let all =
      Self.ofPolicyOptimization + Self.ofRewardModels + Self.ofDirectPreference + Self.ofTuning
    let tried = Set(all.flatMap(\.assignments))
    for key in Scenario.reference
    // A recipe stands for the settings that it makes, and the decoder's shape is no stage's.
    where key.path != "ppo.preset" && !key.path.hasPrefix("model.") && !key.path.contains("[]") {
      if key.type.hasPrefix("one of ") {
        let values = key.type.dropFirst("one of ".count).split(separator: ", ").map(String.init)
        for value in values where value != key.defaultValue {
          #expect(tried.contains("\(key.path)=\(value)"), "\(key.path)=\(value)")
        }
      } else if key.type.hasPrefix("true or false") {
        #expect(tried.contains("\(key.path)=\(key.defaultValue == "true" ? "false" : "true")"))
      } else if key.type.contains("or null") {
        #expect(tried.contains { $0.hasPrefix("\(key.path)=") }, "\(key.path)")
      }
    }
  }
}
