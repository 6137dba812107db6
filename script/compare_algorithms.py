#!/usr/bin/env python3
"""Every algorithm from the same checkpoints, each compared with best-of-n at its own KL.

usage: script/compare_algorithms.py [--seeds 1-3] [--out runs/algorithms] [--only ppo,rloo]

Needs a release build and Python 3.9, nothing else; about 15 s per row and seed. Prints a Markdown table
of means over the seeds, standard deviations behind ±: exact KL from the SFT policy, proxy (the reward
model's score), gold, and what best-of-n sampling from the SFT policy (n up to 256, so a KL up to 4.5) has
of both at the same KL.
"""
import argparse, json, math, pathlib, statistics, subprocess

METHODS = {
    "ppo": ["ppo"],
    "reinforce": ["ppo", "--set", "ppo.algorithm=reinforce"],
    "rloo": ["ppo", "--set", "ppo.algorithm=rloo", "--set", "ppo.samples_per_prompt=4"],
    "grpo": ["ppo", "--set", "ppo.algorithm=grpo", "--set", "ppo.samples_per_prompt=4",
             "--set", "ppo.kl.placement=loss", "--set", "ppo.kl.estimator=k3"],
    "rejection-sampling": ["ppo", "--set", "ppo.algorithm=rejection-sampling",
                           "--set", "ppo.samples_per_prompt=4"],
    "dpo": ["dpo"],
    "dpo, on-policy": ["dpo", "--set", "dpo.pairs=on-policy"],
    "ppo, gold reward": ["ppo", "--set", "ppo.reward.source=gold"],
}
root = pathlib.Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser()
parser.add_argument("--seeds", default="1-3")
parser.add_argument("--out", default="runs/algorithms")
parser.add_argument("--only", help="names of methods, with commas between")
options = parser.parse_args()
first, _, last = options.seeds.partition("-")
seeds = range(int(first), int(last) + 1) if last else [int(s) for s in options.seeds.split(",")]


def best_of_n(points, kl, key):
    """Between the two nearest n; None beyond the largest."""
    for left, right in zip(points, points[1:]):
        if left["kl"] <= kl <= right["kl"]:
            share = (kl - left["kl"]) / (right["kl"] - left["kl"])
            return left[key]["mean"] + share * (right[key]["mean"] - left[key]["mean"])
    return None


def cell(values):
    if any(v is None for v in values):
        return "beyond"
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


columns = ["method", "KL", "proxy", "gold", "grammatical", "best-of-n proxy at that KL", "best-of-n gold"]
print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns), flush=True)
for name, arguments in METHODS.items():
    if options.only and name not in options.only.split(","):
        continue
    rows = []
    for seed in seeds:
        out = pathlib.Path(options.out) / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"
        command = [str(root / ".build/release/rlhf-sim"), *arguments, "--seed", str(seed), "--set",
                   "evaluation.best_of=256", "--out", str(out), "--force", "--quiet", "--json"]
        final = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        policy = final["ppo"]
        kl = policy["kl_exact"]["mean"]
        rows.append([kl, policy["score"]["mean"], policy["gold"]["mean"],
                     policy["grammatical_fraction"], best_of_n(final["best_of_n"], kl, "score"),
                     best_of_n(final["best_of_n"], kl, "gold")])
    print(f"| {name} | " + " | ".join(cell(column) for column in zip(*rows)) + " |", flush=True)
