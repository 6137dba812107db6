package import Foundation
package import RunRecords
package import Settings

/// A question about the loop: arms that differ in one thing, and claims that are stated before anything
/// runs. Written as one YAML file in `scenarios/lessons`.
package struct Lesson: Configurable {
  package var title = ""
  package var question = ""
  package var minutes = 5.0
  package var choices: [String] = []
  package var answer = 1
  package var explanation = ""
  package var reading: [String] = []
  package var next: [String] = []
  var plan = SweepPlan()
  package var arms = LessonArms()
  package var control: String?
  package var claims: [LessonClaim] = []
  package var figures: [String] = []
  var quick = LessonSize()
  package var exercises: [LessonExercise] = []
  /// Where it is written.
  private var location = SettingsLocation.unwritten

  package init() {}

  package init(_ location: SettingsLocation) throws(SettingsError) {
    self.init()
    try update(from: location)
    (self.location, plan.location) = (location, location)
  }

  package static let fields: [Field<Self>] = asked + runs + judged

  private static let asked: [Field<Self>] = [
    Field("title", \.title, "a few words", isRequired: true),
    Field("question", \.question, "what it asks", isRequired: true),
    Field(
      "minutes", \.minutes, "what all seeds take on two cores, measured", in: Above(0)),
    Field("choices", \.choices, "what could be expected, for *what do you expect?*"),
    Field("answer", \.answer, "which of the choices the measured seeds show, from 1", in: 1...),
    Field("explanation", \.explanation, "why, in two or three sentences"),
  ]

  private static let runs: [Field<Self>] =
    SweepPlan.fields.filter { ["scenario", "run", "set", "seeds"].contains($0.name) }
    .map { $0.inside(\.plan) }

  private static let judged: [Field<Self>] = [
    Field(
      "arms", \.arms, "what varies: the settings of each arm by its name", isRequired: true),
    Field("control", \.control, "the arm in which only the cause is taken away"),
    Field("claims", \.claims, "what must hold", isRequired: true),
    Field(
      "figures", \.figures,
      "what the page draws: final figures by arm, or metrics such as objective/gold by iteration"),
    Field("quick", \.quick, "the smaller size for a class"),
    Field("next", \.next, "what to try next, a command each"),
    Field("reading", \.reading, "passages of papers and books"),
    Field("exercises", \.exercises, "tasks whose result `lesson check` can judge"),
  ]

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    guard choices.isEmpty || choices.indices.contains(answer - 1) else {
      throw location.key("answer").error(
        "there is no choice \(answer)", advice: "use 1 to \(choices.count)")
    }
    let names = arms.axis.values.map(\.label)
    func check(_ arm: String?, at place: SettingsLocation) throws(SettingsError) {
      guard let arm, !names.contains(arm) else { return }
      throw place.error(
        "there is no arm `\(arm)`",
        advice: Suggestion.advice(for: arm, among: names, called: "arms"))
    }
    try check(control, at: location.key("control"))
    guard !claims.isEmpty else {
      throw location.key("claims").error(
        "a lesson claims something", advice: "add `- { claim: …, figure: …, arm: …, above: 0 }`")
    }
    for (index, claim) in claims.enumerated() {
      let place = location.key("claims").item(index)
      guard claim.arm != nil || names.count == 1 else {
        throw place.key("arm").error(
          "the claim does not say of which arm it is",
          advice: "name one of \(names.joined(separator: ", "))")
      }
      try check(claim.arm, at: place.key("arm"))
      try check(claim.minus, at: place.key("minus"))
      if claim.minus != nil, claim.minus == claim.arm, claim.minusFigure == nil {
        throw place.key("minus").error(
          "the claim subtracts an arm from itself", advice: "name another arm, or a `minus_figure`")
      }
    }
    for (place, name) in claimedFigures(at: location) {
      try FigureNames.any.require(name, at: place)
    }
    for (index, name) in figures.enumerated() {
      try FigureNames.any.require(name, isDrawn: true, at: location.key("figures").item(index))
    }
    for (index, exercise) in exercises.enumerated() {
      let places = location.key("exercises").item(index).key("claims")
      for (index, claim) in exercise.claims.enumerated() where claim.arm ?? claim.minus != nil {
        throw places.item(index).error(
          "an exercise is judged by one run, which has no arms",
          advice: "leave out `arm` and `minus`")
      }
    }
  }

  /// Every figure that a claim names, with its place.
  private func claimedFigures(
    at location: SettingsLocation
  ) -> [(place: SettingsLocation, name: String)] {
    func named(
      by claims: [LessonClaim], at place: SettingsLocation
    ) -> [(place: SettingsLocation, name: String)] {
      claims.enumerated().flatMap { index, claim in
        [(place.item(index).key("figure"), claim.figure)]
          + (claim.minusFigure.map { [(place.item(index).key("minus_figure"), $0)] } ?? [])
      }
    }
    return named(by: claims, at: location.key("claims"))
      + exercises.enumerated().flatMap { index, exercise in
        named(
          by: exercise.claims, at: location.key("exercises").item(index).key("claims"))
      }
  }

  /// Refuses a claim about what the runs of its arm do not write, and a chart of what no arm writes.
  private func requireFigures(of cells: [SweepCell]) throws(SettingsError) {
    var written: [String: FigureNames] = [:]
    for cell in cells where written[cell.labels.joined()] == nil {
      written[cell.labels.joined()] = FigureNames(of: cell)
    }
    for (index, claim) in claims.enumerated() {
      let place = location.key("claims").item(index)
      let arm = claim.arm ?? written.keys.first ?? ""
      try written[arm]?.require(claim.figure, at: place.key("figure"), arm: arm)
      guard claim.minus ?? claim.minusFigure != nil else { continue }
      let (other, subtracted) = (claim.minus ?? arm, claim.minusFigure ?? claim.figure)
      try written[other]?.require(
        subtracted, at: place.key(claim.minusFigure == nil ? "minus" : "minus_figure"), arm: other)
    }
    for (index, name) in figures.enumerated()
    where !written.values.contains(where: { $0.contains(name, isDrawn: true) }) {
      let arm = cells[0].labels.joined()
      try written[arm]?.require(
        name, isDrawn: true, at: location.key("figures").item(index), arm: arm)
    }
  }

  /// The sweep of all arms over all seeds.
  ///
  /// - Parameters:
  ///   - seeds: instead of its own, such as `1-3`.
  ///   - isQuick: takes the smaller size.
  ///   - overrides: `key=value`, over the settings of the lesson.
  ///   - file: scenarios of files may lie beside it.
  /// - Throws: `SettingsError`, also for what only the scenario of an arm refuses, and for figures that
  ///   its runs do not write.
  package func cells(
    seeds: String? = nil, isQuick: Bool, overrides: [String] = [], besides file: URL
  ) throws(SettingsError) -> (plan: SweepPlan, cells: [SweepCell]) {
    var plan = plan
    plan.name = title
    plan.axes.all = [arms.axis]
    if isQuick {
      plan.settings.lay(quick.settings.all)
      plan.seeds = quick.seeds
    }
    for override in overrides { plan.settings.lay([try SweepAssignments.Assignment(override)]) }
    if let seeds {
      plan.seeds = try SweepSeeds(
        SettingsLocation(path: "--seeds", node: .literal(seeds), source: .unwritten))
    }
    let cells = try plan.cells(besides: file)
    try requireFigures(of: cells)
    return (plan, cells)
  }
}

