#!/usr/bin/env python3
"""Writes the fixture of one PPO update: two tiny models and what PyTorch computes in one iteration.

    peers/bin/python script/make_ppo_fixture.py [--out DIR]

Needs what script/make_parity_fixtures.py needs, and was run with the same versions. It is written
from the formulas (Schulman et al. 2016 and 2017, Stiennon et al. 2020), not from the Swift code:
plain loops over tokens for what is derived, torch for what is differentiated. Everything is float64
from float32 inputs and is rounded once, at the end.

What each tensor is: Tests/ParityTests/Fixtures/README.md.
"""

import argparse
import copy
import shutil
from pathlib import Path

import safetensors.torch
import torch
import transformers
from make_parity_fixtures import FIRST_TOKEN, FIXTURES, Case, integers, llama_config, make_model

SETTINGS = dict(
    beta=0.15,
    discount=0.98,
    trace=0.9,  # λ
    clip_range=0.2,
    value_clip_range=0.2,
    temperature=0.8,
    entropy_bonus=0.01,
    epochs=3,  # each one step on all episodes, so that no order has to be agreed on
    policy_rate=1e-3,
    value_rate=2e-3,
    weight_decay=0.01,
    epsilon=1e-5,
    clip_norm=0.5,
)
LENGTHS = ((2, 5), (3, 1), (1, 7), (4, 4), (2, 6))  # (prompt, response) of each episode
SCORES = (1.3, -0.4, 0.2, -1.0, 2.1)
SMALL = dict(
    vocab_size=19, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
    num_key_value_heads=1, head_dim=8, max_position_embeddings=32,
)


# The models


def response_logits(model, episodes, temperature):
    """Logits / T of the state before each response token, [tokens, vocabulary]."""
    rows = []
    for prompt, response in episodes:
        logits = model(torch.cat([prompt, response])[None], use_cache=False).logits[0]
        rows.append(logits[len(prompt) - 1 : -1] / temperature)
    return torch.cat(rows)


def response_values(model, episodes):
    """V of the state before each response token, [tokens]."""
    rows = []
    for prompt, response in episodes:
        hidden = model.model(torch.cat([prompt, response])[None], use_cache=False)[0][0]
        rows.append((hidden @ model.score.weight.T)[len(prompt) - 1 : -1, 0])
    return torch.cat(rows)


def draw(length, generator):
    return torch.randint(FIRST_TOKEN, SMALL["vocab_size"], (length,), generator=generator)


# What is derived, token by token


def derive(lengths, old, reference, values, scores):
    """KL, rewards, whitened advantages and returns of every token of every episode."""
    kl, rewards, advantages, returns = [], [], [], []
    start = 0
    for length, score in zip(lengths, scores):
        mine = [old[start + t] - reference[start + t] for t in range(length)]
        earned = [-SETTINGS["beta"] * kl for kl in mine]
        earned[-1] += score
        running, estimates = 0.0, []
        for t in reversed(range(length)):
            following = values[start + t + 1] if t + 1 < length else 0.0
            delta = earned[t] + SETTINGS["discount"] * following - values[start + t]
            running = delta + SETTINGS["discount"] * SETTINGS["trace"] * running
            estimates.append(running)
        estimates.reverse()
        kl += mine
        rewards += earned
        advantages += estimates
        returns += [a + values[start + t] for t, a in enumerate(estimates)]
        start += length
    advantages = torch.tensor(advantages, dtype=torch.float64)
    whitened = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    as_tensor = lambda list_: torch.tensor(list_, dtype=torch.float64)
    return as_tensor(kl), as_tensor(rewards), whitened, as_tensor(returns)


# The update


def step(model, optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip_norm"])
    optimizer.step()
    return norm.detach()


def optimizer_of(model, rate):
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=rate, betas=(0.9, 0.999), eps=SETTINGS["epsilon"],
        weight_decay=SETTINGS["weight_decay"], foreach=False,
    )
    # Linear to 0 over all steps: the first at the full rate.
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda done: 1 - done / SETTINGS["epochs"]
    )
    return optimizer, schedule


