"""Makes the fixtures beside it: python make_fixtures.py (needs tokenizers and transformers).

Each folder is a tiny tokenizer of one family, trained on the sentences below; words/ is a word-level
one. cases.json holds, for each, the ids and decoded text of every tricky string. Made with tokenizers
0.23 and transformers 5.24.
"""

import json
import pathlib

from tokenizers import (
    AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers,
)  # fmt: skip
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
SENTENCES = [
    "the movie was very good and the actors weren't bad at all",
    "I've seen it twice, and I'll see it again in 2024 or 2025!",
    "  two  spaces,\n\n\tnew lines and tabs\n",
    "naïve café, 你好世界, привет мир 12345",
    "Human: what's 17 + 25?\n\nAssistant: it's 42.",
]
TEXTS = SENTENCES + [
    "",
    " ",
    "   ",
    "\n",
    " \n \n  x",
    "a\r\n\r\nb   \t c",
    "IT'S we'LL they'Re don't 's ''s 'x",
    "good<eos>bad <eos> the<pad>",
    "<eos><eos>",
    "<e<eos>os>",
    "x<|sep|>y <|sep|><|sep|>more>",
    "1234567890 ½ ² Ⅷ ١٢٣ 3.14e-5",
    "e\u0301 \u00e9 \u1e9e ß ſ 'ſ",
    "👩‍👩‍👧 🏳️‍🌈 \U0001f600",
    "\u00a0non\u00a0breaking\u2003em\u200bzero",
    "snake_case a-b --- ... !?!? (x) [y]",
    "trailing space ",
    "the movie  was   good    ",
    "ع ر ب ي हिन्दी ไทย 한국어",
    "\x00\x01\x7f",
    "the unknownword movie",
    "a,\nb;\n\nc:\r\n  d",
    "\u212b \u1100\u1161\u11a8 q\u0323\u0307 \u1e0b\u0323 \u0340 caf\u00e9 cafe\u0301",
    "camelCase XMLHttpRequest iPhone ÀÉ Title's",
    "https://example.org/a//b/?q=1\n/x",
    "  <mask> word sword <r>  x <r>\n<r>caf\u00e9!cafe\u0301!",
    "▁▁the▁movie <0x41><s></s> </s>",
    "\U0001d7d8\u0661 \u0ce6\u2167 \U00016ea0\u0c5c\u088f \u0295 \U0010ffff \ue000",
    "\ufeff\u200d\u2028x\u0085y\u001cz \t\u000b\n",
]
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACES = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = (
    CONTRACTIONS
    + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    + SPACES
)
QWEN = LLAMA3.replace("{1,3}", "")
QWEN35 = QWEN.replace(r"\p{L}+", r"[\p{L}\p{M}]+").replace(r"\s\p{L}\p{N}", r"\s\p{L}\p{M}\p{N}")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
BEFORE = r"[^\r\n\p{L}\p{N}]?"


def cased(contractions, digits):
    words = f"{BEFORE}{UPPER}*{LOWER}+{contractions}|{BEFORE}{UPPER}+{LOWER}*{contractions}"
    return f"{words}|{digits}" + r"| ?[^\s\p{L}\p{N}]+[\r\n/]*" + SPACES


TEKKEN = cased("", r"\p{N}")
O200K = cased(CONTRACTIONS + "?", r"\p{N}{1,3}")


def added(tokenizer):
    tokenizer.add_tokens(
        [
            AddedToken("<|sep|>", normalized=True),
            AddedToken("word", single_word=True, normalized=False),
            AddedToken("<mask>", lstrip=True, special=True, normalized=False),
            AddedToken("<r>", rstrip=True, normalized=True),
            AddedToken("<|sep|>>", normalized=False),
            AddedToken("café!", normalized=True),
        ]
    )
    return tokenizer


def byte_level(pre_tokenizer, post_processor=None, normalizer=None, **options):
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    if post_processor:
        tokenizer.post_processor = post_processor(tokenizer)
    return added(tokenizer)


