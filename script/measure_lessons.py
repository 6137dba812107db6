#!/usr/bin/env python3
"""The claims of lessons over two sets of seeds, as a Markdown table for scenarios/README.md.

usage: script/measure_lessons.py [--seeds 1-8 101-108] [--out runs/lessons] [NAME ...]

Needs a release build and Python 3.9, nothing else; a minute to half an hour a lesson (`rlhf-sim lessons`). Runs
that are in --out already are not run again. Exits with 1 when a claim fails.
"""
import argparse, json, pathlib, subprocess, sys

root = pathlib.Path(__file__).resolve().parent.parent
program = str(root / ".build/release/rlhf-sim")
parser = argparse.ArgumentParser()
parser.add_argument("--seeds", nargs="+", default=["1-8", "101-108"])
parser.add_argument("--out", default="runs/lessons")
parser.add_argument("names", nargs="*")
options = parser.parse_args()


def run(*arguments):
    return json.loads(subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout)


def found(claim):
    if claim.get("value") is None:
        return claim.get("problem", "–")
    interval = f" [{claim['low']:.2f}, {claim['high']:.2f}]" if "low" in claim else ""
    counted = f"{claim['seeds_holding']} of {claim['seeds_counted']}"
    return f"{claim['value']:.2f}{interval}, {counted}{'' if claim['holds'] else ': **fails**'}"


names = options.names or [lesson["name"] for lesson in run("lessons", "--json")]
print("| lesson | claim | " + " | ".join(f"seeds {seeds}" for seeds in options.seeds) + " |")
print("|---|---|" + "---|" * len(options.seeds), flush=True)
failures = 0
for name in names:
    records = []
    for seeds in options.seeds:
        out = f"{options.out}/{name}-{seeds}"
        records.append(run("lesson", name, "--seeds", seeds, "--out", out, "--quiet", "--json")["claims"])
    for claims in zip(*records):
        failures += sum(not claim["holds"] for claim in claims)
        cells = " | ".join(found(claim) for claim in claims)
        print(f"| `{name}` | {claims[0]['claim']} (`{claims[0]['statement']}`) | {cells} |", flush=True)
print(f"\n{failures} verdicts are failures.", file=sys.stderr)
sys.exit(1 if failures else 0)
