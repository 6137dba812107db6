#!/usr/bin/env python3
"""Writes the fixtures of architectures: tiny models of every one that is read, and what PyTorch
`transformers` computes with them.

    peers/bin/pip install peft==0.21.2              beside what make_parity_fixtures.py names
    peers/bin/python script/make_architecture_fixtures.py [--out DIR] [NAME ...]

The committed fixtures were made with torch 2.13.0+cpu, transformers 5.24.0, safetensors 0.8.0 and
peft 0.21.2. No network is needed; run again on the same machine it writes the same bytes.

A fixture is a directory with `model/` as `save_pretrained` writes it, `variants.json`, and
`expected.safetensors`. A variant is a name and changes to `config.json` (null removes a key), so
that one set of weights serves several activations or rotary scalings. Values come from a float64
copy, every sequence alone and unpadded. What each tensor is: Tests/ParityTests/Fixtures/README.md.
"""

import argparse
import copy
import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import peft
import safetensors.torch
import torch
import transformers
from make_parity_fixtures import (
    FIXTURES,
    bradley_terry_loss,
    causal_logits,
    draw_tokens,
    gradients,
    integers,
    next_token_loss,
    packed,
    sequence_rewards,
)

VOCABULARY = 29
LENGTHS = (5, 13, 8)
PAIRS = ((0, 1), (2, 1))


@dataclass(frozen=True)
class Case:
    """One fixture: a model, and the variants of its configuration that are computed."""

    name: str
    config: transformers.PretrainedConfig
    seed: int
    variants: dict = field(default_factory=lambda: {"plain": {}})
    reward: bool = False
    dtype: torch.dtype = torch.float32
    shard: str = "1GB"