def update(policy, value, episodes, old, values, advantages, returns):
    policy_optimizer, policy_schedule = optimizer_of(policy, SETTINGS["policy_rate"])
    value_optimizer, value_schedule = optimizer_of(value, SETTINGS["value_rate"])
    tokens = torch.cat([response for _, response in episodes])
    figures = {name: [] for name in ("policy_losses", "policy_norms", "value_losses", "value_norms")}
    clipped = {"policy_clipped": 0, "value_clipped": 0}
    for _ in range(SETTINGS["epochs"]):
        log_policy = response_logits(policy, episodes, SETTINGS["temperature"]).log_softmax(-1)
        ratio = torch.exp(log_policy.gather(1, tokens[:, None])[:, 0] - old)
        bounded = ratio.clamp(1 - SETTINGS["clip_range"], 1 + SETTINGS["clip_range"])
        loss = torch.max(-advantages * ratio, -advantages * bounded)
        clipped["policy_clipped"] += int((-advantages * bounded > -advantages * ratio).sum())
        entropy = -(log_policy.exp() * log_policy).sum(-1)
        loss = loss.mean() - SETTINGS["entropy_bonus"] * entropy.mean()
        figures["policy_norms"].append(step(policy, policy_optimizer, loss))
        figures["policy_losses"].append(loss.detach())
        policy_schedule.step()

        predicted = response_values(value, episodes)
        near = values + (predicted - values).clamp(
            -SETTINGS["value_clip_range"], SETTINGS["value_clip_range"]
        )
        free, limited = (predicted - returns) ** 2, (near - returns) ** 2
        clipped["value_clipped"] += int((limited > free).sum())
        loss = 0.5 * torch.max(free, limited).mean()
        figures["value_norms"].append(step(value, value_optimizer, loss))
        figures["value_losses"].append(loss.detach())
        value_schedule.step()
    return {name: torch.stack(list_) for name, list_ in figures.items()}, clipped


def whole(policy, value, episodes, old, reference, values, scores):
    """Everything the fixture states, in the precision of the models, which it trains."""
    lengths = [len(response) for _, response in episodes]
    kl, rewards, advantages, returns = derive(
        lengths, old.tolist(), reference.tolist(), values.tolist(), scores.tolist()
    )
    kind = next(policy.parameters()).dtype
    figures, clipped = update(
        policy, value, episodes, old.to(kind), values.to(kind), advantages.to(kind),
        returns.to(kind),
    )
    stated = dict(kl=kl, rewards=rewards, advantages=advantages, returns=returns) | figures
    for prefix, model in (("policy/", policy), ("value/", value)):
        stated |= {prefix + name: p.detach() for name, p in model.named_parameters()}
    return stated, clipped


def main():
    parser = argparse.ArgumentParser(description="Writes the fixture of one PPO update.")
    parser.add_argument("--out", type=Path, default=FIXTURES, help="where the directory goes")
    directory = parser.parse_args().out / "ppo-update"
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    generator = torch.Generator().manual_seed(6)
    policy = make_model(
        Case("policy", transformers.LlamaForCausalLM, llama_config(**SMALL), ("", ""), 6), generator)
    value = make_model(
        Case("value", transformers.LlamaForSequenceClassification,
             llama_config(**SMALL, num_labels=1), ("", ""), 6), generator)
    episodes = [(draw(prompt, generator), draw(response, generator)) for prompt, response in LENGTHS]
    count = sum(response for _, response in LENGTHS)
    noise = lambda scale: scale * torch.randn(count, generator=generator)
    # Near enough to the models' outputs that some tokens are clipped and others are not.
    with torch.no_grad():
        tokens = torch.cat([response for _, response in episodes])
        own = response_logits(policy, episodes, SETTINGS["temperature"]).log_softmax(-1)
        old = own.gather(1, tokens[:, None])[:, 0] + noise(0.2)
        reference = old + noise(0.5)
        values = response_values(value, episodes) + noise(0.2)
    scores = torch.tensor(SCORES)

    if directory.exists():
        shutil.rmtree(directory)
    policy.save_pretrained(directory / "policy")
    value.save_pretrained(directory / "value")
    inputs = [tensor.double() for tensor in (old, reference, values, scores)]
    exact, clipped = whole(
        copy.deepcopy(policy).double(), copy.deepcopy(value).double(), episodes, *inputs)
    single, _ = whole(copy.deepcopy(policy), copy.deepcopy(value), episodes, *inputs)

    expected = {name: tensor.to(torch.float32).contiguous() for name, tensor in exact.items()}
    expected |= dict(old=old, reference=reference, old_values=values, scores=scores)
    for name, part in (("prompt", 0), ("response", 1)):
        sequences = [episode[part] for episode in episodes]
        offsets = torch.tensor([0] + [len(tokens) for tokens in sequences]).cumsum(0)
        expected |= integers(f"{name}/tokens", torch.cat(sequences))
        expected |= integers(f"{name}/offsets", offsets)
    for name, number in (SETTINGS | clipped).items():
        expected["setting/" + name] = torch.tensor([number], dtype=torch.float32)
    safetensors.torch.save_file(expected, directory / "expected.safetensors")

    print({name: [round(v, 4) for v in exact[name].tolist()] for name in exact if "_" in name
           and "/" not in name}, clipped)
    worst = max((single[n].double() - exact[n]).abs().max().item() for n in exact if "/" in n)
    print(f"new weights, float32 against float64: {worst:.0e}")


if __name__ == "__main__":
    main()
