package import LanguageModels
package import Settings

/// Low-rank adapters that learn in place of the policy's matrices (Hu et al. 2021).
package struct LoRAConfiguration: Configurable, Equatable {
  package var rank: Int?
  package var alpha = 16.0
  package var targets = AdapterTarget.allCases

  package init() {}

  package static let fields = [
    Field(
      "rank", \Self.rank,
      "r of the adapters B A, [outputs, r] times [r, inputs]: the policy's weights stay those of "
        + "the reference, which then costs no memory, and only the adapters learn; null for none",
      in: 1...4_096),
    Field(
      "alpha", \Self.alpha, "α: a matrix counts as W + (α / r) B A; a checkpoint holds that sum",
      in: Above(0.0),
      onlyIf: hasRank),
    Field(
      "targets", \Self.targets,
      "which matrices have one; queries, keys and values are one matrix with one A, and so are the "
        + "two inputs of the feed-forward block; without language-head, words that the reference "
        + "never told apart are hard to tell apart", onlyIf: hasRank),
  ]

  private static let hasRank = Condition<Self>.setting("rank", is: "a number, such as 8") {
    $0.rank != nil
  }

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    if targets.isEmpty {
      throw location.key("targets").error(
        "no matrix would have an adapter", advice: "name at least one, such as query-key-value")
    }
  }
}

extension AdapterTarget: SettingValue {}
