#!/usr/bin/env python3
"""Writes the fixture of one KTO step: two tiny policies and what TRL's KTOTrainer makes of a batch.

    peers/bin/pip install trl==1.16.0
    peers/bin/python script/make_kto_fixture.py [--out DIR]

Needs what script/make_parity_fixtures.py needs, too; made with torch 2.13.0+cpu, transformers 5.24.0
and TRL 1.16.0. The loss, the KL estimate and the gradients are those of `KTOTrainer.compute_loss` on
its own batch, in float64. Run again on the same machine it writes the same bytes.

What each tensor is: Tests/ParityTests/Fixtures/README.md.
"""

import argparse
import copy
import shutil
import tempfile
from pathlib import Path

import datasets
import safetensors.torch
import tokenizers
import torch
import transformers
import trl
from make_parity_fixtures import FIRST_TOKEN, FIXTURES, Case, integers, llama_config, make_model
from make_ppo_fixture import SMALL

SETTINGS = dict(beta=0.3, desirable_weight=1.5, undesirable_weight=0.75)
LENGTHS = ((2, 4), (3, 1), (1, 6), (4, 3), (2, 5))  # (prompt, response with its end) of each row
LABELS = (True, False, True, False, False)
END = 1


def tokenizer():
    """A word is its token id; nothing is added."""
    words = {"<pad>": 0, "</s>": END} | {
        f"{index}": index for index in range(FIRST_TOKEN, SMALL["vocab_size"])}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<pad>"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="</s>")


def text(tokens):
    return " ".join(map(str, tokens))


def main():
    parser = argparse.ArgumentParser(description="Writes the fixture of one KTO step.")
    parser.add_argument("--out", type=Path, default=FIXTURES, help="where the directory goes")
    directory = parser.parse_args().out / "kto-step"
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    datasets.disable_progress_bars()

    generator = torch.Generator().manual_seed(8)
    case = Case("policy", transformers.LlamaForCausalLM, llama_config(**SMALL), ("", ""), 8)
    policy = make_model(case, generator)
    reference = copy.deepcopy(policy)
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
        reference.lm_head.weight *= 2  # Surer than the policy, and mostly wrong: z is above 0.
    draw = lambda length: torch.randint(
        FIRST_TOKEN, SMALL["vocab_size"], (length,), generator=generator).tolist()
    rows = [(draw(prompt), draw(response - 1) + [END]) for prompt, response in LENGTHS]

    if directory.exists():
        shutil.rmtree(directory)
    policy.save_pretrained(directory / "policy")
    reference.save_pretrained(directory / "reference")
    with tempfile.TemporaryDirectory() as scratch:
        trainer = trl.KTOTrainer(
            model=copy.deepcopy(policy).double(), ref_model=copy.deepcopy(reference).double(),
            args=trl.KTOConfig(
                output_dir=scratch, per_device_train_batch_size=len(rows), report_to=[],
                gradient_checkpointing=False, bf16=False, fp16=False, **SETTINGS),
            processing_class=tokenizer(),
            train_dataset=datasets.Dataset.from_dict({
                "prompt": [text(prompt) for prompt, _ in rows],
                # Without the end, which TRL puts there.
                "completion": [" " + text(response[:-1]) for _, response in rows],
                "label": list(LABELS),
            }))
        batch = next(iter(trainer.get_train_dataloader()))
        model = trainer.model.train()
        loss = trainer.compute_loss(model, batch)
        loss.backward()
    assert sorted(batch["attention_mask"].sum(1).tolist()) == sorted(map(sum, LENGTHS)), batch
    divergence = trainer._metrics["train"]["kl"][0]

    expected = {"loss": loss.detach().reshape(1), "divergence": torch.tensor([divergence])}
    expected |= {"gradient/" + name: p.grad for name, p in model.named_parameters()}
    expected = {name: tensor.to(torch.float32).contiguous() for name, tensor in expected.items()}
    for name, part in (("prompt", 0), ("response", 1)):
        sequences = [torch.tensor(row[part]) for row in rows]
        offsets = torch.tensor([0] + [len(tokens) for tokens in sequences]).cumsum(0)
        expected |= integers(f"{name}/tokens", torch.cat(sequences))
        expected |= integers(f"{name}/offsets", offsets)
    expected["labels"] = torch.tensor(LABELS, dtype=torch.float32)
    for name, number in SETTINGS.items():
        expected["setting/" + name] = torch.tensor([number], dtype=torch.float32)
    safetensors.torch.save_file(expected, directory / "expected.safetensors")
    print({name: round(expected[name].item(), 6) for name in ("loss", "divergence")})


if __name__ == "__main__":
    main()
