#!/usr/bin/env python3
"""Optimizes one policy here and one with TRL's `PPOTrainer`, and compares the two.

    compare_trl_ppo.py [--seeds 1-3] [--iterations 100] [--rate 1e-3] [--out runs/trl-ppo]

From the same SFT policy, reward model, prompts and number of episodes, with the settings of
`ppo.preset: trl`: T 0.7, β 0.05, 4 epochs of one step on all episodes of an iteration, AdamW with
ε 1e-8, a linear schedule, no gradient clipping, minus 1 for a response without EOS, and a value
model that begins as the reward model with a head of zeros and learns at the policy's rate.

TRL samples, scores, pads, whitens and steps by its own code. It is given the reward model divided
by its standard deviation, because it has no normalisation. Three differences remain: its scheduler
moves once per iteration, ours once per step; it puts the score one token after EOS; and it scores a
response that was cut off without adding EOS.

Both final policies are measured by `rlhf-sim evaluate` on the same prompts, other than those of
training, and the same seed, by score − β·KL, with the exact KL from the SFT policy at T. Ours must
reach 0.95 of the improvement that TRL reaches, on the mean over the seeds.

Prints a table and exits with 1 when the limit is missed. Needs a release build, torch,
transformers, datasets and trl; used with the versions that make_parity_fixtures.py names and trl
1.10. Some three minutes per seed on a quiet machine.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"

import datasets  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from trl.experimental.ppo import PPOConfig, PPOTrainer  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 0.95
PROMPTS, EPISODES, EPOCHS, RESPONSE_LENGTH = 4096, 128, 4, 14
BETA, TEMPERATURE, EPSILON, NO_CLIP = 0.05, 0.7, 1e-8, 1e9

# What `ppo.preset=trl` leaves to the scenario.
SETTINGS = {
    "ppo.preset": "trl", "ppo.episodes": EPISODES, "ppo.maximum_tokens": RESPONSE_LENGTH,
    "ppo.policy.clip_norm": NO_CLIP, "ppo.value.clip_norm": NO_CLIP,
}


def rlhf_sim(arguments, *words, **settings):
    command = [arguments.program, *words, "--threads", arguments.threads]
    for key, value in {**SETTINGS, **settings}.items():
        command += ["--set", f"{key}={value}"]
    result = subprocess.run([str(part) for part in command], check=True, capture_output=True,
                            text=True)
    return result.stdout


def write_prompts(arguments, seed):
    """Prompts of the scenario's world, one per line."""
    rows = rlhf_sim(arguments, "annotate", "--policy", arguments.base, "--count", PROMPTS,
                    "--seed", seed, "--quiet")
    prompts = [json.loads(line)["prompt"] for line in rows.splitlines()]
    file = arguments.out / f"prompts-{seed}.txt"
    file.write_text("\n".join(prompts) + "\n")
    return file, prompts


def train_here(arguments, prompts, seed):
    out = arguments.out / f"here-{seed}"
    rlhf_sim(arguments, "ppo", "--policy", arguments.base, "--reward", arguments.reward,
             "--prompts", prompts, "--seed", seed, "--out", out, "--force", "--quiet", "--json",
             **{"ppo.iterations": arguments.iterations, "ppo.policy.learning_rate": arguments.rate,
                "ppo.value.learning_rate": arguments.rate})
    return out / "ppo/policy"


