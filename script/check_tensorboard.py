#!/usr/bin/env python3
"""Opens the event files of a run with TensorBoard's own loader and prints what it finds.

    pip install tensorboard
    script/check_tensorboard.py runs/demo

Exits with 1 when no stage recorded metrics, one that did has no scalars, or PPO no histograms or texts.
"""

import json
import pathlib
import sys

from tensorboard.backend.event_processing import plugin_event_accumulator


def main(run: pathlib.Path) -> int:
    failures = []
    stages = [path.stem for path in sorted((run / "metrics").glob("*.jsonl"))]
    if not stages:
        failures.append(f"{run} has no metrics")
    for stage in stages:
        rows = [json.loads(line) for line in (run / f"metrics/{stage}.jsonl").open()]
        events = plugin_event_accumulator.EventAccumulator(
            str(run / "events" / stage), size_guidance={"tensors": 0})
        events.Reload()
        tags = events.Tags()
        # The loader turns everything into tensors, each with the plugin that shows it.
        plugins: dict[str, list[str]] = {}
        for tag in tags["tensors"]:
            plugin = events.SummaryMetadata(tag).plugin_data.plugin_name
            plugins.setdefault(plugin, []).append(tag)
        print(stage, {plugin: len(found) for plugin, found in sorted(plugins.items())})
        names = {name for row in rows for name in row} - {"step", "seconds"}
        if missing := names - set(plugins.get("scalars", [])):
            failures.append(f"{stage}: no scalars {sorted(missing)}")
        if stage != "ppo":
            continue
        for plugin in ("histograms", "text"):
            if not plugins.get(plugin):
                failures.append(f"{stage}: no {plugin}")
            for tag in plugins.get(plugin, []):
                last = events.Tensors(tag)[-1]
                shape = [size.size for size in last.tensor_proto.tensor_shape.dim]
                print(f"  {plugin} {tag}: {len(events.Tensors(tag))} steps, last {shape}")
                if plugin == "text":
                    print("   ", last.tensor_proto.string_val[0].decode().split("\n")[0])
    print("\n".join(failures) if failures else "TensorBoard reads every event.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
