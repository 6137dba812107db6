import RunRecords
import Statistics

extension ReportSection {
  /// What the judge says and what gold says, iteration by iteration, with the responses to fixed prompts:
  /// a slider scrubs through them.
  @Sendable static func outcome(_ records: ReportRecords) -> ReportSection? {
    let frames = OutcomeFrames(records)
    guard frames.last.score != nil || frames.last.gold != nil else { return nil }
    let isMoving = frames.iterations.count > 1
    return ReportSection(id: "outcome", title: isMoving ? "Watch it happen" : "What came out") {
      element("div", ["class": "watch"]) {
        element("div", ["class": "stage"]) {
          needles(frames, records)
          curves(frames, records)
        }
        if isMoving { controls(frames) }
        if !frames.prompts.isEmpty { responses(frames, records) }
        if isMoving { Markup.json(frames.data(records.scoreOfIterations)) }
      }
    }
  }

  private static func needles(_ frames: OutcomeFrames, _ records: ReportRecords) -> Markup {
    let last = frames.last
    return element("div", ["class": "card needles"]) {
      Dial(score: last.score, gold: last.gold, covering: frames.shown).svg
      element("div", ["class": "sayings"]) {
        saying(
          .score, by: "\(records.scoreOfIterations) says", last.score,
          raw: records.rewardWithoutJudge == nil ? raw(last.score, records.units.score) : "")
        saying(
          .gold, by: "gold says", last.gold, raw: raw(last.gold, records.units.gold))
        meter("KL from SFT", "kl", last.kl, unit: "nats", of: frames.kl)
        meter("length", "length", last.length, unit: "tokens", of: frames.length)
      }
    }
  }

  /// The same before it was converted.
  private static func raw(_ value: Double?, _ scale: Summary?) -> String {
    guard let value, let scale else { return "" }
    return "raw \(NumberText.fixed(scale.mean + value * scale.standardDeviation, 3))"
  }

  /// A name, a value and a bar for it, as long as the largest of all iterations.
  private static func meter(
    _ name: String, _ key: String, _ value: Double?, unit: String, of all: [Double?]
  ) -> Markup? {
    guard let value else { return nil }
    let most = max(all.compactMap(\.self).max() ?? value, 1e-9)
    let share = NumberText.coordinate(min(max(value / most, 0), 1) * 100)
    return element("div", ["class": "meter", "data-key": key, "data-most": "\(most)"]) {
      element("span") { name }
      element("b") { NumberText.fixed(value, 1) }
      element("span", ["class": "unit"]) { unit }
      element("div", ["class": "track"]) { element("div", ["style": "width:\(share)%"]) }
    }
  }

  private static func curves(_ frames: OutcomeFrames, _ records: ReportRecords) -> Markup? {
    func points(_ values: [Double?]) -> [LineChart.Point] {
      zip(frames.iterations, values).map { .init(x: Double($0), y: $1) }
    }
    let (score, gold) = (points(frames.score), points(frames.gold))
    guard score.count > 1 else { return nil }
    return LineChart(
      title: "Score and gold", takeaway: Trend.rewards(score: score, gold: gold, unit: "sd"),
      unit: records.units.unit, horizontalTitle: "iterations done",
      series: [
        .init(
          name: records.scoreOfIterations, points: score, role: .score,
          scale: records.rewardWithoutJudge == nil ? records.units.score : nil),
        .init(name: "gold", points: gold, role: .gold, scale: records.units.gold),
      ].filter(\.isDrawn), includes: [0],
      note: records.rewardWithoutJudge.map {
        "PPO’s reward is not \(the(records.judge))’s, which only looks on: its source is \($0). What "
          + "\(the(records.judge)) says is in the verdict and beside the responses."
      }
        ?? "The models see the score alone. Where the curves part, the policy lives on the mistakes of "
        + "its judge."
    ).figure()
  }

  private static func controls(_ frames: OutcomeFrames) -> Markup {
    let last = frames.iterations.count - 1
    return element("div", ["class": "controls", "hidden": "hidden"]) {
      element("button", ["type": "button"]) { "Play" }
      element("label") {
        element("span", ["class": "hidden"]) { "Iteration" }
        element(
          "input", ["type": "range", "min": "0", "max": "\(last)", "value": "\(last)", "step": "1"])
      }
      element("output") { "after \(frames.iterations[last]) iterations" }
    }
  }

  private static func responses(_ frames: OutcomeFrames, _ records: ReportRecords) -> Markup {
    element("table", ["class": "samples watched"]) {
      element("caption") {
        "The same \(frames.prompts.count) prompts, answered at every iteration with the same random "
          + "numbers"
      }
      element("thead") {
        element("tr") {
          element("th", ["scope": "col", "class": "words"]) { "Prompt and response" }
          element("th", ["scope": "col", "class": "number"]) { records.judge }
          element("th", ["scope": "col", "class": "number"]) { "gold" }
          element("th", ["scope": "col", "class": "place"]) { "both, in sd" }
        }
      }
      element("tbody") {
        for (prompt, response) in zip(frames.prompts, frames.responses.last ?? []) {
          element("tr") {
            element("td", ["class": "words", "data-label": ""]) {
              element("span", ["class": "prompt"]) { prompt }
              " "
              element("span", ["class": "said"]) { response.text }
            }
            number(response.score.map { NumberText.signed($0, 1) } ?? "–", records.judge)
            number(response.gold.map { NumberText.signed($0, 1) } ?? "–", "gold")
            element("td", ["class": "place", "data-label": ""]) {
              strip(score: response.score, gold: response.gold, limit: frames.limit)
            }
          }
        }
      }
    }
  }
}

