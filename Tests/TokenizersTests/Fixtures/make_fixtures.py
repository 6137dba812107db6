"""Makes the fixtures beside it: python make_fixtures.py (needs tokenizers and transformers).

gpt2/ and llama3/ are tiny byte-level BPE tokenizers trained on the sentences below, words/ is a
word-level one. cases.json holds, for each, the ids and decoded text of every tricky string.
"""

import json
import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
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
]
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_pair(pre_tokenizer, post_processor=None, **options):
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.add_tokens([AddedToken("<|sep|>", normalized=True)])
    if post_processor:
        tokenizer.post_processor = post_processor(tokenizer)
    return tokenizer


def template(tokenizer):
    return processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single="<eos> $A", special_tokens=[("<eos>", tokenizer.token_to_id("<eos>"))]
            ),
        ]
    )


def string_merges(directory):
    """The older form of merges, which many published files have."""
    file = directory / "tokenizer.json"
    document = json.loads(file.read_text())
    document["model"]["merges"] = [" ".join(merge) for merge in document["model"]["merges"]]
    file.write_text(json.dumps(document, ensure_ascii=False, indent=1))


def words():
    vocabulary = {"<pad>": 0, "<eos>": 1, "<unk>": 2}
    for word in "the movie was very good bad and , . <eos>x it ' s caf\u00e9 cafe\u0301".split(" "):
        vocabulary.setdefault(word, len(vocabulary))
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["<pad>", "<eos>", "<unk>"])
    return tokenizer


def main():
    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizers = {
        "gpt2": byte_pair(pre_tokenizers.ByteLevel(add_prefix_space=True)),
        "llama3": byte_pair(split, template, ignore_merges=True),
        "words": words(),
    }
    cases = {}
    for name, tokenizer in tokenizers.items():
        special = {"eos_token": "<eos>", "pad_token": "<pad>"}
        if name == "words":
            special["unk_token"] = "<unk>"
        fast = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **special
        )
        directory = HERE / name
        fast.save_pretrained(directory)
        if name == "gpt2":
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
    (HERE / "cases.json").write_text(json.dumps(cases, indent=0))


if __name__ == "__main__":
    main()
