#!/usr/bin/env python3
"""Checks that checkpoints load in PyTorch `transformers`, and that it computes the same numbers.

    check_transformers.py DIR ...
    check_transformers.py --logprobs FILE.jsonl DIR     rows of `rlhf-sim logprobs --model DIR`
    check_transformers.py --scores FILE.jsonl DIR       rows of `rlhf-sim score --model DIR`

Each directory is loaded by the `architectures` of its config.json, with its tokenizer. Missing,
unexpected and mismatched keys are printed, as are token ids on which tokenizer and model disagree.
Of an ensemble of reward models, every member is loaded: the directory itself and its `member-1`, ….

Rows hold `prompt_ids` and `response_ids`, and `logprobs` (one natural logarithm per response token,
at temperature 1) or `reward` (the scalar head at the last token, not normalized). They are compared
with a float64 run of the model, one row at a time and unpadded; rewards of an ensemble are combined
from those of its members.

Exits with 1 when anything is wrong or a difference exceeds 1e-4. Needs torch, transformers and
safetensors, and no network; used with the versions that make_parity_fixtures.py names.
"""

import argparse
import json
import math
import os
import re
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402
import transformers  # noqa: E402

LIMIT = 1e-4


class BadInput(Exception):
    """A file that cannot be used, with the place."""


# Loading


def read_configuration(directory):
    path = directory / "config.json"
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {error}") from error


def is_reward_model(directory):
    architectures = read_configuration(directory).get("architectures") or []
    if not architectures:
        raise BadInput(f"{directory / 'config.json'}: `architectures` is absent or empty")
    return architectures[0].endswith("ForSequenceClassification")


def members(directory):
    """The directories of an ensemble's models; of any other model, its own alone."""
    count = read_configuration(directory).get("reward_ensemble", {}).get("members", 1)
    return [directory] + [directory / f"member-{index}" for index in range(1, count)]


def load_model(directory, problems):
    loader = (
        transformers.AutoModelForSequenceClassification
        if is_reward_model(directory)
        else transformers.AutoModelForCausalLM
    )
    try:
        model, info = loader.from_pretrained(
            directory,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # so that they are listed below and not thrown
            local_files_only=True,
            dtype=torch.float32,
        )
    except Exception as error:  # whatever stops it from loading is the finding
        problems.append(f"the model does not load: {error}")
        return None
    for kind, entries in sorted(info.items()):
        if entries:
            described = entries if isinstance(entries, str) else sorted(map(str, entries))
            problems.append(f"{kind}: {described}")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"  {type(model).__name__}, {parameters} parameters")
    return model.double().eval()


def check_tokenizer(directory, model, problems):
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(directory, local_files_only=True)
    except Exception as error:
        problems.append(f"the tokenizer does not load: {error}")
        return
    print(f"  {type(tokenizer).__name__}, {len(tokenizer)} tokens")
    if model is None:
        return
    config = model.config
    if len(tokenizer) > config.vocab_size:
        problems.append(f"{len(tokenizer)} tokens for a model of vocab_size {config.vocab_size}")
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        theirs, ours = getattr(tokenizer, name), getattr(config, name, None)
        # Of several tokens that end a response, a tokenizer knows one.
        if theirs is not None and theirs not in (ours if isinstance(ours, list) else [ours]):
            problems.append(f"{name} is {theirs} in the tokenizer, {ours} in config.json")
    ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    if is_reward_model(directory) and config.pad_token_id in [end for end in ends if end is not None]:
        problems.append("pad_token_id equals eos_token_id: rewards would be read one token early")


# Comparing