/// What the slider shows: rewards in standard deviations of the SFT policy, iteration by iteration.
struct OutcomeFrames {
  struct Response {
    var text: String
    var score: Double?
    var gold: Double?
  }

  private(set) var iterations: [Int] = []
  private(set) var score: [Double?] = []
  private(set) var gold: [Double?] = []
  private(set) var kl: [Double?] = []
  private(set) var length: [Double?] = []
  private(set) var prompts: [String] = []
  /// One a prompt, of each iteration.
  private(set) var responses: [[Response]] = []

  /// The first is the policy before its first update, of which the first row of the metrics speaks; the
  /// last one has the figures of the evaluation, where there are some.
  init(_ records: ReportRecords) {
    let units = records.units
    let table = records.policyOptimization
    let final = records.evaluation?.ppo
    guard table != nil || final != nil else { return }
    iterations = table.map { table in [(table.steps.first ?? 1) - 1] + table.steps } ?? [0]
    func column(
      _ metric: Metric, _ end: Summary?, _ unit: (Double?) -> Double? = { $0 }
    ) -> [Double?] {
      let rows = table.map { $0[metric.name] ?? $0.steps.map { _ in nil } } ?? []
      return (rows + [end?.mean ?? rows.last ?? nil]).map(unit)
    }
    score = column(.score, final?.score, units.score)
    gold = column(.gold, final?.gold, units.gold)
    // Only the run itself knows what the SFT policy's spread is before the evaluation, and what it is of
    // another reward than the judge's.
    let isOwn = records.rewardWithoutJudge != nil
    if units.score == nil || isOwn { score = column(.scoreInSD, nil) }
    // Of the same responses as the score.
    if units.gold == nil || isOwn { gold = column(.goldInSD, nil) }
    kl = column(table?[Metric.exactKL.name] == nil ? .kl : .exactKL, final?.klExact)
    length = column(.responseLength, final?.length)
    read(records.fixedPrompts, units)
  }

  /// The responses of each iteration; an iteration without any shows those before it.
  private mutating func read(_ rows: [FixedPromptRecord], _ units: StandardUnits) {
    let byIteration = Dictionary(grouping: rows, by: \.iteration)
    guard let first = byIteration.keys.min() else { return }
    prompts = (byIteration[first] ?? []).sorted { $0.index < $1.index }.map(\.prompt)
    var shown: [FixedPromptRecord] = byIteration[first] ?? []
    for iteration in iterations {
      let new = byIteration[iteration] ?? []
      if new.count == prompts.count { shown = new }
      responses.append(
        shown.sorted { $0.index < $1.index }.map {
          Response(text: $0.response, score: units.score($0.score), gold: units.gold($0.gold))
        })
    }
  }

  var last: (score: Double?, gold: Double?, kl: Double?, length: Double?) {
    (score.last ?? nil, gold.last ?? nil, kl.last ?? nil, length.last ?? nil)
  }

  /// All that the needles will show.
  var shown: [Double] { (score + gold).compactMap(\.self) }

  /// Where gold was clearly better than it is at the end: after which iteration, and how good.
  var peak: (iteration: Int, gold: Double)? {
    let points = zip(iterations, gold).map { LineChart.Point(x: Double($0), y: $1) }
    guard let peak = Trend(points)?.peak, let end = last.gold, peak.y - end > Verdict.leastChange
    else { return nil }
    return (Int(peak.x), peak.y)
  }

  /// The scale of the strips beside the responses.
  var limit: Double {
    let all = responses.joined().flatMap { [$0.score, $0.gold] }.compactMap(\.self).map(abs)
    return max(2, all.filter(\.isFinite).max() ?? 0)
  }

  // MARK: For the script

  struct ScriptData: Encodable {
    let judge: String
    let iterations: [Int]
    let score, gold, kl, length: [Double?]
    let texts: [[String]]
    let scores, golds: [[Double?]]
  }

  func data(_ judge: String) -> ScriptData {
    func short(_ values: [Double?]) -> [Double?] {
      values.map { $0.flatMap { $0.isFinite ? ($0 * 1000).rounded() / 1000 : nil } }
    }
    return ScriptData(
      judge: judge, iterations: iterations, score: short(score), gold: short(gold), kl: short(kl),
      length: short(length), texts: responses.map { $0.map(\.text) },
      scores: responses.map { short($0.map(\.score)) },
      golds: responses.map { short($0.map(\.gold)) })
  }
}