def byte_fallback(pre_tokenizer=None, normalizer=None, decoder=None):
    """In the manner of SentencePiece; trained on words, whatever pre-tokenizer it gets."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        special_tokens=["<pad>", "<eos>", "<unk>"] + [f"<0x{byte:02X}>" for byte in range(256)],
        show_progress=False,
        limit_alphabet=60,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    document = json.loads(tokenizer.to_str())
    document["pre_tokenizer"] = None
    # Published ones have the bytes as ordinary tokens.
    document["added_tokens"] = [
        token for token in document["added_tokens"] if not token["content"].startswith("<0x")
    ]
    tokenizer = Tokenizer.from_str(json.dumps(document))
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoder or decoders.Sequence(parts + [decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = template(tokenizer)
    return added(tokenizer)


def template(tokenizer):
    return processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single="<eos> $A", special_tokens=[("<eos>", tokenizer.token_to_id("<eos>"))]
            ),
        ]
    )


def split(expression):
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(expression), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def string_merges(directory):
    """The older form of merges, which many published files have."""
    file = directory / "tokenizer.json"
    document = json.loads(file.read_text())
    document["model"]["merges"] = [" ".join(merge) for merge in document["model"]["merges"]]
    file.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def words():
    vocabulary = {"<pad>": 0, "<eos>": 1, "<unk>": 2}
    for word in "the movie was very good bad and , . <eos>x it ' s caf\u00e9 cafe\u0301".split(" "):
        vocabulary.setdefault(word, len(vocabulary))
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["<pad>", "<eos>", "<unk>"])
    return tokenizer


def families():
    Metaspace = pre_tokenizers.Metaspace
    spaces = normalizers.Replace(" ", "▁")
    digits = pre_tokenizers.Digits(individual_digits=True)
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return {
        "gpt2": byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True)),
        "llama3": byte_level(split(LLAMA3), template, ignore_merges=True),
        "qwen": byte_level(split(QWEN), normalizer=normalizers.NFC()),
        "qwen35": byte_level(split(QWEN35), normalizer=normalizers.NFC()),
        "smollm": byte_level(pre_tokenizers.Sequence([digits, plain])),
        "tekken": byte_level(split(TEKKEN)),
        "o200k": byte_level(split(O200K), normalizer=normalizers.NFD()),
        "mistral": byte_fallback(
            normalizer=normalizers.Sequence([normalizers.Prepend("▁"), spaces])
        ),
        "llama2": byte_fallback(Metaspace(prepend_scheme="first", split=False)),
        "metaspace": byte_fallback(
            Metaspace(prepend_scheme="always", split=True), decoder=decoders.Metaspace()
        ),
        "gemma": byte_fallback(
            pre_tokenizers.Split(" ", "merged_with_previous"), normalizer=spaces
        ),
        "words": words(),
    }


def main():
    cases = {}
    for name, tokenizer in families().items():
        special = {"eos_token": "<eos>", "pad_token": "<pad>"}
        if tokenizer.token_to_id("<unk>") is not None:
            special["unk_token"] = "<unk>"
        fast = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **special
        )
        directory = HERE / name
        fast.save_pretrained(directory)
        tokenizer.save(str(directory / "tokenizer.json"), pretty=False)
        if name in ["gpt2", "mistral"]:
            string_merges(directory)
        rows = []
        for text in TEXTS:
            ids = fast(text, add_special_tokens=False)["input_ids"]
            rows.append(
                {
                    "text": text,
                    "ids": ids,
                    "prompt_ids": fast(text)["input_ids"],
                    "decoded": fast.decode(ids, skip_special_tokens=False),
                    "skipping": fast.decode(ids, skip_special_tokens=True),
                }
            )
        cases[name] = rows
    lines = ",\n".join(
        f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]"
        for name, rows in cases.items()
    )
    (HERE / "cases.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
