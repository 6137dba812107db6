#!/usr/bin/env python3
"""Writes the parity fixtures: tiny models and what PyTorch `transformers` computes with them.

    python3 -m venv peers
    peers/bin/pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    peers/bin/pip install transformers==5.19.0 safetensors==0.8.0
    peers/bin/python script/make_parity_fixtures.py [--out DIR] [NAME ...]

The committed fixtures were made with torch 2.13.0+cpu, transformers 5.19.0 and safetensors 0.8.0
on x86-64; the script says so when it runs with others. It needs no network. Run again on the same
machine it writes the same bytes.

Each model is float32, as saved. The expected values are computed with a float64 copy of it, every
sequence run alone and unpadded, and rounded to float32 once, at the end: a float32
implementation is compared with them, not with another float32 result. (Inside `transformers` the RMS
norm, the rotary angles and Llama's softmax compute in float32 whatever the type of the model,
which leaves about 1e-7 in the Llama cases.) After each case the script prints how far a float32
run of the same model is from these values: a tolerance below those figures cannot be met.

What each tensor is: Tests/ParityTests/Fixtures/README.md.
"""

import argparse
import copy
import shutil
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F
import transformers

MADE_WITH = {"torch": "2.13.0+cpu", "transformers": "5.19.0", "safetensors": "0.8.0"}
FIXTURES = Path(__file__).resolve().parent.parent / "Tests/ParityTests/Fixtures"

