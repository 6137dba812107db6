#!/usr/bin/env python3
"""Peak memory of models as people have them, which `make_standins.py` makes with random weights.

    peers/bin/python script/measure_memory.py [--program .build/release/rlhf-sim] [--work DIR] [NAME ...]

Prints a Markdown table: the most resident memory that each command had, by `getrusage`, against its limit.
Takes some ten minutes on two cores and 5 GB of disk.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
PACKAGE = SCRIPTS.parent
WORDS = (
    "the reward model reads a response and its prompt and says one number for both of them so that "
    "a policy can learn from it while the reference stays where it was"
).split()


def text(draw, words):
    return " ".join(draw.choice(WORDS) for _ in range(words))


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def make(what, directory, dtype):
    if not (directory / "config.json").exists():
        subprocess.run(
            [sys.executable, SCRIPTS / "make_standins.py", what, "--dtype", dtype, "--out", directory],
            check=True, stdout=sys.stderr,
        )
    return str(directory)


def peak(command):
    """(bytes, seconds) of a command that must succeed."""
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=PACKAGE, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit, time.monotonic() - start


def settings(**values):
    return [part for k, v in values.items() for part in ("--set", f"{k.replace('__', '.')}={v}")]


def training(program, work):
    """GPT-2 small through `train-reward` and `ppo`: two steps of each, responses of 48 tokens."""
    model = make("gpt2", work / "gpt2", "float32")
    draw = random.Random(1)
    pairs = [
        {"prompt": text(draw, 24), "chosen": text(draw, 60), "rejected": text(draw, 50)}
        for _ in range(24)
    ]
    rows = write_rows(work / "pairs.jsonl", pairs)
    prompts = write_rows(work / "prompts.jsonl", [{"prompt": text(draw, 24)} for _ in range(16)])
    reward = work / "gpt2-reward"
    common = settings(
        preferences__held_out_pairs=1000, preferences__pairs=3000,
        evaluation__normalization_responses=16, evaluation__responses=16, evaluation__best_of=1,
        ppo__maximum_tokens=48,
    )
    yield "GPT-2 small, `train-reward`", 6e9, [
        program, "train-reward", "--base", model, "--preferences", rows, "--out", str(reward),
        "--force", *common, *settings(reward__batch_size=8, reward__epochs=1),
    ]
    yield "GPT-2 small, `ppo`", 6e9, [
        program, "ppo", "--policy", model, "--reward", str(reward / "reward"), "--prompts", prompts,
        "--out", str(work / "gpt2-ppo"), "--force", *common,
        *settings(ppo__iterations=2, ppo__episodes=16, ppo__minibatches=2, ppo__epochs=1),
    ]


def scoring(program, work, dtype):
    """A reward model on Qwen3-0.6B scores 100 rows of 512 tokens."""
    model = make("qwen3-0.6b-reward", work / f"qwen3-{dtype}", dtype)
    draw = random.Random(2)
    ids = lambda count: [draw.randrange(3, 150_000) for _ in range(count)]  # noqa: E731
    rows = [{"prompt_ids": ids(256), "response_ids": ids(256)} for _ in range(100)]
    file = write_rows(work / "rows.jsonl", rows)
    size = (Path(model) / "model.safetensors").stat().st_size
    yield f"Qwen3-0.6B in {dtype} ({size / 1e9:.2f} GB), `score`", 1.3 * size + 1e9, [
        program, "score", "--model", model, "--input", file, "--output", str(work / "scored.jsonl"),
    ]


CASES = {
    "gpt2": training,
    "qwen3-bfloat16": lambda program, work: scoring(program, work, "bfloat16"),
    "qwen3-float32": lambda program, work: scoring(program, work, "float32"),
}


def main():
    parser = argparse.ArgumentParser(description="Measures the peak memory of models of known sizes.")
    parser.add_argument("--program", default=str(PACKAGE / ".build/release/rlhf-sim"))
    parser.add_argument("--work", type=Path, help="keeps the models there")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(CASES)}; all when none is given")
    arguments = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        work = (arguments.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        print("| what | peak | limit | seconds |\n|---|---|---|---|")
        for name in arguments.names or CASES:
            for what, limit, command in CASES[name](arguments.program, work):
                used, seconds = peak(command)
                failed = failed or used > limit
                print(f"| {what} | {used / 1e9:.2f} GB | {limit / 1e9:.2f} GB | {seconds:.0f} |", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