def read_rows(path, key):
    """(line number, prompt ids, response ids, value of `key`) of each row."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise BadInput(f"{path}: {error}") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            # Where rows had such a column before, the last of `logprobs`, `logprobs_2` is ours.
            names = [name for name in row if re.fullmatch(rf"{key}(_\d+)?", name)]
            rows.append((number, row["prompt_ids"], row["response_ids"], row[(names or [key])[-1]]))
        except KeyError as error:
            raise BadInput(f"{path}:{number}: the row has no {error}") from error
        except (ValueError, TypeError) as error:
            raise BadInput(f"{path}:{number}: {error}") from error
    if not rows:
        raise BadInput(f"{path}: no rows")
    return rows


def log_probabilities(model, prompt, response):
    """log P(response token | everything before it), one per response token."""
    tokens = torch.tensor([prompt + response])
    logits = model(tokens).logits[0, len(prompt) - 1 : -1]  # [response, vocabulary]
    chosen = torch.tensor(response)[:, None]
    return logits.log_softmax(-1).gather(1, chosen)[:, 0]


def reward(model, prompt, response):
    return model(torch.tensor([prompt + response])).logits[0]  # [1]


def ensemble_reward(directory, models):
    """A function for the combined reward: members are normalized, combined as config.json says, and
    converted back to the units of a reward by their mean normalization."""
    rule = read_configuration(directory)["reward_ensemble"]
    normalizations = [
        read_configuration(member).get("reward_normalization", {"mean": 0.0, "std": 1.0})
        for member in members(directory)
    ]
    means = torch.tensor([one["mean"] for one in normalizations], dtype=torch.float64)
    standard_deviations = torch.tensor([one["std"] for one in normalizations], dtype=torch.float64)

    def combined(_, prompt, response):
        rewards = torch.cat([reward(model, prompt, response) for model in models])
        scores = (rewards - means) / standard_deviations
        if rule["combine"] == "worst":
            score = scores.min()
        elif rule["combine"] == "uncertainty":
            score = scores.mean() - rule["uncertainty_weight"] * scores.var(correction=0)
        else:
            score = scores.mean()
        return (means.mean() + standard_deviations.mean() * score).reshape(1)

    return combined


def compare(model, path, key, compute, problems):
    worst, worst_line, values = 0.0, None, 0
    vocabulary = model.config.vocab_size
    for number, prompt, response, ours in read_rows(path, key):
        ours = torch.tensor(ours, dtype=torch.float64).reshape(-1)
        if not prompt or not response:
            raise BadInput(f"{path}:{number}: an empty prompt or response")
        if not all(0 <= token < vocabulary for token in prompt + response):
            raise BadInput(f"{path}:{number}: a token id outside 0..<{vocabulary}")
        theirs = compute(model, prompt, response)
        if ours.shape != theirs.shape:
            problems.append(f"{path}:{number}: {len(ours)} values, {len(theirs)} expected")
            continue
        difference = (ours - theirs).abs().max().item()
        values += len(ours)
        if math.isnan(difference):
            difference = math.inf
        if worst_line is None or difference > worst:
            worst, worst_line = difference, number
    place = f" (line {worst_line})" if worst_line else ""
    print(f"  {key}: largest difference {worst:.2e}{place} over {values} values, limit {LIMIT:.0e}")
    if worst > LIMIT:
        problems.append(f"{key} differs by {worst:.2e} at {path}:{worst_line}")


def check(directory, arguments):
    """What is wrong with one directory."""
    problems = []
    models = [load_model(member, problems) for member in members(directory)]
    model = models[0]
    check_tokenizer(directory, model, problems)
    if all(model is not None for model in models):
        with torch.no_grad():
            if arguments.logprobs:
                compare(model, arguments.logprobs, "logprobs", log_probabilities, problems)
            if arguments.scores:
                compute = ensemble_reward(directory, models) if len(models) > 1 else reward
                compare(model, arguments.scores, "reward", compute, problems)
    return problems


def main():
    parser = argparse.ArgumentParser(description="Checks checkpoints against PyTorch transformers.")
    parser.add_argument("directories", nargs="+", type=Path, metavar="DIR")
    rows = parser.add_mutually_exclusive_group()
    rows.add_argument("--logprobs", type=Path, metavar="FILE.jsonl", help="one causal model's rows")
    rows.add_argument("--scores", type=Path, metavar="FILE.jsonl", help="one reward model's rows")
    arguments = parser.parse_args()
    if (arguments.logprobs or arguments.scores) and len(arguments.directories) > 1:
        parser.error("rows belong to one model: give one DIR with --logprobs or --scores")

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    failed = False
    for directory in arguments.directories:
        print(directory)
        try:
            if arguments.logprobs and is_reward_model(directory):
                raise BadInput("--logprobs needs a causal model, and this is a reward model")
            if arguments.scores and not is_reward_model(directory):
                raise BadInput("--scores needs a reward model, and this is a causal model")
            problems = check(directory, arguments)
        except BadInput as error:
            problems = [str(error)]
        for problem in problems:
            print(f"  WRONG {problem}")
        if not problems:
            print("  ok")
        failed = failed or bool(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
