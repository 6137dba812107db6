#!/usr/bin/env python3
"""Kills runs and makes their writes fail; each must go on to the bytes of an undisturbed run.

  script/check_interruptions.py --kills 200 --faults 400

Needs a release build and clang. Kills: SIGKILL at random moments of every command that saves a run, also
while it is resumed, and of sweeps; state is saved after every step (RLHF_SIM_SAVE_EVERY_STEP). Faults
(Tests/Interruptions/failing_calls.c): the k-th call of open, write, fsync, ftruncate, rename and mkdir below the
run directory fails, with EIO once or with ENOSPC from then on; the process is killed in place of that call, as an
allocation that fails between two such calls would end it; the k-th request to the system for memory fails. With
--allocations every request to the allocator fails: each in a copy of the process that ends with it or where it would
write, those of the same stack between the same two calls of files once. Where a copy came to a write, a run is made
with that allocation failing, one for each 8 innermost calls of such stacks. Memory: runs under `ulimit -v`. All files
but times, measured memory, run.json and the report are compared. Prints a Markdown table; exits with 1 for a difference.
"""
import argparse, collections, errno, os, pathlib, random, re, shutil, signal, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
TINY = """pretraining.steps=4 fine_tuning.steps=4 preferences.pairs=120 preferences.held_out_pairs=1000
reward.epochs=1 ppo.iterations=3 ppo.episodes=16 evaluation.responses=24 evaluation.best_of=8
evaluation.normalization_responses=16 model.width=16""".split()
SMALL = TINY + ["preferences.pairs=64", "reward.batch_size=32", "pretraining.steps=2", "fine_tuning.steps=2",
                "ppo.iterations=2"]
START = "--policy models/sft --reward models/reward".split()
# One of every stage and kind of state: ensembles, early stopping, rounds, algorithms, objectives.
RUNS = {
    "demo": ["demo"],
    "demo, two rounds": ["demo", "preferences.rounds=2"],
    "demo, ensemble": ["demo", "reward.ensemble=2", "reward.early_stopping=2", "reward.evaluations=4"],
    "sft": ["sft", "pretraining.steps=20", "fine_tuning.steps=20"],
    "train-reward": ["train-reward", "--base", "models/sft"],
    "ppo": ["ppo", *START, "ppo.iterations=12"],
    "ppo, average": ["ppo", *START, "ppo.iterations=8", "ppo.average_decay=0.9"],
    "grpo": ["ppo", *START, "ppo.iterations=12", "ppo.algorithm=grpo", "ppo.samples_per_prompt=4"],
    "dpo": ["dpo", *START, "dpo.epochs=3"],
    "dpo, on-policy": ["dpo", *START, "dpo.pairs=on-policy", "dpo.rounds=4"],
    "best-of-n": ["best-of-n", *START],
}


# Addresses, hashes and threads that are the same in every run.
FIXED = ["setarch", "-R", "env", "OPENBLAS_NUM_THREADS=1", "SWIFT_DETERMINISTIC_HASHING=1", "SWIFT_BACKTRACE=enable=no"]
FULL, BROKEN, NO_MEMORY = errno.ENOSPC, errno.EIO, errno.ENOMEM


def ending(code):
    if isinstance(code, str):
        return code
    return f"signal {-code}" if code and code < 0 else f"exit {code}"


def words(run, settings):
    command = [word for word in run if "=" not in word]
    keys = settings + [word for word in run if "=" in word]
    # The last one of a key counts.
    keys = list({key.split("=")[0]: key for key in keys}.values())
    return command + [part for key in keys for part in ("--set", key)]


class Place:
    """A directory in which the program runs."""

    def __init__(self, program):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="interruptions-"))
        self.program = program
        self.environment = os.environ | {"RLHF_SIM_SAVE_EVERY_STEP": "1"}

    def start(self, arguments, prefix=(), output=subprocess.DEVNULL, **environment):
        return subprocess.Popen([*prefix, self.program, *arguments], cwd=self.path, stdout=output,
                                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                env=self.environment | environment)

    def run(self, arguments, seconds=300, prefix=(), **environment):
        process = self.start(arguments, prefix, output=subprocess.PIPE, **environment)
        try:
            output, _ = process.communicate(timeout=seconds)
            return process.returncode, output.decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None, "it did not end"


