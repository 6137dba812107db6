#!/usr/bin/env python3
"""Measures how a reward model gets better with the number of pairs it learns from.

    measure_reward_curve.py [--scenario sentiment] [--sizes 1000,2000,4000,…] [--seeds 1-5]
                            [--epochs 2] [--out runs/curve]
                            [-- further options of `rlhf-sim train-reward`, such as --set …]

For each seed the scenario's annotators judge as many pairs as the largest size needs, and 8 000 pairs
of other prompts, all answers of the shipped SFT policy. A reward model is then trained on the first n
of them for every size n. The table has means ± standard deviations over the seeds of:

  accuracy   on the held-out pairs
  ceiling    what an ideal predictor of these annotators would reach on them
  ece        expected calibration error; 8 000 pairs of a perfect predictor have about 0.01
  gold       share of held-out pairs of different gold that the model orders as gold does
  seconds    of training with its evaluations

Exits with 1 when the largest size ends more than 0.03 below the ceiling or has a calibration error of
0.05 or more. Needs a release build and Python 3.9, nothing else; two minutes a seed on two cores.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HELD_OUT = 8000
GAP_LIMIT, CALIBRATION_LIMIT = 0.03, 0.05
COLUMNS = ["accuracy", "ceiling", "gap", "ece", "gold", "seconds"]


def train_reward(arguments, out, *options):
    command = [arguments.program, "train-reward", "--scenario", arguments.scenario, "--out", out,
               "--force", "--quiet", *options]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return out


def annotated(arguments, seed, pairs):
    """The directory of train.jsonl with that many rows, and of eval.jsonl."""
    run = train_reward(
        arguments, arguments.out / f"rows-{seed}", "--seed", seed, "--set",
        f"preferences.pairs={pairs}", "--set", f"preferences.held_out_pairs={HELD_OUT}", "--set",
        "reward.optimizer.learning_rate=0", "--set", "reward.epochs=1", "--set",
        "reward.evaluations=1")
    return run / "preferences"


def measure(arguments, rows, seed, size):
    part = arguments.out / "part.jsonl"
    with open(rows / "train.jsonl") as every, open(part, "w") as some:
        some.writelines(itertools.islice(every, size))
    run = train_reward(
        arguments, arguments.out / f"{size}-{seed}", "--seed", seed, "--preferences", part, "--eval",
        rows / "eval.jsonl", "--set", f"reward.epochs={arguments.epochs}", *arguments.rest)
    reward = json.loads((run / "evaluation.json").read_text())["reward"]
    stages = json.loads((run / "run.json").read_text())["stage_seconds"]
    accuracy, ceiling = reward["accuracy"]["value"], reward["ceiling"]
    return [accuracy, ceiling, ceiling - accuracy, reward["ece"], reward["gold_agreement"]["value"],
            sum(stage["seconds"] for stage in stages)]


def main():
    parser = argparse.ArgumentParser(description="Accuracy of reward models by number of pairs.")
    parser.add_argument("--scenario", default="sentiment")
    parser.add_argument("--sizes", default="1000,2000,4000,8000,16000,32000,64000")
    parser.add_argument("--seeds", default="1-5", help="such as 1-5")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "runs/curve")
    parser.add_argument("--program", type=Path, default=ROOT / ".build/release/rlhf-sim")
    parser.add_argument("rest", nargs="*")
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.sizes.split(",")]
    first, _, last = arguments.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)

    rows = {seed: annotated(arguments, seed, max(sizes)) for seed in seeds}
    print("| pairs | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (len(COLUMNS) + 1), flush=True)
    for size in sizes:
        figures = [measure(arguments, rows[seed], seed, size) for seed in seeds]
        cells = []
        for name, values in zip(COLUMNS, zip(*figures)):
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            digits = 1 if name == "seconds" else 3
            cells.append(f"{statistics.mean(values):.{digits}f} ± {spread:.{digits}f}")
        print(f"| {size} | " + " | ".join(cells) + " |", flush=True)
    gap, calibration = (statistics.mean(values) for values in list(zip(*figures))[2:4])
    print(f"\nat {sizes[-1]} pairs: {gap:.3f} below the ceiling, limit {GAP_LIMIT}; calibration "
          f"error {calibration:.3f}, limit {CALIBRATION_LIMIT}")
    return 1 if gap > GAP_LIMIT or calibration >= CALIBRATION_LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
