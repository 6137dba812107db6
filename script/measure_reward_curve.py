#!/usr/bin/env python3
"""Measures accuracy and calibration of a reward model by the number of pairs that it learns from.

    measure_reward_curve.py [--scenario sentiment] [--sizes 1000,2000,4000,…] [--seeds 1-5]
                            [--epochs 2] [--jobs 1] [--out runs/curve]
                            [-- further options of `rlhf-sim train-reward`, such as --set …]

For each seed the scenario's annotators judge as many pairs as the largest size needs, and 8 000 pairs
of other prompts, all responses of the shipped SFT policy. A reward model is trained on the first n of
them for every size n. The table has means ± standard deviations over the seeds of:

  accuracy   on the held-out pairs
  ceiling    accuracy of an ideal predictor of these annotators on them
  ece        expected calibration error; 8 000 pairs of a perfect predictor have about 0.01
  gold       share of held-out pairs of different gold that the model orders as gold does
  seconds    of training with its evaluations; with several jobs, each has one thread

Exits with 1 when the largest size ends more than 0.03 below the ceiling or has a calibration error of
0.05 or more. Needs a release build and Python 3.9, nothing else; two to three minutes per seed on one
idle core.
"""

import argparse
import concurrent.futures
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


def train_reward(arguments, seed, size, *options):
    """The run directory of a reward model of that many pairs."""
    out = arguments.out / f"{size}-{seed}"
    command = [arguments.program, "train-reward", "--scenario", arguments.scenario, "--out", out,
               "--force", "--quiet", "--seed", seed, "--set", f"reward.epochs={arguments.epochs}",
               *options, *(["--threads", 1] if arguments.jobs > 1 else []), *arguments.rest]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return out


def figures(run):
    reward = json.loads((run / "evaluation.json").read_text())["reward"]
    stages = json.loads((run / "run.json").read_text())["stage_seconds"]
    seconds, = (stage["seconds"] for stage in stages if stage["stage"] == "reward model")
    accuracy, ceiling = reward["accuracy"]["value"], reward["ceiling"]
    return [accuracy, ceiling, ceiling - accuracy, reward["ece"],
            reward["gold_agreement"]["value"], seconds]


def measure(arguments, seed, sizes):
    """The figures of every size. The largest run has the annotators judge; the others learn from
    the first of its rows."""
    *smaller, largest = sizes
    run = train_reward(
        arguments, seed, largest, "--set", f"preferences.pairs={largest}", "--set",
        f"preferences.held_out_pairs={HELD_OUT}")
    measured = {largest: figures(run)}
    for size in smaller:
        part = arguments.out / f"first-{size}-{seed}.jsonl"
        with open(run / "preferences/train.jsonl") as every, open(part, "w") as some:
            some.writelines(itertools.islice(every, size))
        measured[size] = figures(train_reward(
            arguments, seed, size, "--preferences", part, "--eval",
            run / "preferences/eval.jsonl"))
    print(f"seed {seed} is measured", file=sys.stderr)
    return measured


def main():
    parser = argparse.ArgumentParser(description="Accuracy of reward models by number of pairs.")
    parser.add_argument("--scenario", default="sentiment")
    parser.add_argument("--sizes", default="1000,2000,4000,8000,16000,32000,64000")
    parser.add_argument("--seeds", default="1-5", help="such as 1-5")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1, help="seeds measured at the same time")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/curve")
    parser.add_argument("--program", type=Path, default=ROOT / ".build/release/rlhf-sim")
    parser.add_argument("rest", nargs="*")
    arguments = parser.parse_args()
    sizes = sorted(int(size) for size in arguments.sizes.split(","))
    first, _, last = arguments.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    arguments.out.mkdir(parents=True, exist_ok=True)

    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        measured = list(pool.map(lambda seed: measure(arguments, seed, sizes), seeds))
    print("| pairs | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (len(COLUMNS) + 1))
    for size in sizes:
        cells = []
        for name, values in zip(COLUMNS, zip(*(of_seed[size] for of_seed in measured))):
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            digits = 1 if name == "seconds" else 3
            cells.append(f"{statistics.mean(values):.{digits}f} ± {spread:.{digits}f}")
        print(f"| {size} | " + " | ".join(cells) + " |")
    gap, calibration = (
        statistics.mean(of_seed[sizes[-1]][column] for of_seed in measured) for column in (2, 3))
    print(f"\nat {sizes[-1]} pairs: {gap:.3f} below the ceiling, limit {GAP_LIMIT}; calibration "
          f"error {calibration:.3f}, limit {CALIBRATION_LIMIT}")
    return 1 if gap > GAP_LIMIT or calibration >= CALIBRATION_LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
