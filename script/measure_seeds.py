#!/usr/bin/env python3
"""Runs the whole loop over seeds and compares the results with the limits below.

usage: script/measure_seeds.py [--scenario sentiment|exact] [--seeds 1-8] [--out runs/seeds]
       [-- further options of `rlhf-sim demo`, such as --set ppo.kl.coefficient=0.1]

Needs a release build and Python 3.9, nothing else; about half a minute per seed. Limits, set before
the runs: held-out accuracy of the reward model at least 0.72 and below the ceiling of the
annotators' noise; gold reward up by at least one standard deviation of the SFT policy's gold on
every seed; exact KL at least 0 and under 8 nats; at least 95 % of the samples grammatical. For
`exact` there is one: at least 0.9 of what the optimal policy adds to score − β·KL, on every seed.
Exits with 1 when one fails.
"""
import argparse, json, pathlib, statistics, subprocess, sys

root = pathlib.Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser()
parser.add_argument("--scenario", default="sentiment")
parser.add_argument("--seeds", default="1-8", help="such as 1-8 or 3,5,9")
parser.add_argument("--out", default="runs/seeds")
parser.add_argument("rest", nargs="*")
options = parser.parse_args()
first, _, last = options.seeds.partition("-")
seeds = range(int(first), int(last) + 1) if last else [int(s) for s in options.seeds.split(",")]

exact_columns = ["seed", "J(π_ref)", "J(π)", "J*", "fraction", "KL(π‖π*)", "KL(π‖π_ref)", "KL(π*‖π_ref)",
                 "gold before", "gold after", "gold of π*", "accuracy", "ceiling", "seconds"]
columns = exact_columns if options.scenario == "exact" else [
           "seed", "accuracy", "ceiling", "ece", "gold before", "sd", "gold after", "gain/sd",
           "exact KL", "grammatical", "win rate", "seconds"]
print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns), flush=True)
rows, failures = [], []
for seed in seeds:
    out = pathlib.Path(options.out) / f"{options.scenario}-{seed}"
    command = [str(root / ".build/release/rlhf-sim"), "demo", "--scenario", options.scenario, "--seed",
               str(seed), "--out", str(out), "--force", "--quiet", "--json", *options.rest]
    final = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    run = json.loads((out / "run.json").read_text())
    seconds = sum(stage["seconds"] for stage in run["stage_seconds"])
    if options.scenario == "exact":
        three = reference, policy, optimum = [final["exact"][k] for k in ("reference", "policy", "optimum")]
        start, reached, best = (each["objective"] for each in three)
        fraction = (reached - start) / (best - start)
        row = [start, reached, best, fraction, final["exact"]["kl_from_optimum"], policy["kl"],
               optimum["kl"], *(each["gold"] for each in three),
               final["reward"]["accuracy"]["value"], final["reward"]["ceiling"], seconds]
        rows.append(row)
        print(f"| {seed} | " + " | ".join(f"{value:.3f}" for value in row) + " |", flush=True)
        if fraction < 0.9: failures.append(f"seed {seed}: fraction ≥ 0.9 fails")
        continue
    before, after, reward = final["sft"], final["ppo"], final["reward"]
    gain = (after["gold"]["mean"] - before["gold"]["mean"]) / before["gold"]["sd"]
    row = [reward["accuracy"]["value"], reward["ceiling"], reward["ece"], before["gold"]["mean"],
           before["gold"]["sd"], after["gold"]["mean"], gain, after["kl_exact"]["mean"],
           after["grammatical_fraction"], final["win_rate"]["value"], seconds]
    rows.append(row)
    print(f"| {seed} | " + " | ".join(f"{value:.3f}" for value in row) + " |", flush=True)
    checks = {"accuracy ≥ 0.72": row[0] >= 0.72, "accuracy below the ceiling": row[0] < row[1],
              "gain ≥ 1 sd": gain >= 1, "0 ≤ KL < 8": 0 <= row[7] < 8,
              "grammatical ≥ 0.95": row[8] >= 0.95}
    failures += [f"seed {seed}: {name} fails" for name, passed in checks.items() if not passed]
for name, summary in ("mean", statistics.mean), ("sd", statistics.pstdev if len(rows) < 2 else statistics.stdev):
    print(f"| {name} | " + " | ".join(f"{summary(values):.3f}" for values in zip(*rows)) + " |")
print("\n".join(failures) or "all criteria hold on every seed")
sys.exit(1 if failures else 0)