def contents(directory):
    """Every file of a run without times and what the allocator measures."""
    files = {}
    for path in sorted(pathlib.Path(directory).rglob("*")):
        name = str(path.relative_to(directory))
        if not path.is_file() or path.name in ("run.json", "report.html"):
            continue
        data = path.read_bytes()
        if "/events/" in f"/{name}":
            # Event files differ in times alone, which take as many bytes whatever they are.
            name, data = str(pathlib.Path(name).parent), str(len(data)).encode()
        elif "metrics/" in name:
            data = re.sub(rb'"(seconds|time/[a-z]+|memory/[a-z]+)":[^,}]*[,}]', b"", data)
        files[name] = data
    return files


def difference(found, expected):
    names = [name for name in sorted(found.keys() | expected.keys()) if found.get(name) != expected.get(name)]
    return ", ".join(names[:4])


class Check:
    def __init__(self, place, seed):
        self.place, self.random, self.failures, self.rows = place, random.Random(seed), [], []

    def fail(self, text):
        self.failures.append(text)
        print("FAILED:", text, file=sys.stderr, flush=True)

    def finish(self, command, out, what):
        """Resumes a run until it is done; begins it again where it had not begun."""
        for _ in range(3):
            threads = str(random.Random(what).choice([1, 2, 3]))
            code, text = self.place.run(["resume", out, "--quiet", "--threads", threads])
            if code == 0:
                return True
            if "begin it again" in text or "not a run directory" in text:
                code, text = self.place.run([*command, "--out", out, "--force", "--quiet", "--threads", threads])
                if code == 0:
                    return True
            break
        self.fail(f"{what}: exit {code}: {text[-300:]}")
        return False

    def compare(self, out, expected, what):
        found = contents(self.place.path / out)
        if bad := difference(found, expected):
            self.fail(f"{what}: other bytes: {bad}")
            return False
        return True

    def kill(self, name, command, seconds, expected, number):
        out, killed = f"killed-{number}", 0
        arguments = [*command, "--out", out, "--quiet", "--threads", "2"]
        for _ in range(self.random.choice([1, 1, 2, 3])):
            process = self.place.start(arguments)
            time.sleep(self.random.uniform(0, seconds))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                killed += 1
            process.wait()
            arguments = ["resume", out, "--quiet", "--threads", "1"]
        what = f"{name}, kill {number}"
        isSame = self.finish(command, out, what) and self.compare(out, expected, what)
        shutil.rmtree(self.place.path / out, ignore_errors=True)
        return killed, isSame

    def kills(self, count):
        if not count:
            return
        references = {}
        for name, run in RUNS.items():
            command = words(run, TINY)
            start = time.time()
            code, text = self.place.run([*command, "--out", "whole", "--quiet", "--threads", "1"])
            if code != 0:
                self.fail(f"{name}: {text[-300:]}")
                continue
            references[name] = (command, time.time() - start, contents(self.place.path / "whole"))
            shutil.rmtree(self.place.path / "whole")
        totals = {name: [0, 0, 0] for name in references}
        for number in range(count):
            name = list(references)[number % len(references)]
            killed, isSame = self.kill(name, *references[name], number)
            totals[name] = [a + b for a, b in zip(totals[name], (1, killed, isSame))]
        for name, (runs, killed, same) in totals.items():
            self.rows.append((f"`{name}`", f"{runs} runs, {killed} kills", f"{same} of {runs} the same"))

    def sweeps(self, count):
        if not count:
            return
        (self.place.path / "plan.yaml").write_text(
            "scenario: sentiment\nset:\n" + "".join("  {}: {}\n".format(*key.split("=")) for key in TINY)
            + "axes:\n  ppo.kl.coefficient: [0.1, 0.3]\nseeds: 1-2\n")
        arguments = ["sweep", "plan.yaml", "--out"]
        start = time.time()
        code, text = self.place.run([*arguments, "whole-sweep", "--jobs", "2", "--quiet"])
        seconds, same = time.time() - start, 0
        if code != 0:
            return self.fail(f"sweep: {text[-300:]}")

        def cells(out):
            return {str(cell.name): contents(cell)
                    for cell in (self.place.path / out / "cells").iterdir() if not cell.name.startswith(".")}
        expected = cells("whole-sweep")
        for number in range(count):
            out = f"sweep-{number}"
            process = self.place.start([*arguments, out, "--jobs", "2", "--quiet"])
            time.sleep(self.random.uniform(0, seconds))
            process.kill()
            process.wait()
            code, text = self.place.run([*arguments, out, "--jobs", "2", "--quiet", "--patience", "6"])
            if code != 0:
                self.fail(f"sweep {number}: {text[-300:]}")
            elif cells(out) != expected:
                self.fail(f"sweep {number}: other bytes")
            else:
                same += 1
            shutil.rmtree(self.place.path / out)
        self.rows.append(("`sweep`", f"{count} runs, {count} kills", f"{same} of {count} the same"))

    def faults(self, count, allocations):
        if not count:
            return
        library = self.place.path / "failing_calls.so"
        subprocess.run(["clang", "-O1", "-fno-omit-frame-pointer", "-shared", "-fPIC", "-o", library,
                        ROOT / "Tests/Interruptions/failing_calls.c", "-ldl"], check=True)
        preload = f"LD_PRELOAD={library}"
        for name in ("demo", "ppo", "dpo"):
            command = words([word for word in RUNS[name] if "=" not in word], SMALL)
            counter = self.place.path / "count"
            code, text = self.place.run([*command, "--out", "whole", "--quiet", "--threads", "1"],
                                        prefix=["env", preload], FAIL_UNDER=str(self.place.path / "whole"),
                                        FAIL_COUNT=str(counter))
            if code != 0:
                return self.fail(f"{name} under the library: {text[-300:]}")
            calls = dict(zip(("file", "memory", "allocation"), map(int, counter.read_text().split())))
            expected = contents(self.place.path / "whole")
            shutil.rmtree(self.place.path / "whole")

            def disturbance(kind, at, error, goes_on):
                if kind == "allocation":
                    return {"prefix": [*FIXED, preload], "FAIL_PLACE": at}
                return {"prefix": ["env", preload], "FAIL_KIND": kind, "FAIL_AT": str(at), "FAIL_WITH": str(error)} | (
                    {"FAIL_ON": "1"} if goes_on else {})

            def fault(kind, at, error, goes_on):
                """The exit code of a run whose call number `at` fails, or of an allocation that of this place, and
                whether it went on to the same bytes."""
                what = f"{name}, {kind} call {at} of {calls[kind]}, errno {error}"
                out = f"{kind}-{at}-{error}"
                done = self.place.path / f"{out}-done"
                code, text = self.place.run(
                    [*command, "--out", out, "--quiet", "--threads", "1"], seconds=60,
                    FAIL_UNDER=str(self.place.path / out), FAIL_DONE=str(done), **disturbance(kind, at, error, goes_on))
                if code is None or kind == "file" and error and (code not in (0, 74) or goes_on and code == 0):
                    self.fail(f"{what}: exit {code}: {text[-300:]}")
                if kind == "allocation" and not done.exists():
                    code = "not come to"
                isSame = self.finish(command, out, what) and self.compare(out, expected, what)
                shutil.rmtree(self.place.path / out, ignore_errors=True)
                return code, isSame

            places = {}
            if allocations:
                out, every = "every-allocation", self.place.path / "every"
                code, text = self.place.run(
                    [*command, "--out", out, "--quiet", "--threads", "1"], seconds=3600,
                    prefix=[*FIXED, preload], FAIL_EVERY="1", FAIL_UNDER=str(self.place.path / out),
                    FAIL_COUNT=str(every))
                if code != 0 or difference(contents(self.place.path / out), expected):
                    self.fail(f"{name}, every allocation: exit {code}: {text[-300:]}")
                shutil.rmtree(self.place.path / out)
                for line in every.read_text().splitlines()[3:]:
                    what, *numbers = line.split()
                    places.setdefault(what, []).append(numbers)
                told = ", ".join(f"{number} {what} {code}" for what in ("exit", "signal")
                                 for code, number in places.get(what, []))
                self.rows.append((f"`{name}`, an allocation fails in a copy",
                                  f"{places['places'][0][0]} places of {calls['allocation']} allocations ({told})",
                                  f"from {len(places.get('survived', []))} callers they came to a write (exit 99) or to no end"))
                print("|", " | ".join(self.rows[-1]), "|", file=sys.stderr, flush=True)

            # What fails, how many times at most, with which errno and whether from then on, by turns.
            for kind, says, most, ways in (
                    ("file", "a call fails", count, [(FULL, True), (BROKEN, False)]),
                    ("file", "killed at a call", count, [(0, False)]),
                    ("memory", "the system has no memory, once", count, [(NO_MEMORY, False)]),
                    ("memory", "the system has no more memory", count, [(NO_MEMORY, True)]),
                    ("allocation", "it fails in a run", allocations, [(NO_MEMORY, False)])):
                numbers = ([place for place, in places.get("survived", [])] if kind == "allocation"
                           else range(1, calls[kind] + 1))
                chosen = numbers if most >= len(numbers) else sorted(self.random.sample(numbers, most))
                if not chosen:
                    continue
                with ThreadPoolExecutor(os.cpu_count()) as pool:
                    ends = list(pool.map(lambda at: fault(kind, at, *ways[int(at) % len(ways)]), chosen))
                codes = collections.Counter(code for code, _ in ends)
                told = ", ".join(f"{number} {ending(code)}" for code, number in sorted(codes.items(), key=str))
                self.rows.append((f"`{name}`, {says}", f"{len(chosen)} of {len(numbers)} ({told})",
                                  f"{sum(isSame for _, isSame in ends)} of {len(chosen)} the same"))
                print("|", " | ".join(self.rows[-1]), "|", file=sys.stderr, flush=True)

    def memory(self, count):
        if not count:
            return
        command = words(RUNS["demo"], TINY)
        code, text = self.place.run([*command, "--out", "whole", "--quiet", "--threads", "1"])
        expected = contents(self.place.path / "whole")
        ends, same = {}, 0
        for number in range(count):
            limit, out = 250_000 + 650_000 * number // count, f"memory-{number}"
            process = self.place.start(
                [*command, "--out", out, "--quiet", "--threads", "2"],
                prefix=["sh", "-c", f'ulimit -v {limit}; exec "$0" "$@"'])
            try:
                code = process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self.fail(f"`ulimit -v {limit}`: it did not end")
                continue
            ends[code] = ends.get(code, 0) + 1
            if self.finish(command, out, f"`ulimit -v {limit}`") and self.compare(out, expected, f"memory {limit}"):
                same += 1
            shutil.rmtree(self.place.path / out, ignore_errors=True)
        told = ", ".join(f"{number} exit {code}" for code, number in sorted(ends.items(), key=str))
        self.rows.append(("`demo`, `ulimit -v`", f"{count} limits ({told})", f"{same} of {count} the same"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=22)
    parser.add_argument("--faults", type=int, default=60,
                        help="calls of each kind to fail; all where it is more than there are")
    parser.add_argument("--allocations", type=int, default=0, metavar="N",
                        help="have every allocation fail in a copy, and of the callers that came to a write N in a run")
    parser.add_argument("--sweeps", type=int, default=1)
    parser.add_argument("--limits", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--program", default=str(ROOT / ".build/release/rlhf-sim"))
    options = parser.parse_args()
    place = Place(options.program)
    check = Check(place, options.seed)
    try:
        code, text = place.run([*words(RUNS["demo"], TINY), "--out", "models", "--quiet", "--threads", "1"])
        if code != 0:
            sys.exit(f"the first run: {text}")
        check.kills(options.kills)
        check.sweeps(options.sweeps)
        check.faults(options.faults, options.allocations)
        check.memory(options.limits)
    finally:
        shutil.rmtree(place.path, ignore_errors=True)
    print("| what | disturbed | afterwards |\n|---|---|---|")
    for row in check.rows:
        print("| " + " | ".join(row) + " |")
    for failure in check.failures:
        print("-", failure)
    sys.exit(1 if check.failures else 0)


if __name__ == "__main__":
    main()
