import RunRecords
import Settings
package import Statistics

extension Scenario {
  /// Every key as an article of the documentation, in Markdown: a table for each section, its rows
  /// path, default, type with range, and meaning. It is made from the declarations that files are
  /// read by, so that it says what the program does.
  package static var referenceArticle: String {
    let keys = reference
    var article = """
      # Every key of a scenario

      Path, default, type and meaning of every key, as the program itself declares them.

      ## Overview

      Made by `rlhf-sim scenarios keys --markdown`; do not edit it by hand. A key without a default
      is required. `[]` in a path stands for any item of a list. In a file, sections are indented
      maps; on the command line, `--set` takes the whole path, such as
      `--set ppo.kl.coefficient=0.1` or `--set "world.annotators[0].flip=0.4"`. How to write a file
      is in <doc:WritingAScenario>. A key that says "only if" is unused, and may be
      refused, while the other key has another value.

      ### The scenario itself


      """
    var isOfKind = false
    article += tableHead
    let sections = keys.map(\.path).filter { path in
      !path.contains(".") && keys.contains { $0.path.hasPrefix(path + ".") }
    }
    for key in keys {
      if key.path == featurePath {
        // The kinds of gold features share the path, and each has other keys beside it.
        let parts = key.documentation.split(separator: ":", maxSplits: 1)
        let kind = parts.first.map(String.init) ?? ""
        article += "\n### A feature of world.gold: \(kind)\n\n\(tableHead)"
        isOfKind = true
      } else if sections.contains(key.path) {
        article += "\n## \(key.path)\n\n\(sentence(key.documentation))\n\n\(tableHead)"
        isOfKind = false
      } else if isOfKind, !key.path.hasPrefix("world.gold[]") {
        article += "\n### Other keys of world\n\n\(tableHead)"
        isOfKind = false
      }
      article += row(key)
    }
    return article
  }

  private static let featurePath = "world.gold[].feature"
  private static let tableHead = "| key | default | type | meaning |\n|---|---|---|---|\n"

  private static func row(_ key: KeyDescription) -> String {
    let value =
      key.defaultValue.isEmpty || key.defaultValue == "required"
      ? key.defaultValue : "`\(key.defaultValue)`"
    let cells = ["`\(key.path)`", value, key.type, key.documentation]
    return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
  }

  private static func sentence(_ text: String) -> String {
    text.prefix(1).uppercased() + text.dropFirst() + "."
  }
}

extension Metric {
  /// Every metric as an article of the documentation, in Markdown: a table for each file of
  /// `metrics/`, made from the declarations that runs and reports are read by.
  package static var referenceArticle: String {
    var article = """
      # Every metric of a run

      Name, unit, meaning and bad sign of every number that a stage records, as the program itself
      declares them.

      ## Overview

      Made by `rlhf-sim scenarios metrics --markdown`; do not edit it by hand. A row of
      `metrics/STAGE.jsonl` is a step or an iteration, with `step`, `seconds` since the stage began,
      and the metrics by name; TensorBoard shows the same numbers. A bound in the last column is what
      the report warns of; one with a name in brackets is also a warning of the run, said once, where
      it begins, with what to try, and recorded in `run.json`. With an adaptive KL controller,
      `rising-kl` is more than twice its target instead.

      """
    for stage in RunStage.trained {
      article += """

        ## metrics/\(stage.records ?? "").jsonl

        | metric | unit | meaning | bad sign |
        |---|---|---|---|

        """
      for metric in stage.metrics {
        let warning = metric.warning.map { " (`\($0.rawValue)`)" } ?? ""
        let cells = ["`\(metric.name)`", metric.unit, metric.meaning, metric.badSign + warning]
        article += "| " + cells.joined(separator: " | ") + " |\n"
      }
    }
    return article
  }
}
