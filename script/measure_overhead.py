#!/usr/bin/env python3
"""The share of a run's time that records, report and progress take: profiles a demo, prints Markdown.

    script/measure_overhead.py [--program .build/release/rlhf-sim] [options of `rlhf-sim demo`]

Needs Linux with `perf` and `strace`. The demo runs twice in a terminal of 120 columns, so that its bars
are drawn: under `perf record`, which samples the stack of each thread a thousand times per second of
processor time, and under `strace`, which measures how long calls that touch files take in the main
thread, the only one that writes.

A sample belongs to the first part of PARTS with a name that is anywhere on its stack. The main thread
does its share of all parallel work and hardly waits, so its time is the run's.
"""

import argparse
import collections
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time

FREQUENCY = 997
# State for resuming, and checkpoints, are not records and are counted apart.
PARTS = [
    ("state to resume from, checkpoints", ["StageState", "Safetensors", "4save"]),
    ("`report.html`", ["$s7Reports"]),
    ("progress in the terminal", ["ProgressBar", "ProgressLine", "RunRecords8Terminal"]),
    ("rollouts, token by token", ["RunRecords13RolloutRecord", "RunRecords13RolloutWriter"]),
    ("metrics, event files, run.json", ["$s10RunRecords", "11RunRecorder", "7details2of"]),
]
FILE_CALLS = "openat,write,writev,fsync,fdatasync,rename,renameat,renameat2,close,unlink"


def in_terminal(command):
    """Runs a command in a terminal of 120 columns; returns its seconds."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=slave, stderr=slave, stdin=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            data = os.read(master, 1 << 16)
        except OSError:
            break
        if not data:
            break
        shown += data
    if process.wait() != 0:
        sys.exit(f"{' '.join(command)} failed:\n{shown[-2000:].decode(errors='replace')}")
    return time.monotonic() - start


def part_of(stack):
    for name, marks in PARTS:
        for symbol in stack:
            if any(mark in symbol for mark in marks):
                return name
    return None


def sampled(path):
    """Samples by part: of all threads, and of the main thread."""
    text = subprocess.Popen(
        ["perf", "script", "-i", path, "--fields", "pid,tid,ip,sym"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    everywhere, main = collections.Counter(), collections.Counter()
    stack, thread = [], None

    def count():
        if thread is not None:
            part = part_of(stack)
            everywhere[part] += 1
            main[part] += thread[0] == thread[1]

    for line in text.stdout:
        head = re.match(r"^\s*(\d+)/(\d+)\s*$", line)
        if head:
            count()
            stack, thread = [], (int(head[1]), int(head[2]))
        elif line.strip():
            stack.append(line.split(maxsplit=1)[-1])
    count()
    return everywhere, main


def held_up(path):
    """Seconds in calls that touch files."""
    with open(path) as lines:
        return sum(float(m[1]) for m in (re.search(r"<([\d.]+)>$", line) for line in lines) if m)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=".build/release/rlhf-sim")
    arguments, rest = parser.parse_known_args()
    for tool in ("perf", "strace"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed; on Debian: apt-get install linux-perf strace")
    with tempfile.TemporaryDirectory() as directory:
        def demo(name):
            return [arguments.program, "demo", *rest, "--out", f"{directory}/{name}"]

        samples = f"{directory}/samples"
        in_terminal(
            ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(FREQUENCY), "--call-graph", "fp",
             "-o", samples, "--", *demo("sampled")])
        everywhere, main_thread = sampled(samples)
        calls = f"{directory}/calls"
        seconds = in_terminal(
            ["strace", "-T", "-o", calls, "-e", f"trace={FILE_CALLS}", *demo("traced")])
        waiting = held_up(calls) / seconds

    total, total_main = sum(everywhere.values()), sum(main_thread.values())
    print(
        f"{total / FREQUENCY:.1f} s of processor time, {total_main / FREQUENCY:.1f} s in the main "
        "thread:\n")
    print("| part | of all threads' time | of the main thread's |")
    print("|---|---|---|")
    records = [0, 0]
    for name, _ in PARTS:
        shares = everywhere[name] / total, main_thread[name] / total_main
        print(f"| {name} | {shares[0]:.2%} | {shares[1]:.2%} |")
        if name != PARTS[0][0]:
            records = [records[0] + shares[0], records[1] + shares[1]]
    print(f"| records and progress together | {records[0]:.2%} | {records[1]:.2%} |")
    print(f"| calls that touch files, checkpoints' too, of the run's time | | {waiting:.2%} |")


main()
