import RunRecords

extension ReportSection {
  /// The models of the run's method in a picture: who starts as whom, and who judges whom.
  @Sendable static func models(_ records: ReportRecords) -> ReportSection? {
    let run = records.information
    let memory = records.policyOptimization.flatMap { ModelMemory.figure($0, of: run) }
    if let models = run.models, !models.contains(where: { $0.model == "reward" }) {
      return ReportSection(id: "models", title: "Models without a reward model") {
        element("p") {
          """
          The reward is what a command answers, named under ppo.reward in the settings below. All \
          models are the same decoder, and all start from the SFT policy.
          """
        }
        memory
      }
    }
    let picture = ModelsPicture(
      method: records.method,
      hasValueModel: records.method != "DPO" && records.information.hasValueModel != false)
    return ReportSection(id: "models", title: picture.title) {
      element("p") { picture.introduction }
      folded("Who starts as whom, and who judges whom") {
        element("figure", ["class": "picture"]) {
          picture.svg
          element("figcaption") {
            "Dashed: starts as a copy. Solid: what flows during training. A double frame is frozen."
          }
        }
        memory
      }
    }
  }
}

/// The drawing of the models that hold a method up.
private struct ModelsPicture {
  let method: String
  let hasValueModel: Bool

  private var isDirect: Bool { method == "DPO" }

  var title: String { isDirect ? "Two models" : hasValueModel ? "Four models" : "Three models" }

  var introduction: String {
    if isDirect {
      return """
        Both are the same decoder with a language head, and only the policy learns. There is no \
        reward model: how much likelier the policy makes a response than the reference does is \
        taken for how good it finds it.
        """
    }
    if hasValueModel {
      return """
        All four are the same decoder. Two have a language head (policy, reference), two a scalar \
        head (reward: read at the last token; value: read at every token). Only the policy and \
        the value model learn during \(method).
        """
    }
    return """
      All three are the same decoder. Two have a language head (policy, reference), one a scalar \
      head (reward: read at the last token). Only the policy learns during \(method): what a \
      response was expected to earn is read off other responses to its prompt, not off a value model.
      """
  }

  private var description: String {
    let copies = """
      The SFT policy is copied twice: as the policy, which is trained, and as the reference, \
      which stays frozen.
      """
    if isDirect {
      return """
        \(copies) Of each preference pair both say how likely they find the responses, and β times \
        the logarithm of the ratio is a response’s implicit reward; the loss goes back to the policy.
        """
    }
    let value = hasValueModel ? " The reward model’s trunk starts the value model." : ""
    let expected = hasValueModel ? ", the value model the reward it expected" : ""
    return """
      \(copies) Its trunk also starts the reward model, which learns from preference pairs and is \
      then frozen.\(value) The policy writes a response; the reward model gives it a score, the \
      reference a KL penalty\(expected); the advantage goes back to the policy.
      """
  }

  var svg: Markup {
    element("svg", ["viewBox": "-14 8 566 390", "role": "img"]) {
      element("title") { "The models of \(method)" }
      element("desc") { description }
      arrowHead
      copies
      isDirect ? directFlows : flows
      box("SFT policy", "from the corpus", x: 20, y: 14, isFrozen: false, style: "plain")
      box(
        "Preference pairs", "judged by annotators", x: 360, y: 14, isFrozen: false, style: "plain")
      box("Policy", "writes · trained", x: 20, y: 138, isFrozen: false, style: "s1")
      if !isDirect {
        box("Reward model", "judges · frozen", x: 360, y: 138, isFrozen: true, style: "s2")
      }
      box("Reference", "remembers · frozen", x: 20, y: 332, isFrozen: true, style: "s3")
      if hasValueModel {
        box("Value model", "expects · trained", x: 360, y: 332, isFrozen: false, style: "s4")
      }
      element(
        "rect",
        [
          "class": "response", "x": "225", "y": "240", "width": "110", "height": "44", "rx": "22",
        ])
      element("text", ["class": "name", "x": "280", "y": "267", "text-anchor": "middle"]) {
        isDirect ? "β·log ratio" : "response"
      }
    }
  }

  private var arrowHead: Markup {
    element("defs") {
      element(
        "marker",
        [
          "id": "arrow", "viewBox": "0 0 10 10", "refX": "9", "refY": "5", "markerWidth": "7",
          "markerHeight": "7", "orient": "auto-start-reverse",
        ]
      ) {
        element("path", ["class": "head", "d": "M0 0.5L10 5L0 9.5z"])
      }
    }
  }

  @MarkupBuilder private var copies: [Markup] {
    arrow("M110 74V134", "copy")
    label("copy", x: 118, y: 112)
    arrow("M20 44H-4V362H16", "copy")
    if !isDirect {
      arrow("M200 62L360 148", "copy")
      label("trunk", x: 292, y: 104)
    }
    if hasValueModel {
      arrow("M450 198V328", "copy")
      label("trunk", x: 458, y: 268)
    }
  }

  @MarkupBuilder private var flows: [Markup] {
    arrow("M200 38H356", "flow")
    label("two responses", x: 278, y: 30, anchor: "middle")
    arrow("M450 74V134", "flow")
    label("teach", x: 458, y: 112)
    arrow("M150 198C150 240 180 252 221 256", "flow")
    label("writes", x: 186, y: 240)
    arrow("M225 272C150 272 90 250 90 202", "flow")
    label("advantage", x: 96, y: 290)
    arrow("M380 198C360 232 350 244 333 250", "flow")
    label("score", x: 318, y: 222)
    arrow("M200 348C236 336 252 310 258 288", "flow")
    label("KL penalty", x: 156, y: 318)
    if hasValueModel {
      arrow("M360 348C326 336 310 310 302 288", "flow")
      label("value", x: 330, y: 310)
    }
  }

  /// Those of DPO, on responses that were written before.
  @MarkupBuilder private var directFlows: [Markup] {
    arrow("M200 38H356", "flow")
    label("two responses", x: 278, y: 30, anchor: "middle")
    arrow("M440 74C430 160 370 215 320 237", "flow")
    label("chosen, rejected", x: 424, y: 168)
    arrow("M150 198C150 240 180 252 221 256", "flow")
    label("log π", x: 186, y: 240)
    arrow("M225 272C150 272 90 250 90 202", "flow")
    label("loss", x: 110, y: 290)
    arrow("M200 348C236 336 252 310 258 288", "flow")
    label("log π_ref", x: 158, y: 322)
  }

  private func arrow(_ path: String, _ style: String) -> Markup {
    element("path", ["class": style, "d": path, "marker-end": "url(#arrow)"])
  }

  private func label(_ text: String, x: Int, y: Int, anchor: String = "start") -> Markup {
    element(
      "text", ["class": "edge", "x": String(x), "y": String(y), "text-anchor": anchor]
    ) { text }
  }

  @MarkupBuilder private func box(
    _ name: String, _ role: String, x: Int, y: Int, isFrozen: Bool, style: String
  ) -> [Markup] {
    element(
      "rect",
      [
        "class": "box \(style)", "x": String(x), "y": String(y), "width": "180", "height": "60",
        "rx": "8",
      ])
    if isFrozen {
      element(
        "rect",
        [
          "class": "inner \(style)", "x": String(x + 4), "y": String(y + 4), "width": "172",
          "height": "52", "rx": "5",
        ])
    }
    element(
      "text",
      ["class": "name", "x": String(x + 90), "y": String(y + 27), "text-anchor": "middle"]
    ) { name }
    element(
      "text",
      ["class": "role", "x": String(x + 90), "y": String(y + 46), "text-anchor": "middle"]
    ) { role }
  }
}