SIZES = dict(hidden_size=16, intermediate_size=20, num_hidden_layers=2)
IDS = dict(vocab_size=VOCABULARY, pad_token_id=0, bos_token_id=1, eos_token_id=1)
OPENAI = dict(n_embd=16, n_layer=2, n_head=2, n_positions=32)
NO_DROPOUT = dict(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
POSITIONS = dict(max_position_embeddings=32)


def llama(**changes):
    settings = SIZES | IDS | POSITIONS | dict(num_attention_heads=4, num_key_value_heads=2)
    return transformers.LlamaConfig(**(settings | changes))


def mistral(**changes):  # heads wider than hidden / heads, a window shorter than the sequences
    settings = SIZES | IDS | POSITIONS
    settings |= dict(num_attention_heads=4, num_key_value_heads=2, head_dim=6, sliding_window=4)
    return transformers.MistralConfig(**(settings | changes))


def qwen2(**changes):  # biases of q, k and v; tied
    settings = SIZES | IDS | POSITIONS
    settings |= dict(num_attention_heads=4, num_key_value_heads=1, tie_word_embeddings=True)
    return transformers.Qwen2Config(**(settings | changes))


def qwen3(**changes):  # norms of queries and keys; three heads over one, of an odd share of the width
    settings = SIZES | IDS | POSITIONS
    settings |= dict(num_attention_heads=3, num_key_value_heads=1, head_dim=10)
    return transformers.Qwen3Config(**(settings | changes))


def smollm3(**changes):  # the second layer has no rotary positions; tied
    settings = SIZES | IDS | POSITIONS
    settings |= dict(num_attention_heads=4, num_key_value_heads=2, no_rope_layer_interval=2)
    return transformers.SmolLM3Config(**(settings | changes))


def gpt_neox(**changes):
    settings = SIZES | IDS | POSITIONS | dict(hidden_size=24, num_attention_heads=3)
    settings |= dict(rotary_pct=0.5, hidden_dropout=0.0, attention_dropout=0.0)
    return transformers.GPTNeoXConfig(**(settings | changes))


def gptj(**changes):
    settings = IDS | OPENAI | NO_DROPOUT | dict(rotary_dim=4, n_inner=20)
    return transformers.GPTJConfig(**(settings | changes))


def opt(**changes):
    settings = IDS | POSITIONS | dict(hidden_size=16, ffn_dim=20, num_hidden_layers=2)
    settings |= dict(num_attention_heads=2, dropout=0.0, word_embed_proj_dim=16)
    return transformers.OPTConfig(**(settings | changes))


def gpt2(**changes):
    settings = IDS | OPENAI | NO_DROPOUT | dict(n_inner=20, summary_first_dropout=0.0)
    return transformers.GPT2Config(**(settings | changes))


ACTIVATIONS = ("gelu_new", "gelu", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu", "relu", "relu2")
ACTIVATIONS += ("silu", "swish", "tanh", "sigmoid")
LLAMA3 = dict(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=8)


def rope(**settings):
    """As transformers 5 writes it."""
    return {"rope_parameters": {"rope_theta": 100.0} | settings, "rope_theta": None}


def old_rope(**settings):
    """As transformers 4 writes it."""
    return {"rope_scaling": settings, "rope_theta": 100.0, "rope_parameters": None}


CASES = (
    Case(
        "llama-rope",
        llama(num_hidden_layers=1),
        seed=1,
        variants={
            "theta": rope(rope_type="default"),
            "linear": rope(rope_type="linear", factor=4.0),
            "linear-old": old_rope(type="linear", factor=4.0),
            "dynamic": rope(rope_type="dynamic", factor=4.0),
            "llama3": rope(rope_type="llama3", original_max_position_embeddings=8, **LLAMA3),
            "llama3-old": old_rope(rope_type="llama3", original_max_position_embeddings=8, **LLAMA3),
            "yarn": rope(**YARN),
            "yarn-settings": rope(
                **YARN, attention_factor=1.3, beta_fast=4.0, beta_slow=1.0, truncate=False
            ),
            "yarn-mscale": old_rope(**YARN, mscale=0.8, mscale_all_dim=0.5),
        },
    ),
    Case("llama-bfloat16", llama(), seed=2, dtype=torch.bfloat16, shard="6KB"),
    Case("llama-float16", llama(tie_word_embeddings=True), seed=3, dtype=torch.float16),
    Case("mistral", mistral(), seed=4, variants={"plain": {}, "no window": {"sliding_window": None}}),
    Case(
        "qwen2",
        qwen2(),
        seed=5,
        variants={
            "plain": {},
            "window": dict(
                use_sliding_window=True, sliding_window=3, max_window_layers=1, layer_types=None
            ),
        },
    ),
    Case("qwen3", qwen3(), seed=6),
    Case("smollm3", smollm3(), seed=7),
    Case(
        "gpt_neox",
        gpt_neox(),
        seed=8,
        variants={"plain": {}, "serial": {"use_parallel_residual": False}},
    ),
    Case(
        "gpt_neox-odd",
        gpt_neox(hidden_size=20, num_attention_heads=2, rotary_pct=0.3, attention_bias=False),
        seed=9,
    ),
    Case("gptj", gptj(), seed=10),
    Case("opt", opt(), seed=11),
    Case("opt-bare", opt(enable_bias=False), seed=12),
    Case("opt-350m", opt(word_embed_proj_dim=8, do_layer_norm_before=False), seed=13),
    Case(
        "gpt2-activations",
        gpt2(n_layer=1),
        seed=14,
        variants={name: {"activation_function": name} for name in ACTIVATIONS},
    ),
    Case("mistral-reward", mistral(num_hidden_layers=1), seed=20, reward=True),
    Case("qwen2-reward", qwen2(num_hidden_layers=1), seed=21, reward=True),
    Case("qwen3-reward", qwen3(num_hidden_layers=1), seed=22, reward=True),
    Case("smollm3-reward", smollm3(num_hidden_layers=1), seed=23, reward=True),
    Case("gpt_neox-reward", gpt_neox(num_hidden_layers=1), seed=24, reward=True),
    Case("gptj-reward", gptj(n_layer=1), seed=25, reward=True),
    Case(
        "opt-reward",
        opt(num_hidden_layers=1, word_embed_proj_dim=8, do_layer_norm_before=False),
        seed=26,
        reward=True,
    ),
)


def randomize(model, generator):
    """Weights with which every parameter matters: libraries leave biases at 0 and norms at 1."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_norm = parameter.dim() == 1 and name.endswith(".weight")
            parameter.copy_(1 + 0.2 * noise if is_norm else 0.25 * noise)


def make_model(case, generator):
    config = copy.deepcopy(case.config)
    config._attn_implementation = "eager"
    if case.reward:
        config.num_labels = 1
        model = transformers.AutoModelForSequenceClassification.from_config(config)
    else:
        model = transformers.AutoModelForCausalLM.from_config(config)
    randomize(model, generator)
    return model.to(case.dtype).eval()


def load(directory, reward, **options):
    kind = "SequenceClassification" if reward else "CausalLM"
    model = getattr(transformers, "AutoModelFor" + kind).from_pretrained(
        directory, attn_implementation="eager", dtype=torch.float32, local_files_only=True, **options
    )
    return model.double().eval()


def with_changes(directory, changes, reward):
    """The model of a directory under a changed config.json."""
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(directory, place, dirs_exist_ok=True)
        path = Path(place) / "config.json"
        config = json.loads(path.read_text()) | changes
        config = {k: v for k, v in config.items() if v is not None or k == "sliding_window"}
        path.write_text(json.dumps(config))
        return load(place, reward)


def log_probabilities(model, sequences):
    """log P of every token but the first of each sequence, all sequences in a row."""
    return torch.cat(
        [
            logits[:-1].log_softmax(-1).gather(1, tokens[1:, None])[:, 0]
            for logits, tokens in zip(causal_logits(model, sequences), sequences)
        ]
    )


def expected_values(model, sequences, reward):
    """Of rewards or log-probabilities, and the gradients of one step."""
    if reward:
        values = sequence_rewards(model, sequences)
        loss = bradley_terry_loss(values, PAIRS)
    else:
        values = log_probabilities(model, sequences)
        loss = -values.mean()
    result = {"rewards" if reward else "logprobs": values.detach(), "loss": loss.detach().reshape(1)}
    return result | gradients(model, loss)


def finish(directory, variants, expected, sequences):
    (directory / "variants.json").write_text(json.dumps(variants, indent=1) + "\n")
    tensors = {name: value.to(torch.float32).contiguous() for name, value in expected.items()}
    tensors |= {k: v for k, v in packed("tokens", sequences).items() if k.endswith("_f32")}
    tensors |= {k: v for k, v in integers("pairs", torch.tensor(PAIRS)).items() if k.endswith("_f32")}
    safetensors.torch.save_file(tensors, directory / "expected.safetensors")
    size = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
    print(f"{directory.name}: {size // 1024} kB, {len(variants)} variants")


def fresh(directory):
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True)


def save(model, directory, **options):
    """As a user's model is saved; the version of the library is left out, which says nothing."""
    model.save_pretrained(directory, **options)
    path = directory / "config.json"
    if path.exists():
        config = json.loads(path.read_text())
        config.pop("transformers_version", None)
        path.write_text(json.dumps(config, indent=1) + "\n")
    (directory / "generation_config.json").unlink(missing_ok=True)


def write_case(case, directory):
    generator = torch.Generator().manual_seed(case.seed)
    model = make_model(case, generator)
    sequences = [torch.remainder(draw_tokens(n, generator), VOCABULARY - 2) + 2 for n in LENGTHS]
    fresh(directory)
    save(model, directory / "model", max_shard_size=case.shard)
    expected = {}
    for index, (name, changes) in enumerate(case.variants.items()):
        values = expected_values(
            with_changes(directory / "model", changes, case.reward), sequences, case.reward
        )
        for key, value in values.items():
            # Gradients of the first variant only, where there are many.
            if not key.startswith("gradient/") or index == 0:
                expected[f"{name}/{key}"] = value
    finish(directory, case.variants, expected, sequences)


# PEFT adapters and value heads


def write_adapter(name, base_config, lora, reward, seed, directory):
    generator = torch.Generator().manual_seed(seed)
    base = make_model(Case(name, base_config, seed), generator)
    sequences = [torch.remainder(draw_tokens(n, generator), VOCABULARY - 2) + 2 for n in LENGTHS]
    fresh(directory)
    save(base, directory / "base")
    if reward:
        base = load(directory / "base", True, num_labels=1).float()
    torch.manual_seed(seed)
    model = peft.get_peft_model(base, lora)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(0.25 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(directory / "model")
    (directory / "model/README.md").unlink()
    path = directory / "model/adapter_config.json"
    settings = json.loads(path.read_text()) | {"base_model_name_or_path": "../base"}
    path.write_text(json.dumps(settings, indent=1) + "\n")
    merged = model.merge_and_unload().double().eval().requires_grad_()
    values = expected_values(merged, sequences, reward)
    expected = {f"plain/{k}": v for k, v in values.items() if not k.startswith("gradient/")}
    finish(directory, {"plain": {}}, expected, sequences)


ADAPTERS = {
    "adapter-llama": lambda out: write_adapter(
        "adapter-llama",
        llama(),
        peft.LoraConfig(
            task_type="CAUSAL_LM", r=3, lora_alpha=8, use_rslora=True, bias="none",
            target_modules=["q_proj", "v_proj", "gate_proj", "down_proj", "lm_head"],
        ),
        False, 30, out,
    ),
    "adapter-patterns": lambda out: write_adapter(
        "adapter-patterns",
        llama(),
        peft.LoraConfig(
            task_type="CAUSAL_LM", r=3, lora_alpha=8,
            target_modules=r"(?:.*layers\.\d+\.(?!mlp\.up)(self_attn|mlp)\.\w*?(k|v|gate|up)_proj)$",
            exclude_modules=["layers.1.self_attn.k_proj"],
            rank_pattern={"layers.0.self_attn.[kv]_proj": 2},
            alpha_pattern={r".*\.0\..*v_proj": 5, "v_proj": 3},
        ),
        False, 34, out,
    ),
    "adapter-gpt2": lambda out: write_adapter(
        "adapter-gpt2",
        gpt2(),
        peft.LoraConfig(
            task_type="CAUSAL_LM", r=2, lora_alpha=3, fan_in_fan_out=True,
            target_modules=["c_attn", "c_fc", "mlp.c_proj"],
        ),
        False, 31, out,
    ),
    "adapter-gptj": lambda out: write_adapter(
        "adapter-gptj",
        gptj(),
        peft.LoraConfig(
            task_type="CAUSAL_LM", r=2, lora_alpha=4, target_modules=["q_proj", "k_proj", "fc_in"]
        ),
        False, 32, out,
    ),
    "adapter-reward": lambda out: write_adapter(
        "adapter-reward",
        gpt_neox(),
        peft.LoraConfig(
            task_type="SEQ_CLS", r=2, lora_alpha=4, target_modules=["query_key_value", "dense"],
            modules_to_save=["score"],
        ),
        True, 33, out,
    ),
}


def write_value_head(name, config, seed, has_hidden_layer, directory):
    """A policy with AutoModelForCausalLMWithValueHead of TRL, or of trlX, whose head has a hidden layer:
    it reads the last hidden states."""
    generator = torch.Generator().manual_seed(seed)
    model = make_model(Case(name, config, seed), generator)
    sequences = [torch.remainder(draw_tokens(n, generator), VOCABULARY - 2) + 2 for n in LENGTHS]
    width = config.hidden_size
    if has_hidden_layer:  # trlx/utils/modeling.py, make_head
        shapes = {"0.weight": (2 * width, width), "0.bias": (2 * width,)}
        shapes |= {"2.weight": (1, 2 * width), "2.bias": (1,)}
    else:
        shapes = {"summary.weight": (1, width), "summary.bias": (1,)}
    head = {f"v_head.{k}": torch.randn(shape, generator=generator) for k, shape in shapes.items()}
    fresh(directory)
    save(model, directory / "model")
    state = safetensors.torch.load_file(directory / "model/model.safetensors") | head
    safetensors.torch.save_file(
        {key: value.contiguous() for key, value in state.items()},
        directory / "model/model.safetensors", metadata={"format": "pt"},
    )
    exact = copy.deepcopy(model).double()
    head = {name: value.double().requires_grad_() for name, value in head.items()}

    def values(states):
        if not has_hidden_layer:
            return states @ head["v_head.summary.weight"][0] + head["v_head.summary.bias"]
        inner = torch.relu(states @ head["v_head.0.weight"].T + head["v_head.0.bias"])
        return inner @ head["v_head.2.weight"][0] + head["v_head.2.bias"]

    trunk = exact.base_model
    rows = [values(trunk(tokens[None]).last_hidden_state[0]) for tokens in sequences]
    rewards = torch.stack([one[-1] for one in rows])
    loss = bradley_terry_loss(rewards, PAIRS)
    exact.zero_grad()
    loss.backward()
    parameters = dict(exact.named_parameters()) | head
    expected = {
        "plain/rewards": rewards.detach(),
        # The state before each token but the first.
        "plain/values": torch.cat([one[:-1] for one in rows]).detach(),
        "plain/loss": loss.detach().reshape(1),
    }
    for key, parameter in parameters.items():  # none of the language head
        gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        expected[f"plain/gradient/{key}"] = gradient
    with torch.no_grad():
        expected["plain/logprobs"] = log_probabilities(exact, sequences)
    finish(directory, {"plain": {}}, expected, sequences)


VALUE_HEADS = {
    "value-head": lambda out: write_value_head("value-head", llama(), 40, False, out),
    "value-head-hidden": lambda out: write_value_head("value-head-hidden", gpt2(), 41, True, out),
}


def main():
    makers = {case.name: lambda out, case=case: write_case(case, out) for case in CASES}
    makers |= ADAPTERS | VALUE_HEADS
    parser = argparse.ArgumentParser(description="Writes the fixtures of architectures.")
    parser.add_argument("--out", type=Path, default=FIXTURES / "architectures")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(makers)}; all when none is given")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in makers:
            parser.error(f"no fixture is called {name}; there are {', '.join(makers)}")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name, make in makers.items():
        if not arguments.names or name in arguments.names:
            make(arguments.out / name)


if __name__ == "__main__":
    main()
