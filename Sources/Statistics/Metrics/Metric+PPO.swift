extension Metric {
  /// Of `metrics/ppo.jsonl`: an iteration of PPO and of the algorithms that share its loop.
  package static let policyOptimization = [
    scoreInSD, goldInSD, score, gold, disagreement, penalizedReward, exactKL, kl, klCoefficient,
    entropy, advantageSD,
    clipFraction, approximateKL, ratioMax, policyLoss, policyGradientNorm, updates,
    resampledGroups, pretrainingLoss, valueLoss, valueClipFraction, explainedVariance,
    responseLength, eosFraction, source,
  ]

  package static let score = Metric(
    "objective/score", "score", unit: "reward per response",
    "Mean score of `ppo.reward` (by default the reward model’s normalized reward), clipped and "
      + "with "
      + "the missing-EOS penalty",
    badSign: "it rises while the gold reward does not")
  package static let gold = Metric(
    "objective/gold", "gold", unit: "reward per response",
    "Mean gold reward, which no model sees; absent where prompts are not the world’s",
    badSign: "it falls while the score rises: the reward model is exploited")
  package static let scoreInSD = Metric(
    "objective/score_sd", "score", unit: "sd of the SFT policy",
    "`objective/score` in standard deviations of the SFT policy’s scores, 0 at their mean",
    badSign: "it rises while gold does not", chart: rewardChart, isWatched: true)
  package static let goldInSD = Metric(
    "objective/gold_sd", "gold", unit: "sd of the SFT policy",
    "`objective/gold` in standard deviations of the SFT policy’s gold, 0 at its mean; absent where "
      + "prompts are not the world’s",
    badSign: "it falls while the score rises: the reward model is exploited", chart: rewardChart,
    isWatched: true)
  package static let disagreement = Metric(
    "objective/disagreement", "members’ disagreement", unit: "sd of the SFT policy",
    "Standard deviation of the normalized rewards of an ensemble’s members, mean over responses; "
      + "absent "
      + "without an ensemble",
    badSign: "it grows with the score: the policy is where the members guess",
    chart: Chart("Disagreement of the ensemble", includes: [0]))
  package static let penalizedReward = Metric(
    "objective/penalized_reward", "penalized reward", unit: "reward per response",
    "Mean of score − β Σ_t KL_t, which the update maximizes, with the estimator of the penalty; of "
      + "dapo, score − length penalty",
    badSign: "it falls for many iterations")
  package static let exactKL = Metric(
    "objective/kl_exact", "KL", unit: "nats per response",
    "Mean exact KL(π_old ‖ π_ref), summed over the vocabulary at each token of a response",
    badSign:
      "the policy is far from the reward model’s training data, where the score is unreliable",
    bound: .above(1, .perToken), warning: .risingKL, chart: klChart, isWatched: true)
  package static let kl = Metric(
    "objective/kl", "estimated KL", unit: "nats per response",
    "Mean of Σ_t (log π_old − log π_ref), the k1 estimate",
    badSign: "below 0 for long: log-probabilities do not belong to the samples", chart: klChart)
  package static let klCoefficient = Metric(
    "kl/coefficient", "β", unit: "reward per nat",
    "Coefficient of the KL penalty in the iteration",
    badSign: "an adaptive one runs to 0 or far up",
    chart: Chart(
      "KL coefficient β", includes: [0], "Raised when KL is above its target, lowered when below."))
  package static let entropy = Metric(
    "objective/entropy", "entropy", unit: "nats per token",
    "Entropy of π_old for the next token, mean over tokens",
    badSign: "the policy gives few different responses, most often because reward outweighs the "
      + "KL penalty",
    bound: .below(0.2, .first), warning: .collapsingEntropy,
    chart: Chart(
      "Entropy", includes: [0],
      "A fall to 0 is collapse: one response for every prompt."))
  package static let advantageSD = Metric(
    "policy/advantage_deviation", "sd of the advantages", unit: "reward",
    "Standard deviation of the advantages over tokens, before whitening",
    badSign: "the policy learns nothing, most often because all responses have the same score",
    bound: .below(1e-6), warning: .equalAdvantages)
  package static let clipFraction = Metric(
    "policy/clip_fraction", "clip fraction", unit: "fraction of tokens",
    "Tokens without gradient because their ratio left the clip range, over all minibatches",
    badSign:
      "many tokens have no gradient in the later steps of an iteration: steps are too long or "
      + "too many",
    bound: .above(0.3), warning: .frequentClipping, chart: stepChart)
  package static let approximateKL = Metric(
    "policy/approximate_kl", "KL of the update", unit: "nats per token",
    "KL(π_old ‖ π) as r_t − 1 − log r_t, mean over all minibatches, each before its step",
    badSign: "steps are too long", bound: .above(0.05), chart: stepChart)
  package static let ratioMax = Metric(
    "policy/ratio_max", "largest ratio", unit: "new / old probability",
    "Largest ratio r_t = π/π_old of the iteration; single rare tokens reach 70 in sound runs",
    badSign: "one iteration’s steps move the policy far from the one that sampled the responses",
    bound: .above(1_000), warning: .extremeRatios,
    chart: Chart("Largest probability ratio", includes: [1], "Over all tokens of an iteration."))
  package static let policyLoss = Metric(
    "policy/loss", "policy loss", unit: "loss",
    "Policy loss with KL penalty, entropy bonus and pretraining loss, mean over steps; its sign "
      + "and trend mean little",
    badSign: "it is not finite, or far larger than in the other iterations")
  package static let policyGradientNorm = Metric(
    "policy/gradient_norm", "gradient norm", unit: "norm",
    "Norm of the policy’s gradient before clipping, mean over steps",
    badSign: "it spikes or is not finite")
  package static let updates = Metric(
    "policy/updates", "updates", unit: "steps", "Optimizer steps of the iteration",
    badSign: "fewer than epochs × minibatches: `ppo.stop_kl` ended it")
  package static let resampledGroups = Metric(
    "response/resampled_groups", "groups sampled again", unit: "groups",
    "Groups whose scores were all equal and that were sampled again; only with DAPO",
    badSign: "three times as many as there are groups: all responses have the same score")
  package static let pretrainingLoss = Metric(
    "policy/pretraining_loss", "pretraining loss", unit: "nats per token",
    "Cross-entropy on the corpus, mean over steps; only with a pretraining mix",
    badSign: "it rises: the policy forgets the corpus")
  package static let valueLoss = Metric(
    "value/loss", "value loss", unit: "squared reward",
    "Half the clipped squared error of the value model, mean over steps; absent without one",
    badSign:
      "while explained variance is below 0, the value model follows returns that it does not "
      + "predict, most often because steps are too long",
    bound: .above(10, .first), warning: .explodingValueLoss,
    chart: Chart("Value loss", includes: [0], "It may rise for a while as the policy moves."))
  package static let valueClipFraction = Metric(
    "value/clip_fraction", "value clip fraction", unit: "fraction of tokens",
    "Tokens where the clipped squared error of the value was the larger",
    badSign: "always near 1: the range is too small for the returns")
  package static let explainedVariance = Metric(
    "value/explained_variance", "explained variance", unit: "fraction of Var(R)",
    "1 − Var(R − V) / Var(R) over tokens, V before the update",
    badSign: "the value model is worse than the mean, and advantages are noisier with it than "
      + "without",
    bound: .below(0, .atEnd),
    chart: Chart(
      "Explained variance", includes: [0], levels: [("perfect", 1)],
      "1 is a perfect value model, 0 one that always predicts the mean."))
  package static let responseLength = Metric(
    "response/length", "length", unit: "tokens per response",
    "Mean tokens of a response, EOS included", badSign: "it runs to the limit or to 1",
    chart: Chart(
      "Response length", includes: [0], "Reward models often prefer longer responses."))
  package static let eosFraction = Metric(
    "response/eos_fraction", "ended with EOS", unit: "fraction of responses",
    "Responses that ended with EOS",
    badSign: "responses reach the token limit before EOS",
    bound: .below(0.1), warning: .missingEOS,
    chart: Chart(
      "Responses that end", includes: [0, 1], "Those that run into the length limit are penalized.")
  )
  /// Declared once for all sources; see ``source(_:)``.
  package static let source = Metric(
    "source/N", "source N", unit: "score per response",
    "Mean score of source N of `ppo.reward.sources`, counted from 1, before its weight, over all "
      + "responses that were scored in the iteration, with `relative` also the reference’s",
    badSign: "one source rises at the cost of another that you want")

  /// The metric of one source, from 1.
  package static func source(_ number: Int) -> Metric {
    Metric(
      "source/\(number)", "source \(number)", unit: source.unit, source.meaning,
      badSign: source.concern)
  }

  private static let rewardChart = Chart(
    "Score and gold",
    includes: [0],
    "Both in standard deviations of the SFT policy, 0 at its mean. The models see only the "
      + "score. When it rises and gold does not, the policy has found a "
      + "weakness of the reward model.")
  private static let klChart = Chart(
    "KL from the reference", includes: [0],
    "Distance from the reference; an estimate may be below 0.")
  private static let stepChart = Chart("Clipping and step size", includes: [0])

  /// Beside them in `metrics/ppo.jsonl`: time and memory of an iteration.
  package static let costs =
    [rolloutTime, scoreTime, updateTime] + [
      policyMemory, referenceMemory, rewardMemory, valueMemory, optimizerMemory, activationMemory,
    ]

  package static let rolloutTime = Metric(
    "time/rollout", "rollout", unit: "seconds", "Sampling of responses in an iteration",
    badSign: slower, chart: timeChart)
  package static let scoreTime = Metric(
    "time/score", "score", unit: "seconds",
    "Passes of reward, reference and value model, and advantages, in an iteration",
    badSign: slower, chart: timeChart)
  package static let updateTime = Metric(
    "time/update", "update", unit: "seconds", "Gradient steps of an iteration", badSign: slower,
    chart: timeChart)
  package static let policyMemory = Metric(
    "memory/policy", "Policy", unit: "bytes",
    "Allocated for the policy’s parameters, without frozen ones shared with the reference, as "
      + "jemalloc counts the arena of that role, rounded up to blocks; with another allocator, the "
      + "bytes of the elements",
    badSign: "it changes during a run", chart: memoryChart)
  package static let referenceMemory = Metric(
    "memory/reference", "Reference", unit: "bytes", "Allocated for the reference’s parameters",
    badSign: "it changes during a run: the reference is frozen", chart: memoryChart)
  package static let rewardMemory = Metric(
    "memory/reward", "Reward model", unit: "bytes",
    "Allocated for the reward model’s parameters, all members",
    badSign: "it changes during a run: the reward model is frozen", chart: memoryChart)
  package static let valueMemory = Metric(
    "memory/value", "Value model", unit: "bytes",
    "Allocated for a separate value model; 0 for a head on the policy, and without a value model",
    badSign: "it changes during a run", chart: memoryChart)
  package static let optimizerMemory = Metric(
    "memory/optimizer", "Optimizer", unit: "bytes", "Allocated for the moments of both optimizers",
    badSign: "far from twice the parameters that learn, or growing", chart: memoryChart)
  package static let activationMemory = Metric(
    "memory/activations", "Activations", unit: "bytes",
    "The most that the forward passes of a minibatch allocated, before its backward passes",
    badSign: "it grows from iteration to iteration", chart: memoryChart)

  private static let slower = "it grows from iteration to iteration while responses do not"
  private static let timeChart = Chart("Time of an iteration", includes: [0])
  private static let memoryChart = Chart("Memory of the models")
}
