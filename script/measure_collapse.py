#!/usr/bin/env python3
"""The policy without the KL penalty, with three times the learning rate, and with both.

usage: script/measure_collapse.py [--seeds 21-25] [--out runs/collapse]

Needs a release build and Python 3.9, nothing else; about a minute per seed. Runs the whole loop of
`sentiment` as it is, with `ppo.kl.coefficient` 0, with `ppo.policy.learning_rate` three times its own, and with
both, which is the scenario `no-kl`. Prints a Markdown row for each: score (in sd of the
reference's), gold, exact KL, share of grammatical samples, entropy per token before and after, the
share of the most frequent response, and the warnings of the run.
"""
import argparse, collections, json, pathlib, statistics, subprocess

VARIANTS = {
    "as it is": ["--scenario", "sentiment"],
    "β = 0": ["--scenario", "sentiment", "--set", "ppo.kl.coefficient=0"],
    "3 × rate": ["--scenario", "sentiment", "--set", "ppo.policy.learning_rate=0.00045"],
    "both": ["--scenario", "no-kl"],
}
COLUMNS = ["score", "gold", "exact KL", "grammatical", "entropy before", "after", "commonest"]
root = pathlib.Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser()
parser.add_argument("--seeds", default="21-25")
parser.add_argument("--out", default="runs/collapse")
options = parser.parse_args()
first, _, last = options.seeds.partition("-")
seeds = range(int(first), int(last) + 1) if last else [int(s) for s in options.seeds.split(",")]

print("| | seed | " + " | ".join(COLUMNS) + " | warnings |\n|" + "---|" * (len(COLUMNS) + 3), flush=True)
for name, settings in VARIANTS.items():
    rows = []
    for seed in seeds:
        out = pathlib.Path(options.out) / f"{list(VARIANTS).index(name)}-{seed}"
        subprocess.run(
            [str(root / ".build/release/rlhf-sim"), "demo", *settings, "--seed", str(seed), "--out",
             str(out), "--force", "--quiet"], check=True, capture_output=True)
        final = json.loads((out / "evaluation.json").read_text())
        before, after = final["sft"], final["ppo"]
        lines = (out / "samples/before_after.jsonl").read_text().splitlines()
        responses = collections.Counter(json.loads(line)["after"] for line in lines)
        rows.append([after["score"]["mean"], after["gold"]["mean"], after["kl_exact"]["mean"],
                     after["grammatical_fraction"], before["entropy"]["mean"], after["entropy"]["mean"],
                     responses.most_common(1)[0][1] / len(lines)])
        warnings = sorted({warning["kind"] for warning in json.loads(
            (out / "run.json").read_text()).get("warnings", [])})
        print(f"| {name} | {seed} | " + " | ".join(f"{value:.2f}" for value in rows[-1])
              + f" | {', '.join(warnings)} |", flush=True)
    if len(rows) > 1:
        means = [f"{statistics.mean(column):.2f} ± {statistics.stdev(column):.2f}" for column in zip(*rows)]
        print(f"| {name} | mean | " + " | ".join(means) + " | |", flush=True)
