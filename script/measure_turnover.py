#!/usr/bin/env python3
"""Gold turns over while the score rises: `goodhart` over seeds, compared with limits set before the runs.

usage: script/measure_turnover.py [--seeds 1-8] [--out runs/turnover] [-- further options of `rlhf-sim demo`]

Needs a release build and Python 3.9, nothing else; under a minute per seed. The sd is that of the SFT policy's
gold. On every seed, at β = 0: the highest mean gold of five iterations is at least 0.5 sd above that of the SFT
policy, that of the last five at least 1 sd below it, and the score of the last five within 0.2 sd of its highest
(scores are in sd of the SFT policy's). Exits with 1 when one fails.
"""
import argparse, json, pathlib, statistics, subprocess, sys

root = pathlib.Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser()
parser.add_argument("--seeds", default="1-8", help="such as 1-8 or 3,5,9")
parser.add_argument("--out", default="runs/turnover")
parser.add_argument("rest", nargs="*")
options = parser.parse_args()
first, _, last = options.seeds.partition("-")
seeds = range(int(first), int(last) + 1) if last else [int(s) for s in options.seeds.split(",")]

columns = ["seed", "gold of SFT", "sd", "highest gold", "at iteration", "gold at the end", "highest score",
           "score at the end", "exact KL at the end", "rise/sd", "fall/sd", "holds"]
print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns), flush=True)
failures = 0
for seed in seeds:
    out = pathlib.Path(options.out) / f"{seed}"
    command = [str(root / ".build/release/rlhf-sim"), "demo", "--scenario", "goodhart", "--seed", str(seed),
               "--out", str(out), "--force", "--quiet", "--json", *options.rest]
    final = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    rows = [json.loads(line) for line in (out / "metrics/ppo.jsonl").read_text().splitlines()]
    def means(name):
        values = [row[name] for row in rows]
        return [statistics.mean(values[i:i + 5]) for i in range(len(values) - 4)]
    gold, score = means("objective/gold"), means("objective/score")
    start, sd = final["sft"]["gold"]["mean"], final["sft"]["gold"]["sd"]
    rise, fall = (max(gold) - start) / sd, (start - gold[-1]) / sd
    holds = rise >= 0.5 and fall >= 1 and max(score) - score[-1] <= 0.2
    failures += not holds
    figures = [start, sd, max(gold), gold.index(max(gold)) + 3, gold[-1], max(score), score[-1],
               final["ppo"]["kl_exact"]["mean"], rise, fall]
    print(f"| {seed} | " + " | ".join(str(f) if isinstance(f, int) else f"{f:.2f}" for f in figures)
          + f" | {'yes' if holds else 'no'} |", flush=True)
print(f"the criterion holds on {len(list(seeds)) - failures} of {len(list(seeds))} seeds")
sys.exit(1 if failures else 0)
