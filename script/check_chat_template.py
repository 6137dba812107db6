#!/usr/bin/env python3
"""Checks that chat templates render as PyTorch `transformers` renders them.

    check_chat_template.py MODEL_DIR ...
    check_chat_template.py --tokenizer MODEL_DIR FILE.jinja ...

For each model, random conversations (system and tool messages, calls, thoughts, parts, null and
absent content, every kind of white space) are rendered by the tokenizer's `apply_chat_template` and
by `rlhf-sim tokenize --model MODEL_DIR`, and the first differences are printed. FILE.jinja stands in
for the template of the tokenizer named. Where a template refuses a conversation, both must.

Exits with 1 when anything differs. Needs transformers and jinja2, and no network. Run it from the
root of the repository after `swift build -c release`.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

PIECES = [
    "Hello", "hi there", "What is 2+2?", "it's", "1", "0.5", "a\\b", "'quoted'", '"double"', "é",
    "e\u0301", "你好", "👩‍👧 ok", "ΑΣ", " ", "  ", "\n", "\n\n", "\t", "\r\n", "\u000b", "\u00a0",
    "\u200b", "\u2028", "\u0085", "<b>&amp;</b>", "{{ x }}", "{% if %}", "{# c #}", "<think>\nhm\n</think>\n\n",
    "</think>", "<|im_end|>", "[INST]", "<tool_response>x</tool_response>", "/no_think", "/quiet",
]  # fmt: skip


def text():
    return "".join(random.choice(PIECES) for _ in range(random.choice([0, 1, 1, 2, 3, 5, 8])))


def value(depth=0):
    chance = random.random()
    if depth < 2 and chance < 0.15:
        return [value(depth + 1) for _ in range(random.randint(0, 3))]
    if depth < 2 and chance < 0.3:
        keys = random.sample(["a", "b", "é", "items", "x y"], random.randint(0, 3))
        return {key: value(depth + 1) for key in keys}
    return random.choice([1, 0, -3, 2.5, 1e20, 1e-7, 12345678.9, True, False, None, text()])


def tool():
    schemas = [
        {"type": "string", "description": text()},
        {"type": "array", "items": {"type": "number"}},
        {"type": ["string", "null"], "enum": ["a", "b"]},
        {"type": "integer", "default": 3},
        {"type": "object", "properties": {"q": {"type": "boolean"}}},
    ]
    names = random.sample(["city", "items", "n", "when"], random.randint(0, 3))
    properties = {name: random.choice(schemas) for name in names}
    parameters = {"type": "object", "properties": properties, "required": ["city"]}
    name = random.choice(["get_weather", "f"])
    function = {"name": name, "description": text(), "parameters": parameters}
    return {"type": "function", "function": function}


def messages():
    is_plain = random.random() < 0.4
    has_parts = not is_plain and random.random() < 0.4

    def content():
        if has_parts and random.random() < 0.3:
            return [{"type": "text", "text": text()} for _ in range(random.randint(1, 2))]
        return text()

    found = [{"role": "system", "content": content()}] if random.random() < 0.5 else []
    for _ in range(random.randint(1, 4)):
        found.append({"role": "user", "content": content()})
        if not is_plain and random.random() < 0.05:
            found.append({"role": "user", "content": content()})
        answer = {"role": "assistant", "content": content()}
        if not is_plain and random.random() < 0.3:
            arguments = [{"a": value()}, {"city": text(), "n": value()}, '{"a": 1}', {}]
            answer["tool_calls"] = [
                {
                    "id": "abcdefghi",
                    "type": "function",
                    "function": {"name": "f", "arguments": random.choice(arguments)},
                }
                for _ in range(random.randint(1, 2))
            ]
            answer["content"] = random.choice([None, "", answer["content"]])
            if random.random() < 0.2:
                del answer["content"]
        if random.random() < 0.2:
            answer[random.choice(["reasoning_content", "thinking", "reasoning"])] = text()
        found.append(answer)
        for call in answer.get("tool_calls", []):
            result = random.choice([text(), '{"x": 1}', {"x": value()}])
            found.append({"role": "tool", "content": result, "tool_call_id": call["id"]})
    if random.random() < 0.5:
        while found[-1]["role"] != "user":
            found.pop()
    return found


def conversations(count):
    """Rows as `rlhf-sim tokenize` reads them."""
    rows = []
    for _ in range(count):
        variables = {}
        for chance, name, values in [
            (0.3, "enable_thinking", [True, False]),
            (0.2, "date_string", ["01 Jan 2025"]),
            (0.2, "tools_in_user_message", [True, False]),
            (0.1, "reasoning_effort", ["high", "low"]),
        ]:
            if random.random() < chance:
                variables[name] = random.choice(values)
        row = {"messages": messages(), "add_generation_prompt": random.random() < 0.5}
        if random.random() < 0.4:
            row["tools"] = [tool() for _ in range(random.randint(1, 2))]
        if variables:
            row["variables"] = variables
        rows.append(row)
    return rows


def render(tokenizer, row):
    """What transformers makes of a row: the text, or nothing and why."""
    try:
        return tokenizer.apply_chat_template(
            row["messages"],
            tools=row.get("tools"),
            add_generation_prompt=row["add_generation_prompt"],
            tokenize=False,
            **row.get("variables", {}),
        ), None
    except Exception as error:  # templates raise whatever Python raises
        return None, f"{type(error).__name__}: {error}"


def read(program, directory, rows):
    command = [program, "tokenize", "--model", str(directory)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    result = subprocess.run(command, input=lines, capture_output=True, text=True, encoding="utf-8")
    if result.returncode:
        sys.exit(f"{' '.join(command)}: exit code {result.returncode}: {result.stderr.strip()}")
    return [json.loads(line) for line in result.stdout.split("\n") if line]


def excerpt(ours, theirs):
    pairs = enumerate(zip(ours, theirs))
    first = next((i for i, (a, b) in pairs if a != b), min(len(ours), len(theirs)))
    around = slice(max(0, first - 40), first + 40)
    return f"at {first}: {ours[around]!r} here, {theirs[around]!r} in transformers"


def check(program, name, directory, tokenizer, count):
    """Prints a line of the table; the number of differences."""
    rows = conversations(count)
    if tokenizer.bos_token is None:  # most templates begin with it
        for row in rows:
            row.setdefault("variables", {})["bos_token"] = "<s>"
    differences, refused, reasons = 0, 0, []
    for row, ours in zip(rows, read(program, directory, rows), strict=True):
        theirs, why = render(tokenizer, row)
        text = ours.get("text")
        if text == theirs:
            refused += theirs is None
            continue
        differences += 1
        if text is None:
            reasons.append(f"refused here alone: {ours['error']}")
        elif theirs is None:
            reasons.append(f"refused by transformers alone: {why}")
        else:
            reasons.append(excerpt(text, theirs))
    print(f"| {name} | {count} | {refused} | {differences} |", flush=True)
    for reason in reasons[:3]:
        print(f"  {reason}")
    return differences


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="+", type=Path, metavar="MODEL_DIR|FILE.jinja")
    parser.add_argument("--tokenizer", type=Path, help="the directory FILE.jinja is put into")
    parser.add_argument("--count", type=int, default=500, help="conversations a template")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--program", default=".build/release/rlhf-sim")
    arguments = parser.parse_args()

    from transformers import AutoTokenizer, logging

    logging.set_verbosity_error()
    random.seed(arguments.seed)
    print("| template | conversations | refused by both | differences |\n|---|---|---|---|")
    total = 0
    for path in arguments.paths:
        with tempfile.TemporaryDirectory() as scratch:
            directory = path
            if path.is_file():
                if arguments.tokenizer is None:
                    parser.error("a template needs --tokenizer")
                directory = Path(scratch)
                for file in ["tokenizer.json", "tokenizer_config.json"]:
                    shutil.copy(arguments.tokenizer / file, directory / file)
                shutil.copy(path, directory / "chat_template.jinja")
            tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
            total += check(
                arguments.program, path.stem, directory, tokenizer, arguments.count
            )
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
