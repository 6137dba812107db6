#!/usr/bin/env python3
"""Verdicts and alerts on runs whose outcome is known beforehand, over seeds.

usage: script/measure_verdicts.py [--seeds 1-8] [--jobs N] [--out runs/verdicts] [--only verdicts|alerts]

Needs a release build and Python 3.9, nothing else; about three minutes per seed on one core. Four whole runs per seed:
`sentiment` must end better and without an alert, `goodhart` (annotators overlook repetition, no KL penalty) fooled,
`sentiment` at a learning rate of 0 unchanged, and with annotators who all but toss a coin unclear. Then, on the first seed, a
reward model with each fault, which must raise its alert. Exits with 1 when one fails.
"""
import argparse, concurrent.futures, json, pathlib, subprocess, sys

root = pathlib.Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser()
parser.add_argument("--seeds", default="1-8", help="such as 1-8 or 3,5,9")
parser.add_argument("--jobs", type=int, default=1)
parser.add_argument("--out", default="runs/verdicts")
parser.add_argument("--only", choices=["verdicts", "alerts"])
options = parser.parse_args()
first, _, last = options.seeds.partition("-")
seeds = list(range(int(first), int(last) + 1)) if last else [int(s) for s in options.seeds.split(",")]
out = pathlib.Path(options.out)
out.mkdir(parents=True, exist_ok=True)


def each(key, value):
    """--set of a key of every annotator of `sentiment`."""
    return [word for index in range(3) for word in ("--set", f"world.annotators[{index}].{key}={value}")]


def run(name, command, arguments, seed):
    command = [str(root / ".build/release/rlhf-sim"), command, "--seed", str(seed), "--threads", "1", "--quiet",
               "--json", "--force", "--out", str(out / f"{name}-{seed}"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout)


coins = each("flip", 0.49)  # annotators who only guess are refused
cases = {
    "better": ["--scenario", "sentiment"],
    "fooled": ["--scenario", "goodhart"],
    "unchanged": ["--scenario", "sentiment", "--set", "ppo.policy.learning_rate=0"],
    "unclear": ["--scenario", "sentiment", *coins],
}
few = ["--set", "reward.pairs_used=1000"]
faults = {
    "chance": coins,
    "wrong-sign": each("weights", "{valence: -1, grammar_breaks: -1}"),
    "gold-chance": coins,
    "probe": each("length_bias", 1),
    "overlooked": ["--scenario", "goodhart"],
    "length": each("length_bias", 1),
    "memorized": [*few, "--set", "reward.epochs=40"],
    "rising-loss": [*few, "--set", "reward.epochs=40"],
    "miscalibrated": [*few, "--set", "reward.epochs=40"],
    "far-below-ceiling": ["--set", "reward.pairs_used=4000"],
    "above-ceiling": None,  # the training pairs are the held-out ones
    "disagreement": [*few, "--set", "reward.epochs=20", "--set", "reward.ensemble=3"],
}


def alerts(summary):
    return {alert["kind"]: alert["text"] for alert in summary["reward"].get("alerts", [])}


failures = 0
with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
    if options.only != "alerts":
        jobs = {(word, seed): pool.submit(run, word, "demo", arguments, seed)
                for seed in seeds for word, arguments in cases.items()}
        print("| seed | expected | verdict | score, sd | gold, sd | held-out accuracy | alerts |\n|" + "---|" * 7, flush=True)
        for (word, seed), job in jobs.items():
            final = job.result()
            gain, raised = final["gain_sd"], alerts(final)
            right = final["verdict"] == word and not (word == "better" and raised)
            failures += not right
            print(f"| {seed} | {word} | {final['verdict']}{'' if right else ' (!)'} | {gain['score']:+.2f} | {gain['gold']:+.2f} "
                  f"| {final['reward']['accuracy']['value']:.3f} | {', '.join(raised) or 'none'} |", flush=True)
    if options.only != "verdicts":
        seed = seeds[0]
        run("plain", "train-reward", ["--set", "reward.epochs=1"], seed)
        rows = out / f"plain-{seed}/preferences/eval.jsonl"
        faults["above-ceiling"] = ["--preferences", str(rows), "--eval", str(rows), "--set", "reward.epochs=40"]
        jobs = {kind: pool.submit(run, kind, "train-reward", arguments, seed) for kind, arguments in faults.items()}
        print("\n| alert | raised | its text |\n|---|---|---|", flush=True)
        for kind, job in jobs.items():
            raised = alerts(job.result())
            failures += kind not in raised
            print(f"| {kind} | {', '.join(raised) or 'none'}{'' if kind in raised else ' (!)'} | {raised.get(kind, '')} |", flush=True)
print(f"\n{failures} failed" if failures else "\nall as expected")
sys.exit(1 if failures else 0)
