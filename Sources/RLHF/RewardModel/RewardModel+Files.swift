import Formats
package import Foundation
package import LanguageModels

extension RewardModel {
  /// Loads a directory in Hugging Face layout. That of an ensemble is its first member, beside whose
  /// files `member-1`, `member-2`, … hold the others.
  package init(
    directory: URL, specialTokens: SpecialTokens, narrowingAbove limit: Int? = nil
  ) throws {
    let file = try ConfigurationFile(CheckpointFiles(directory).configuration)
    guard file[Self.ensembleKey] != nil else {
      let member = try Member(directory: directory, narrowingAbove: limit)
      self.init(members: [member], specialTokens: specialTokens)
      stepSeparator = file[Self.separatorKey]?.string
      return
    }
    let ensemble = try file.nested(Self.ensembleKey)
    let count = try ensemble.int("members")
    guard (1...1_000).contains(count) else {
      throw ensemble.failure("members", "is \(count); write how many models there are")
    }
    let name = try ensemble.string("combine")
    guard let rule = EnsembleRule(rawValue: name) else {
      let names = EnsembleRule.allCases.map(\.rawValue).joined(separator: ", ")
      throw ensemble.failure("combine", "is \(name); write one of \(names)")
    }
    let weight = try ensemble.double("uncertainty_weight", default: 0)
    let members = try (0..<count).map {
      try Member(directory: Self.place(of: $0, in: directory), narrowingAbove: limit)
    }
    if let odd = members.firstIndex(where: {
      $0.model.configuration != members[0].model.configuration
    }) {
      throw ensemble.failure(
        "members", "and member \(odd) is of another shape; give the members of one training run")
    }
    self.init(
      members: members,
      combination: EnsembleCombination(rule: rule, uncertaintyWeight: weight),
      specialTokens: specialTokens)
    stepSeparator = file[Self.separatorKey]?.string
  }

  /// Writes the model's files into an existing directory, those of further members into directories
  /// inside it.
  package func save(to directory: URL, as type: StoredNumber = .float32) throws {
    for (index, member) in members.enumerated() {
      let place = Self.place(of: index, in: directory)
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      try member.model.save(
        to: place, specialTokens: specialTokens, normalization: member.normalization, as: type,
        isMember: index > 0)
    }
    var extra: [(String, JSONValue)] = []
    if members.count > 1 {
      extra.append(
        (
          Self.ensembleKey,
          .object([
            "members": .int(members.count), "combine": .string(combination.rule.rawValue),
            "uncertainty_weight": .double(combination.uncertaintyWeight),
          ])
        ))
    }
    if let stepSeparator { extra.append((Self.separatorKey, .string(stepSeparator))) }
    guard !extra.isEmpty else { return }
    let url = directory.appending(path: "config.json")
    let file = try ConfigurationFile(url)
    try ConfigurationFile.write(file.keys.map { ($0, file[$0] ?? .null) } + extra, to: url)
  }

  /// The extra key of the first member's `config.json` that says how members make one score.
  private static let ensembleKey = "reward_ensemble"
  /// That of a model which reads the ends of steps.
  private static let separatorKey = "step_separator"

  private static func place(of member: Int, in directory: URL) -> URL {
    member == 0 ? directory : directory.appending(path: "member-\(member)")
  }
}

extension RewardModel.Member {
  init(directory: URL, narrowingAbove limit: Int?) throws {
    self.init(
      model: try ScalarModel(directory: directory, narrowingAbove: limit),
      normalization: try ScalarModel.normalization(directory: directory) ?? RewardNormalization())
  }
}
