#!/usr/bin/env python3
"""Makes stand-ins: models of the shape and with the files of known ones, but random weights and a small
vocabulary of tokens, and preference rows in the style of Anthropic's HH.

    peers/bin/python script/make_standins.py smollm2-135m --out standins/smollm2
    peers/bin/python script/make_standins.py qwen3-0.6b-reward --dtype bfloat16 --out standins/qwen3
    peers/bin/python script/make_standins.py gpt2 --out standins/gpt2
    peers/bin/python script/make_standins.py hh --rows 200 --out standins/hh.jsonl

The tokenizer is a byte-level BPE of the model's kind, trained on this project's articles; the model's
embedding has all the rows of the original. Needs torch, transformers and tokenizers, and no network.
"""

import argparse
import json
import random
from pathlib import Path

import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

ARTICLES = Path(__file__).resolve().parent.parent / "documentation" / "RLHFSimulation.docc"
END = "<|endoftext|>"
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN_TOKENS = [END, "<|im_start|>", "<|im_end|>"]
QWEN_TEMPLATE = (
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content"
    " + '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def byte_level(split, special_tokens, size=4000):
    """A byte-level BPE in the manner of GPT-2, cut by `split` before its merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=special_tokens, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator((f.read_text() for f in sorted(ARTICLES.glob("*.md"))), trainer)
    return tokenizer


def write(directory, **files):
    """JSON files; the names' underscores before the last part are theirs."""
    for name, content in files.items():
        (directory / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")


def write_vocabulary(tokenizer, directory):
    """`vocab.json` and `merges.txt` beside `tokenizer.json`, as older checkpoints have them."""
    tokenizer.save(str(directory / "tokenizer.json"))
    model = json.loads((directory / "tokenizer.json").read_text())["model"]
    write(directory, vocab=model["vocab"])
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (directory / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")


def smollm2(directory, dtype):
    """HuggingFaceTB/SmolLM2-135M: end, beginning and unknown token are one, nothing pads."""
    config = transformers.LlamaConfig(
        vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
        num_attention_heads=9, num_key_value_heads=3, max_position_embeddings=8192,
        rms_norm_eps=1e-5, rope_theta=100000.0, tie_word_embeddings=True,
        bos_token_id=0, eos_token_id=0, initializer_range=1 / 24,
    )
    save(transformers.LlamaForCausalLM, config, directory, dtype)
    # In the form of transformers 4, as it lies on the hub.
    path = directory / "config.json"
    settings = json.loads(path.read_text())
    settings |= {"rope_theta": 100000, "rope_scaling": None, "torch_dtype": settings.pop("dtype")}
    del settings["rope_parameters"], settings["head_dim"]
    path.write_text(json.dumps(settings, indent=2) + "\n")
    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    write_vocabulary(byte_level(split, [END, "<|im_start|>", "<|im_end|>"]), directory)
    names = {"bos_token": END, "eos_token": END, "unk_token": END}
    write(
        directory, special_tokens_map=names,
        tokenizer_config=names
        | {"tokenizer_class": "GPT2Tokenizer", "model_max_length": 8192, "add_prefix_space": False},
    )


def gpt2(directory, dtype):
    """openai-community/gpt2, whose tokenizer_config.json names no token."""
    config = transformers.GPT2Config(bos_token_id=0, eos_token_id=0)
    save(transformers.GPT2LMHeadModel, config, directory, dtype)
    tokenizer = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False), [END])
    write_vocabulary(tokenizer, directory)
    write(directory, tokenizer_config={"model_max_length": 1024})


def qwen3_reward(directory, dtype):
    """A reward model on Qwen/Qwen3-0.6B."""
    config = transformers.Qwen3Config(
        vocab_size=151936, hidden_size=1024, intermediate_size=3072, num_hidden_layers=28,
        num_attention_heads=16, num_key_value_heads=8, head_dim=128, max_position_embeddings=40960,
        rope_theta=1000000.0, tie_word_embeddings=True, eos_token_id=2, pad_token_id=0,
        num_labels=1,
    )
    save(transformers.Qwen3ForSequenceClassification, config, directory, dtype)
    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer = byte_level(split, QWEN_TOKENS)
    tokenizer.normalizer = normalizers.NFC()
    write_vocabulary(tokenizer, directory)
    write(
        directory,
        tokenizer_config={
            "tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "pad_token": END,
            "chat_template": QWEN_TEMPLATE,
        },
    )


def save(kind, config, directory, dtype):
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    model = kind(config)
    print(f"{directory}: {sum(p.numel() for p in model.parameters()) / 1e6:.1f} million parameters")
    model.save_pretrained(directory)


# Rows

THINGS = ["bread", "a garden", "the piano", "a bicycle", "a letter", "soup", "a map", "chess"]
ASKED = ["How do I begin with {}?", "What should I know about {}?", "Why do people like {}?"]
GOOD = ["Begin with small steps, and ask a friend who knows {}.", "Read about {} and practise a little every day."]
BAD = ["I do not know.", "{}? No idea, look it up yourself."]


def hh(path, rows):
    """`chosen` and `rejected`, each a whole dialogue as one text."""
    draw = random.Random(0)
    lines = []
    for _ in range(rows):
        thing, other = draw.sample(THINGS, 2)
        turns = f"\n\nHuman: {draw.choice(ASKED).format(thing)}\n\nAssistant:"
        if draw.random() < 0.5:
            answer = draw.choice(GOOD).format(thing)
            turns += f" {answer}\n\nHuman: {draw.choice(ASKED).format(other)}\n\nAssistant:"
            thing = other
        number = draw.randrange(100)
        good, bad = (draw.choice(texts).format(thing) for texts in (GOOD, BAD))
        lines.append({"chosen": f"{turns} {good} ({number})", "rejected": f"{turns} {bad}"})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    print(f"{path}: {rows} rows")


MODELS = {"smollm2-135m": smollm2, "gpt2": gpt2, "qwen3-0.6b-reward": qwen3_reward}


def main():
    parser = argparse.ArgumentParser(description="Makes models and rows that stand for known ones.")
    parser.add_argument("what", choices=[*MODELS, "hh"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32")
    parser.add_argument("--rows", type=int, default=200)
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if arguments.what == "hh":
        return hh(arguments.out, arguments.rows)
    arguments.out.mkdir(parents=True, exist_ok=True)
    MODELS[arguments.what](arguments.out, getattr(torch, arguments.dtype))


if __name__ == "__main__":
    main()