VOCABULARY = 61
FIRST_TOKEN = 2  # 0 pads and 1 ends: neither occurs in a sequence
LENGTHS = (5, 11, 8)
PAIRS = ((0, 1), (2, 1))  # (chosen, rejected)
SHARED_PROMPT, SHARED_CHOSEN, SHARED_REJECTED = 4, 3, 6
STEPS = 10
ADAMW = dict(betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
CAUSAL_RATE = 1e-2
REWARD_RATE = 2e-4  # at 1e-2 the loss of two pairs is 0 after two steps, and the others would show nothing
MAXIMUM_GRADIENT_NORM = 1.0


@dataclass(frozen=True)
class Case:
    """One fixture: a model, and two small parameters saved after training."""

    name: str
    model: type
    config: transformers.PretrainedConfig
    trained: tuple[str, str]
    seed: int


def llama_config(**changes):
    settings = dict(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=64,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=False,
        attention_dropout=0.0,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
    )
    return transformers.LlamaConfig(**(settings | changes))


def gpt2_config(**changes):
    settings = dict(
        vocab_size=VOCABULARY,
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=64,
        activation_function="gelu_new",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        summary_first_dropout=0.0,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
    )
    return transformers.GPT2Config(**(settings | changes))


CASES = (
    Case(
        name="llama",
        model=transformers.LlamaForCausalLM,
        config=llama_config(),
        trained=("model.layers.0.input_layernorm.weight", "model.norm.weight"),
        seed=1,
    ),
    Case(
        name="llama-bias-tied",
        model=transformers.LlamaForCausalLM,
        config=llama_config(
            num_key_value_heads=1,
            rope_parameters={"rope_type": "default", "rope_theta": 500.0},
            tie_word_embeddings=True,
            attention_bias=True,
            mlp_bias=True,
        ),
        trained=("model.layers.0.self_attn.q_proj.bias", "model.layers.1.mlp.down_proj.bias"),
        seed=2,
    ),
    Case(
        name="gpt2",
        model=transformers.GPT2LMHeadModel,
        config=gpt2_config(),
        trained=("transformer.h.0.ln_1.bias", "transformer.ln_f.weight"),
        seed=3,
    ),
    Case(
        name="llama-reward",
        model=transformers.LlamaForSequenceClassification,
        config=llama_config(num_labels=1),
        trained=("model.norm.weight", "score.weight"),
        seed=4,
    ),
    Case(
        name="gpt2-reward",
        model=transformers.GPT2ForSequenceClassification,
        config=gpt2_config(num_labels=1),
        trained=("score.weight", "transformer.ln_f.weight"),
        seed=5,
    ),
)


# The model and its data


def make_model(case, generator):
    """A model in which every parameter matters.

    The libraries' own initialisation leaves biases at 0, norms at 1 and logits near 0, where an
    omitted bias or a wrong norm would not be seen.
    """
    config = copy.deepcopy(case.config)
    config._attn_implementation = "eager"
    model = case.model(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_norm = parameter.dim() == 1 and name.endswith(".weight")
            if is_norm:
                parameter.copy_(1 + 0.2 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(0.2 * noise)
            else:
                parameter.copy_(0.25 * noise)
    return model


def draw_tokens(length, generator):
    return torch.randint(FIRST_TOKEN, VOCABULARY, (length,), generator=generator)


# What is compared


def causal_logits(model, sequences):
    """One [length, vocabulary] tensor per sequence."""
    return [model(tokens[None], use_cache=False).logits[0] for tokens in sequences]


def next_token_loss(logits, sequences):
    """Mean over all predicted positions of all sequences, not a mean of means."""
    predicted = torch.cat([rows[:-1] for rows in logits])
    targets = torch.cat([tokens[1:] for tokens in sequences])
    return F.cross_entropy(predicted, targets)


def sequence_rewards(model, sequences):
    """One reward per sequence, [sequences]: the scalar head at its last token."""
    return torch.stack([model(tokens[None], use_cache=False).logits[0, 0] for tokens in sequences])


def bradley_terry_loss(rewards, pairs):
    chosen = torch.stack([rewards[pair[0]] for pair in pairs])
    rejected = torch.stack([rewards[pair[1]] for pair in pairs])
    return F.softplus(rejected - chosen).mean()


def gradients(model, loss, prefix="gradient/"):
    model.zero_grad()
    loss.backward()
    return {prefix + name: p.grad.clone() for name, p in model.named_parameters()}


def train(model, compute_loss, rate):
    """Ten steps of AdamW: the loss and the gradient norm (before clipping) that each step saw."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, **ADAMW, foreach=False)
    losses, norms = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = compute_loss()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), MAXIMUM_GRADIENT_NORM)
        optimizer.step()
        losses.append(loss.detach())
        norms.append(norm.detach())
    return torch.stack(losses), torch.stack(norms)


def expected_values(model, case, sequences, shared):
    """Everything the fixture states, in the precision of `model`, which it trains."""
    values = {}
    if hasattr(model, "score"):
        rate = REWARD_RATE
        rewards = sequence_rewards(model, sequences)
        values["rewards"] = rewards.detach()
        loss = bradley_terry_loss(rewards, PAIRS)

        shared_rewards = sequence_rewards(model, shared)
        shared_loss = bradley_terry_loss(shared_rewards, ((0, 1),))
        values["shared/rewards"] = shared_rewards.detach()
        values["shared/loss"] = shared_loss.detach().reshape(1)
        values |= gradients(model, shared_loss, prefix="shared/gradient/")

        def compute_loss():
            return bradley_terry_loss(sequence_rewards(model, sequences), PAIRS)

    else:
        rate = CAUSAL_RATE
        logits = causal_logits(model, sequences)
        values["logits"] = torch.cat(logits).detach()
        loss = next_token_loss(logits, sequences)

        def compute_loss():
            return next_token_loss(causal_logits(model, sequences), sequences)

    values["loss"] = loss.detach().reshape(1)
    values |= gradients(model, loss)
    values["learning_rate"] = torch.tensor([rate], dtype=torch.float64)
    values["losses"], values["gradient_norms"] = train(model, compute_loss, rate)
    parameters = dict(model.named_parameters())
    for name in case.trained:
        values["trained/" + name] = parameters[name].detach()
    return values


# Writing


def integers(name, tensor):
    """The same integers twice: as I32, and as F32 for readers of floats only."""
    return {name: tensor.to(torch.int32), name + "_f32": tensor.to(torch.float32)}


def packed(name, sequences):
    """`name` [total] and its `offsets` [sequences + 1]."""
    offsets = torch.tensor([0] + [len(tokens) for tokens in sequences]).cumsum(0)
    directory, _, _ = name.rpartition("tokens")
    return integers(name, torch.cat(sequences)) | integers(directory + "offsets", offsets)


def largest_difference(group, approximate, exact):
    """Largest |difference| over a group of tensors, each relative to its largest entry or 1e-3."""
    worst = 0.0
    for name in exact:
        if name == group or name.startswith(group + "/"):
            difference = (approximate[name].double() - exact[name]).abs().max().item()
            worst = max(worst, difference / max(exact[name].abs().max().item(), 1e-3))
    return worst


def write_case(case, directory):
    generator = torch.Generator().manual_seed(case.seed)
    model = make_model(case, generator)
    sequences = [draw_tokens(length, generator) for length in LENGTHS]
    prompt, chosen, rejected = (
        draw_tokens(length, generator)
        for length in (SHARED_PROMPT, SHARED_CHOSEN, SHARED_REJECTED)
    )
    shared = [torch.cat([prompt, chosen]), torch.cat([prompt, rejected])]

    if directory.exists():
        shutil.rmtree(directory)
    model.save_pretrained(directory / "model")

    exact = expected_values(copy.deepcopy(model).double(), case, sequences, shared)
    single = expected_values(copy.deepcopy(model), case, sequences, shared)

    expected = {name: value.to(torch.float32) for name, value in exact.items()}
    expected |= packed("tokens", sequences)
    if "rewards" in exact:
        expected |= integers("pairs", torch.tensor(PAIRS))
        expected |= packed("shared/tokens", shared)
        expected |= integers("shared/prompt_length", torch.tensor([SHARED_PROMPT]))
    safetensors.torch.save_file(
        {name: value.contiguous() for name, value in expected.items()},
        directory / "expected.safetensors",
    )

    print(f"{case.name}: loss {exact['loss'].item():.4f}", end="")
    print(f", after {STEPS - 1} steps {exact['losses'][-1].item():.4f}", end="")
    print(f", gradient norms {[round(norm.item(), 2) for norm in exact['gradient_norms']]}")
    print("  float32 against float64:", end="")
    for group in ("logits", "rewards", "loss", "gradient", "losses", "shared/gradient", "trained"):
        if any(name == group or name.startswith(group + "/") for name in exact):
            print(f" {group} {largest_difference(group, single, exact):.0e}", end="")
    print()


def main():
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description="Writes the parity fixtures.")
    parser.add_argument("--out", type=Path, default=FIXTURES, help="where the directories go")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(names)}; all when none is given")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in names:
            parser.error(f"no fixture is called {name}; there are {', '.join(names)}")

    for library in (torch, transformers, safetensors):
        made_with = MADE_WITH[library.__name__]
        if library.__version__ != made_with:
            print(
                f"note: {library.__name__} is {library.__version__}; the committed fixtures were "
                f"made with {made_with}, and bytes may differ"
            )
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    for case in CASES:
        if not arguments.names or case.name in arguments.names:
            write_case(case, arguments.out / case.name)


if __name__ == "__main__":
    main()
