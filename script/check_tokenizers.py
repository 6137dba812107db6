#!/usr/bin/env python3
"""Checks that tokenizers give the ids and texts that the `tokenizers` library gives.

    check_tokenizers.py MODEL_DIR ...

For each model, hard strings (random Unicode, combining marks, emoji, scripts without spaces, runs of
white space, control characters, digits, contractions, texts of special tokens) are encoded, with and
without what the post-processor adds, and decoded, with and without special tokens, by tokenizer.json
in `tokenizers` and by `rlhf-sim tokenize --model MODEL_DIR`. Prints a table, and the shortest string
of each kind that differs.

Exits with 1 when anything differs. Needs tokenizers, and no network. Run it from the root of the
repository after `swift build -c release`.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

PIECES = [
    "the ", "movie", " was very", "good", "I've", "DON'T", "it'S", "'s", "'ll", "'LL", " 's", "'ſ", "ſ",
    " ", "  ", "   ", "\n", "\n\n", "\n\n\n", "\r\n", "\r", "\t", " \n ", " \t\n x", "\u00a0", "\u2003",
    "\u3000", "\u200b", "\u2028", "\u0085", "\x1c", "\x1f", "\x0b", "\x0c", "\0", "\x01", "\x7f",
    "12345", "1", "007", "½²Ⅷ", "١٢٣", "१२", "３", "①", "3.14e-5", "1,000", "e\u0301", "é", "é!", "e\u0301!",
    "Å", "\u212b", "ﬁ", "ﬆ", "\u1100\u1161\u11a8", "\u110c\u1176", "각\u11a7", "한국어", "你好", "世界，",
    "こんにちは", "カﾞ", "ภาษาไทย", "हिन्दी", "\u0915\u093c", "العربية", "עִבְרִית", "Ω", "\u2126", "ǅ", "ǆ",
    "İ", "ı", "ß", "ẞ", "👩‍👩‍👧", "🏳️‍🌈", "😀", "🇩🇪", "👍🏽", "<s>", "</s>", "<unk>", "<pad>", "<eos>",
    "<0x41>", "▁", "▁▁", "▁the", "_", "__x", "a_b", "---", "...", "!?", "/", "//", "https://x.y/z?q=1",
    "(x)", "[y]", "{z}", "\\n", '"q"', "“q”", "’s", "camelCase", "XMLHttp", "iPhone", "ALLCAPS", "naïve",
    "\u0301", "\u0301a", "\u0345", "\u200d", "\ufeff", "\ufffd", "\U000e0001", "\u0378", "\ue000",
    "\U0010ffff", "\u0300\u0301\u0327", "q\u0327\u0323", "\u1e0b\u0323", "\u0f73", "\U00016ea0", "\u0c5c",
]  # fmt: skip
KEYS = ["ids", "prompt_ids", "decoded", "skipping"]


def scalar():
    chance = random.random()
    for limit, low, high in [
        (0.3, 0, 0x7F),
        (0.6, 0x80, 0x2FFF),
        (0.8, 0x3000, 0xFFFF),
        (0.95, 0x10000, 0x1FFFF),
        (1.0, 0x20000, 0x10FFFF),
    ]:
        if chance < limit:
            value = random.randint(low, high)
            return chr(value) if not 0xD800 <= value < 0xE000 else scalar()
    return "x"


def string(pieces):
    chance = random.random()
    if chance < 0.5:
        return "".join(random.choice(pieces) for _ in range(random.randint(0, 12)))
    if chance < 0.7:
        return "".join(scalar() for _ in range(random.randint(0, 16)))
    if chance < 0.85:
        return "".join(
            random.choice(pieces) if random.random() < 0.6 else scalar()
            for _ in range(random.randint(0, 14))
        )
    if chance < 0.97:
        return "".join(random.choice("ab 'sS1\n\r\té!") for _ in range(random.randint(0, 30)))
    return random.choice(pieces) * random.randint(1, 200)


def read(program, directory, rows):
    command = [program, "tokenize", "--model", str(directory)]
    lines = "".join(json.dumps({"text": row}) + "\n" for row in rows)
    result = subprocess.run(command, input=lines, capture_output=True, text=True, encoding="utf-8")
    if result.returncode:
        sys.exit(f"{' '.join(command)}: exit code {result.returncode}: {result.stderr.strip()}")
    return [json.loads(line) for line in result.stdout.split("\n") if line]


def check(program, directory, count):
    """Prints a line of the table; the number of differences."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    document = json.loads((directory / "tokenizer.json").read_text())
    added = [token["content"] for token in document["added_tokens"]]
    pieces = PIECES + random.sample(added, min(30, len(added)))
    rows = [string(pieces) for _ in range(count)]
    differences = dict.fromkeys(KEYS, 0)
    shortest = {}
    for row, ours in zip(rows, read(program, directory, rows), strict=True):
        ids = tokenizer.encode(row, add_special_tokens=False).ids
        theirs = {
            "ids": ids,
            "prompt_ids": tokenizer.encode(row).ids,
            "decoded": tokenizer.decode(ids, skip_special_tokens=False),
            "skipping": tokenizer.decode(ids),
        }
        for key in KEYS:
            if ours[key] != theirs[key]:
                differences[key] += 1
                if key not in shortest or len(row) < len(shortest[key][0]):
                    shortest[key] = (row, ours[key], theirs[key])
    figures = " | ".join(str(differences[key]) for key in KEYS)
    print(f"| {directory.name} | {count} | {figures} |", flush=True)
    for key, (row, ours, theirs) in shortest.items():
        print(f"  {key} of {ascii(row)}: {ascii(ours)} here, {ascii(theirs)} in tokenizers")
    return sum(differences.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directories", nargs="+", type=Path, metavar="MODEL_DIR")
    parser.add_argument("--count", type=int, default=10_000, help="strings a tokenizer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--program", default=".build/release/rlhf-sim")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    print(f"| tokenizer | strings | {' | '.join(KEYS)} |\n|---|---|---|---|---|---|")
    directories = arguments.directories
    total = sum(check(arguments.program, one, arguments.count) for one in directories)
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
