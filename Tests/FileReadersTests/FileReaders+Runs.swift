import Experiments
import Formats
import Foundation
import LanguageModels
import Preferences
import RunRecords
import Settings
import Worlds

/// Readers of settings and of what runs record.
extension FileReaders {
  static let settings: [String: Reader] = [
    "settings": { files, data in
      let document = try SettingsDocument(contentsOf: files.file("world.yaml", data))
      _ = document.root.differences(from: SettingNode(.map([])))
      let (configuration, _) = try document.resolve(WorldConfiguration.self)
      _ = try World(configuration)
    },
    "scenario": { files, data in
      let file = files.file("scenario.yaml", data)
      _ = try ProjectFiles.scenario(file.path, overrides: [], for: .demo)
    },
    // What follows `--set`, a line each.
    "overrides": { files, data in
      let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
      _ = try ProjectFiles.scenario("sentiment", overrides: lines, for: .trainReward)
    },
    "plan": { _ = try SweepPlan.read($0.file("plan.yaml", $1), atMost: 12) },
    "lesson": { files, data in
      let (lesson, file) = try ProjectFiles.lesson(files.file("lesson.yaml", data).path)
      _ = try lesson.cells(
        seeds: "1", isQuick: true, overrides: ["evaluation.responses=24"], besides: file)
    },
  ]

  static let records: [String: Reader] = [
    "metrics": { files, data in
      _ = files.file("metrics/metrics/ppo.jsonl", data)
      let run = try files.run("metrics")
      let table = try MetricsTable(stage: .ppo, in: run)
      for name in table.names { _ = table[name] }
      _ = try run.tables()
      files.remove("metrics/events")
      _ = try MetricsWriter(stage: .ppo, in: run, upTo: 1)
    },
    "events": { files, data in
      _ = files.file("events/metrics/dpo.jsonl", Data("{\"step\":1}\n{\"step\":2}\n".utf8))
      _ = files.file("events/events/dpo/events.out.tfevents.1.rlhf-sim", data)
      _ = try MetricsWriter(stage: .dpo, in: files.run("events"), upTo: 1)
    },
    "evaluation": { files, data in
      _ = files.file("evaluation/evaluation.json", data)
      let run = try files.run("evaluation")
      let evaluation = try EvaluationSummary.read(from: run)
      _ = (evaluation.verdict, evaluation.bestOfN(atKL: 0.5), evaluation.exact?.fraction)
      _ = (evaluation.reward?.laterAlerts, evaluation.reward?.unexamined, evaluation.judgeName)
      if let reward = evaluation.reward {
        _ = RewardAlert.raised(by: reward, epochs: 2, lowestLoss: 0.1).map(\.rule.title)
      }
      _ = SweepResults.figureNames(of: evaluation) { _ in 5 }
      _ = try run.tables()
      let cell = SweepResult(
        run: "evaluation", labels: ["1"], seed: 1, status: "done", error: nil)
      try SweepResults(plan: "a plan", axes: ["a"], cells: [cell], in: files.directory).write()
    },
    "samples": { files, data in
      _ = files.file("samples/samples/before_after.jsonl", data)
      _ = try SampleComparison.read(from: files.run("samples"))
      _ = try files.run("samples").tables()
    },
    "rollouts": { files, data in
      _ = files.file("rollouts/samples/rollouts.jsonl", data)
      for rollout in try RolloutRecord.read(from: files.run("rollouts")) {
        _ = rollout.deltas
        for token in rollout.tokens.indices { _ = rollout.isClipped(token) }
      }
      _ = try files.run("rollouts").tables()
      _ = try RolloutWriter(in: files.run("rollouts"), upTo: 1)
    },
    "fixed-prompts": { files, data in
      _ = files.file("prompts/samples/fixed_prompts.jsonl", data)
      for response in try FixedPromptRecord.read(from: files.run("prompts")) { _ = response.length }
      _ = try FixedPromptWriter(in: files.run("prompts"), upTo: 1)
    },
    "information": { files, data in
      _ = files.file("told/run.json", data)
      let run = try RunDirectory.open(files.directory.appending(path: "told"), writing: true)
      let information = try RunInformation.read(from: run)
      _ = (information.livingProcess, information.command.optimizesPolicy)
      try information.requireOrigin(settings: ["a=1", "b=2"], in: run)
    },
    // As a run finds it that goes on after its old state was moved away and before the new one stood.
    "state": { files, data in
      _ = files.file("stopped/.state.x.partial/stage.json", data)
      _ = files.file("stopped/.state.x.partial/tensors.safetensors", Data())
      defer { files.remove("stopped/state") }
      let run = try RunDirectory.open(files.directory.appending(path: "stopped"), writing: true)
      _ = files.file("stopped/state/stage.json", data)
      _ = files.file("stopped/state/tensors.safetensors", Data())
      _ = try StageState.read(from: run.state)
    },
    "labels": { files, data in
      _ = files.file("labels.jsonl.journal", data)
      let journal = try LabelJournal(at: files.directory.appending(path: "labels.jsonl"))
      _ = LabelAgreement(journal.answers)
    },
    "sweep": { files, data in
      _ = files.file("sweep/sweep.json", data)
      _ = try SweepDirectory(opening: files.directory.appending(path: "sweep"))
    },
    // A directory of files, a line each: the name, a space, and what it holds. A name that ends with `/` is
    // that of a directory.
    "directory": { files, data in
      files.remove("any")
      for line in String(decoding: data, as: UTF8.self).split(separator: "\n").prefix(20) {
        let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
        guard let name = parts.first, name.utf8.count < 100, !name.contains(".."),
          !name.contains("\0")
        else { continue }
        let isDirectory = name.hasSuffix("/")
        let place = "any/" + (isDirectory ? name + "x" : name)
        if !files.canWrite(place) { continue }
        _ = files.file(place, Data((parts.dropFirst().first ?? "").utf8))
        if isDirectory { files.remove(place) }
      }
      let place = files.directory.appending(path: "any")
      let tries: [() throws -> Void] = [
        { _ = try RunInformation.read(from: .open(place)) },
        { _ = try EvaluationSummary.read(from: .open(place)) },
        { _ = try RunDirectory.open(place, writing: true) },
        { _ = try LabelJournal(at: place.appending(path: "labels.jsonl")) },
        { _ = try ChatTemplates(directory: place).template(forTools: true) },
        { _ = try SettingsDocument(contentsOf: place.appending(path: "scenario.yaml")) },
        { try survey(place.appending(path: "rows"), as: RowReading()) },
        { _ = try Safetensors.read(place.appending(path: "model.safetensors")) },
        { _ = try Tokenizer(directory: CheckpointFiles(place).tokenizer) },
        { try load(place) },
      ]
      for attempt in tries {
        do { try attempt() } catch {
          _ = ("\(error)", (error as? any EndingError)?.exitStatus)
        }
      }
    },
  ]
}
