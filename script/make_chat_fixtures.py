#!/usr/bin/env python3
"""Makes Tests/ChatTemplatesTests/Fixtures/cases.json with transformers' `apply_chat_template`.

    make_chat_fixtures.py

Beside it, families/*.jinja are templates of our own wording as models have them, and constructs.jinja
holds one small template for each construct, with a line of ==== between them. Run it from the root
of the repository again when one of them changes. Made with transformers 5.24 and jinja2 3.1.6.
"""

import json
import random
from pathlib import Path

from check_chat_template import conversations, render
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

FIXTURES = Path("Tests/ChatTemplatesTests/Fixtures")
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}
CONVERSATIONS = 12
MESSAGES = [
    {"role": "system", "content": "Be  kind. "},
    {"role": "user", "content": "Hi <b> é\n \"q\" 'x'"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"function": {"name": "f", "arguments": {"a": 1, "b": [1.5, None, True], "ü": "ß"}}}
        ],
    },
    {"role": "tool", "content": "1"},
    {"role": "assistant", "content": "<think>\nhm\n</think>\n\nyes ", "reasoning": "why"},
]
VARIABLES = {
    "n": 3,
    "x": 2.5,
    "d": {"b": 1, "a": 2, "C": 3},
    "l": [3, 1, 2],
    "words": ["b", "A", "c", "a"],
    "s": "  Hello, wörld ǅ ΑΣ ſtraße  ",
    "empty": "",
    "rows": [{"k": "a", "v": 2}, {"k": "b", "v": 1}, {"k": "A", "v": 3}],
}


def tokenizer(template):
    made = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **SPECIAL)
    made.chat_template = template
    return made


def case(template, row):
    """The row with the text, or with null where transformers raises an exception."""
    return {**row, "text": render(tokenizer(template), row)[0]}


def main():
    random.seed(1)
    constructs = []
    for template in (FIXTURES / "constructs.jinja").read_text().split("\n====\n"):
        row = {"messages": MESSAGES, "add_generation_prompt": True, "variables": VARIABLES}
        constructs.append({"template": template, "text": case(template, row)["text"]})
    families = {}
    for file in sorted((FIXTURES / "families").glob("*.jinja")):
        template = file.read_text()
        families[file.stem] = [case(template, row) for row in conversations(CONVERSATIONS)]
    document = {
        "messages": MESSAGES,
        "variables": VARIABLES,
        "special": SPECIAL,
        "constructs": constructs,
        "families": families,
    }
    (FIXTURES / "cases.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
