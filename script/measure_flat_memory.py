#!/usr/bin/env python3
"""Whether memory stays flat over a long run: half an hour of PPO with a toy model, in one process.

  script/measure_flat_memory.py [--minutes 30]

jemalloc says after every 2 GB of allocations how many bytes are allocated and resident (MALLOC_CONF, stats_interval).
Prints their mean and maximum in each tenth of the run as a Markdown table. Exits with 1 when the mean of allocated
bytes of a later tenth differs from that of the second by more than 5 %; the first is warm-up.
"""
import argparse, os, pathlib, re, signal, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = ROOT / "checkpoints/sentiment"
LIMIT = 0.05


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--program", default=str(ROOT / ".build/release/rlhf-sim"))
    options = parser.parse_args()
    samples = []
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [options.program, "ppo", "--policy", MODELS / "sft", "--reward", MODELS / "reward", "--out", "run",
             "--quiet", "--threads", "1", "--set", "ppo.iterations=1000000", "--set", "ppo.episodes=32"],
            cwd=folder, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"MALLOC_CONF": "stats_interval:2000000000,stats_interval_opts:gmdablxe"})
        start = time.time()
        for line in process.stderr:
            if found := re.match(r"Allocated: (\d+), .* resident: (\d+)", line):
                samples.append((time.time() - start, int(found[1]), int(found[2])))
            if time.time() - start > options.minutes * 60:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        iterations = sum(1 for _ in open(pathlib.Path(folder, "run/metrics/ppo.jsonl")))
    print(f"{iterations} iterations, {len(samples)} samples\n")
    print("| tenth | allocated, mean | most | resident, most |\n|---|--:|--:|--:|")
    means = []
    for tenth in range(10):
        part = [sample for sample in samples if int(sample[0] / (options.minutes * 6)) == tenth]
        means.append(statistics.mean(sample[1] for sample in part))
        print(f"| {tenth + 1} | {means[-1]:,.0f} | {max(sample[1] for sample in part):,} "
              f"| {max(sample[2] for sample in part):,} |")
    furthest = max(abs(mean / means[1] - 1) for mean in means[2:])
    print(f"\nfurthest from the second tenth: {furthest:.2%} (limit {LIMIT:.0%})")
    sys.exit(1 if furthest > LIMIT else 0)


if __name__ == "__main__":
    main()