/// The arms of a lesson: settings by name.
package struct LessonArms: SettingValue {
  var axis = SweepAxes.Axis(name: "arm", values: [])

  package static let typeDescription = "a map from names to settings"

  init() {}

  package init(_ location: SettingsLocation) throws(SettingsError) {
    _ = try location.entries(of: Self.typeDescription)
    axis = try SweepAxes.axis("arm", location)
  }

  package var node: SettingNode {
    .map(
      axis.values.map { value in
        (value.label, .map(value.assignments.map { ($0.path, .text($0.value)) }))
      })
  }

  /// As a record has them.
  package var recorded: [LessonRecord.Arm] {
    axis.values.map { .init(name: $0.label, settings: $0.assignments.map(\.text)) }
  }
}

/// What a lesson runs in a class.
struct LessonSize: Configurable {
  var settings = SweepAssignments()
  var seeds = SweepSeeds(1...3)

  init() {}

  static let fields: [Field<Self>] = [
    Field("set", \.settings, "settings over those of the lesson"),
    Field("seeds", \.seeds, "the seeds"),
  ]
}

/// A task for a student, and what a run that solves it shows.
package struct LessonExercise: Configurable {
  package var task = ""
  package var claims: [LessonClaim] = []

  package init() {}

  package static let fields: [Field<Self>] = [
    Field("task", \.task, "what to do, with the command to begin from", isRequired: true),
    Field(
      "claims", \.claims, "what must hold of the run, each with figure and threshold",
      isRequired: true),
  ]
}
