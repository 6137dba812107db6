import RunRecords
package import Statistics

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
