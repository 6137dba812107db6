#!/usr/bin/env python3
"""The worlds `guard`, `verbose`, `sycophancy` and `arithmetic`, each with and without its cause, over seeds.

usage: script/measure_worlds.py [--seeds 1-3] [--out runs/worlds]

Needs a release build and Python 3.9, nothing else; some two minutes per seed. Limits, set before the runs, on
every seed: in `guard` gold ends higher with both raters than with either alone; in `verbose` and `sycophancy`
the score rises and gold falls, and without the cause gold rises; in `arithmetic` gold ends higher with the
verifier than with the reward model. Exits with 1 when one fails.
"""
import argparse, json, pathlib, statistics, subprocess, sys

HELPFUL = "world.annotators=[{name: helpful, temperature: 0.5, weights: {caution: 0, harm: 0}}]"
HARMLESS = "world.annotators=[{name: harmless, temperature: 0.5, weights: {help: 0, needless: 0}}]"
STEPS = ["preferences.responses=1", "reward.objective=binary", "reward.read=steps", "reward.step_separator= ; "]
VARIANTS = {
    ("guard", "both raters"): [], ("guard", "helpful alone"): [HELPFUL], ("guard", "harmless alone"): [HARMLESS],
    ("verbose", "as it is"): [], ("verbose", "no length bias"): ["world.annotators[1].length_bias=0"],
    ("sycophancy", "as it is"): [], ("sycophancy", "no flattery"): ["world.annotators[1].likes=[]"],
    ("arithmetic", "as it is"): [], ("arithmetic", "labels of steps"): STEPS,
    ("arithmetic", "verifier"): ["ppo.reward.source=gold"],
}
COLUMNS = ["gold of SFT", "gold after", "score", "exact KL", "words before", "after", "grammatical", "accuracy", "ceiling"]
root = pathlib.Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser()
parser.add_argument("--seeds", default="1-3")
parser.add_argument("--out", default="runs/worlds")
options = parser.parse_args()
first, _, last = options.seeds.partition("-")
seeds = range(int(first), int(last) + 1) if last else [int(s) for s in options.seeds.split(",")]

print("| scenario | | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (len(COLUMNS) + 2), flush=True)
found = {}
for (scenario, name), settings in VARIANTS.items():
    rows = []
    for seed in seeds:
        out = pathlib.Path(options.out) / f"{scenario}-{name.replace(' ', '-')}-{seed}"
        command = [str(root / ".build/release/rlhf-sim"), "demo", "--scenario", scenario, "--seed", str(seed),
                   "--out", str(out), "--force", "--quiet", "--json"]
        for setting in settings: command += ["--set", setting]
        final = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        before, after, reward = final["sft"], final["ppo"], final["reward"]
        rows.append([before["gold"]["mean"], after["gold"]["mean"], after["score"]["mean"] - before["score"]["mean"],
                     after["kl_exact"]["mean"], before["length"]["mean"] - 1, after["length"]["mean"] - 1,
                     after["grammatical_fraction"], reward["accuracy"]["value"], reward["ceiling"]])
    found[scenario, name] = rows
    spread = lambda column: f" ± {statistics.stdev(column):.2f}" if len(column) > 1 else ""
    print(f"| `{scenario}` | {name} | "
          + " | ".join(f"{statistics.mean(column):.2f}{spread(column)}" for column in zip(*rows)) + " |", flush=True)

failures = []
for index, seed in enumerate(seeds):
    start = lambda *variant: found[variant][index][0]
    gold = lambda *variant: found[variant][index][1]
    score = lambda *variant: found[variant][index][2]
    checks = {"guard": gold("guard", "both raters") > max(gold("guard", "helpful alone"), gold("guard", "harmless alone")),
              "arithmetic": gold("arithmetic", "verifier") > gold("arithmetic", "as it is")}
    for scenario, control in ("verbose", "no length bias"), ("sycophancy", "no flattery"):
        checks[scenario] = (score(scenario, "as it is") > 0 and gold(scenario, "as it is") < start(scenario, "as it is")
                            and gold(scenario, control) > start(scenario, control))
    failures += [f"seed {seed}: the limit of {name} fails" for name, passed in checks.items() if not passed]
print("\n".join(failures) or "all limits hold on every seed")
sys.exit(1 if failures else 0)