def train_trl(arguments, prompts, seed):
    tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.base)
    tokenizer.padding_side = "left"
    policy = transformers.AutoModelForCausalLM.from_pretrained(arguments.base, dtype=torch.float32)
    load = transformers.AutoModelForSequenceClassification.from_pretrained
    reward = load(arguments.reward, dtype=torch.float32)
    value = load(arguments.reward, dtype=torch.float32)
    normalization = json.loads((arguments.reward / "config.json").read_text())
    with torch.no_grad():
        reward.score.weight /= normalization["reward_normalization"]["std"]
        value.score.weight.zero_()
    rows = datasets.Dataset.from_list(
        [{"input_ids": tokenizer(prompt)["input_ids"]} for prompt in prompts])
    configuration = PPOConfig(
        output_dir=str(arguments.out / "trl"), use_cpu=True, bf16=False,
        gradient_checkpointing=False, save_strategy="no", report_to="none", disable_tqdm=True,
        logging_strategy="no", num_sample_generations=0, seed=seed,
        total_episodes=arguments.iterations * EPISODES, per_device_train_batch_size=EPISODES,
        gradient_accumulation_steps=1, num_mini_batches=1, num_ppo_epochs=EPOCHS,
        per_device_eval_batch_size=EPISODES, local_rollout_forward_batch_size=EPISODES,
        learning_rate=arguments.rate, lr_scheduler_type="linear", warmup_steps=0,
        weight_decay=0.0, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=EPSILON,
        response_length=RESPONSE_LENGTH, stop_token="eos", temperature=TEMPERATURE,
        missing_eos_penalty=1.0, kl_coef=BETA, kl_estimator="k1", whiten_rewards=False,
        cliprange=0.2, cliprange_value=0.2, vf_coef=0.1, gamma=1.0, lam=0.95)
    trainer = PPOTrainer(
        args=configuration, processing_class=tokenizer, model=policy, ref_model=None,
        reward_model=reward, value_model=value, train_dataset=rows,
        eval_dataset=rows.select(range(EPISODES)))
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    out = arguments.out / f"trl-{seed}"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(arguments.base, out)
    trainer.model.policy.save_pretrained(out)
    return out


def objective(arguments, policy, seed):
    """score − β·KL of a policy, its gold reward and its KL."""
    figures = json.loads(rlhf_sim(
        arguments, "evaluate", "--policy", policy, "--reference", arguments.base, "--reward",
        arguments.reward, "--seed", 1000 + seed, "--quiet", "--json",
        **{"evaluation.responses": 4096}))
    judged = figures["ppo"]
    score, kl = judged["score"]["mean"], judged["kl_exact"]["mean"]
    return score - BETA * kl, score, kl, judged["gold"]["mean"]


def main():
    parser = argparse.ArgumentParser(description="Compares optimized policies with those of TRL.")
    parser.add_argument("--base", type=Path, default=ROOT / "checkpoints/sentiment/sft")
    parser.add_argument("--reward", type=Path, default=ROOT / "checkpoints/sentiment/reward")
    parser.add_argument("--seeds", default="1-3", help="such as 1-3")
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "runs/trl-ppo")
    parser.add_argument("--program", type=Path, default=ROOT / ".build/release/rlhf-sim")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    datasets.disable_progress_bars()
    transformers.logging.disable_progress_bar()

    print("| seed | before | rlhf-sim | TRL | share of TRL's improvement | score here, TRL "
          "| KL here, TRL | gold here, TRL |\n|---|---|---|---|---|---|---|---|", flush=True)
    improvements = []
    for seed in seeds:
        file, prompts = write_prompts(arguments, seed)
        before = objective(arguments, arguments.base, seed)
        ours = objective(arguments, train_here(arguments, file, seed), seed)
        theirs = objective(arguments, train_trl(arguments, prompts, seed), seed)
        improvements.append((ours[0] - before[0], theirs[0] - before[0]))
        pairs = [f"{our:.3f}, {their:.3f}" for our, their in zip(ours[1:], theirs[1:])]
        print(f"| {seed} | {before[0]:.3f} | {ours[0]:.3f} | {theirs[0]:.3f} "
              f"| {improvements[-1][0] / improvements[-1][1]:.3f} | " + " | ".join(pairs) + " |",
              flush=True)
    here, there = (statistics.mean(column) for column in zip(*improvements))
    print(f"\nmean improvement {here:.3f} here and {there:.3f} with TRL: {here / there:.3f} of it, "
          f"limit {LIMIT}")
    return 0 if there > 0 and here >= LIMIT * there else 1


if __name__ == "__main__":
    sys.exit(main())
