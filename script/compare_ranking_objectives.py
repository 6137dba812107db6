#!/usr/bin/env python3
"""Compares what reward models learn from rankings by different objectives, at equal steps and pairs.

    compare_ranking_objectives.py [--rankings 8000] [--responses 4] [--epochs 4] [--seeds 1-3]
                                  [--out runs/rankings] [-- further options, such as --threads 1]

All objectives learn from the same rankings of responses of the shipped SFT policy. A step sees 32 whole
rankings, or as many pairs as are in 32 rankings: so `pairwise` takes as many steps as the others and
sees as many pairs in each, but separately and in random order.
`reward.slips` is 0, because `plackett-luce` and `best-of-k` have no label noise rate.

The table has means ± standard deviations over the seeds, of 4 000 held-out comparisons.
Needs a release build and Python 3.9, nothing else; five minutes on two cores.
"""

import argparse
import json
import statistics
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RANKINGS_A_STEP = 32
OBJECTIVES = ["pairwise", "grouped-pairs", "plackett-luce", "best-of-k"]
COLUMNS = ["accuracy", "ceiling", "gold", "ece", "steps", "seconds"]


def measure(arguments, objective, seed):
    pairs = arguments.responses * (arguments.responses - 1) // 2
    batch = RANKINGS_A_STEP * (pairs if objective == "pairwise" else 1)
    out = arguments.out / f"{objective}-{seed}"
    settings = {
        "preferences.responses": arguments.responses, "preferences.pairs": arguments.rankings,
        "preferences.held_out_pairs": 4000, "reward.objective": objective,
        "reward.batch_size": batch, "reward.epochs": arguments.epochs, "reward.slips": 0,
    }
    command = [arguments.program, "train-reward", "--seed", seed, "--out", out, "--force", "--quiet"]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    subprocess.run([str(part) for part in command + arguments.rest], check=True,
                   stdout=subprocess.DEVNULL)
    reward = json.loads((out / "evaluation.json").read_text())["reward"]
    stages = json.loads((out / "run.json").read_text())["stage_seconds"]
    steps = len((out / "metrics/reward.jsonl").read_text().splitlines())
    return [reward["accuracy"]["value"], reward["ceiling"], reward["gold_agreement"]["value"],
            reward["ece"], steps, stages[-1]["seconds"]]


def main():
    parser = argparse.ArgumentParser(description="Objectives for rankings, side by side.")
    parser.add_argument("--rankings", type=int, default=8000)
    parser.add_argument("--responses", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", default="1-3", help="such as 1-3")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/rankings")
    parser.add_argument("--program", type=Path, default=ROOT / ".build/release/rlhf-sim")
    parser.add_argument("rest", nargs="*")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)

    print("| objective | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (len(COLUMNS) + 1), flush=True)
    for objective in OBJECTIVES:
        cells = []
        for name, values in zip(COLUMNS, zip(*(measure(arguments, objective, s) for s in seeds))):
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            cells.append(
                f"{values[0]}" if name == "steps"
                else f"{statistics.mean(values):.0f}" if name == "seconds"
                else f"{statistics.mean(values):.3f} ± {spread:.3f}")
        print(f"| `{objective}` | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
