#!/usr/bin/env python3
"""Trains one reward model here and one with TRL's `RewardTrainer`, and compares the two.

    compare_trl_reward.py [--base checkpoints/sentiment/sft] [--seeds 1-3] [--epochs 4]
                          [--random-orders] [--own-head] [--out runs/trl]

From the same checkpoint, initial head, rows and hyper-parameters (those of the `sentiment` scenario,
but with label noise rate 0, because TRL has none):

  losses     with the rows in the order of the file, the first 20 step losses agree within 1e-3
  accuracy   with the rows of each seed in the order of the file, held-out accuracy after all
             steps agrees within 0.02 on every seed; with --random-orders each program shuffles for
             itself, which makes a difference of up to 0.05 while accuracy still depends on when
             learning began; with --own-head TRL is also run from its own head, N(0, 0.02²),
             for information

Prints a table and exits with 1 when a limit is exceeded. Needs a release build, and torch,
transformers, datasets and trl; used with the versions that make_parity_fixtures.py names and
trl 1.10. PyTorch gets one thread; about ten minutes per seed. With `--epochs 2` both are still
learning fast, and the order of the rows alone can make a difference above the limit.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import datasets  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
import trl  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
STEPS, LOSS_LIMIT, ACCURACY_LIMIT = 20, 1e-3, 0.02

# The `reward` part of scenarios/sentiment.yaml with every default that matters.
LEARNING_RATE, BATCH_SIZE, CENTERING, CLIP_NORM, EPSILON = 1e-3, 64, 0.001, 1.0, 1e-8


def train_here(arguments, out, *settings):
    """The run directory of `rlhf-sim train-reward`."""
    options = {
        "optimizer.learning_rate": LEARNING_RATE, "optimizer.epsilon": EPSILON,
        "optimizer.clip_norm": CLIP_NORM, "batch_size": BATCH_SIZE, "epochs": arguments.epochs,
        "centering": CENTERING, "slips": 0, "evaluations": 1,
    }
    command = [arguments.program, "train-reward", "--base", arguments.base, "--out", out, "--force",
               "--quiet", *settings]
    for key, value in options.items():
        if not any(str(setting).startswith(f"reward.{key}=") for setting in settings):
            command += ["--set", f"reward.{key}={value}"]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return out


def rows_and_head(arguments, seed):
    """A run with a learning rate of 0: its preferences, and in reward/ the head that training
    begins with."""
    return train_here(arguments, arguments.out / f"start-{seed}", "--seed", seed,
                      "--set", "reward.optimizer.learning_rate=0", "--set", "reward.epochs=1")


def read_rows(path):
    """Rows as TRL wants them: it joins prompt and response as they are, where tokens need a space
    between them, and it appends the end-of-sequence token itself."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return datasets.Dataset.from_list([
        {"prompt": row["prompt"], "chosen": " " + row["chosen"], "rejected": " " + row["rejected"]}
        for row in rows
    ])


class RecordingTrainer(trl.RewardTrainer):
    """TRL's trainer, unchanged but for this: it records the loss of each step unrounded, and can read
    the rows in their order, for which `TrainingArguments` has no switch."""

    in_order = False

    def __init__(self, *arguments, **named):
        self.losses = []
        super().__init__(*arguments, **named)

    def _get_train_sampler(self, dataset=None):
        if self.in_order:
            return torch.utils.data.SequentialSampler(self.train_dataset)
        return super()._get_train_sampler(dataset)

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        result = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        if model.training:
            self.losses.append((result[0] if return_outputs else result).item())
        return result


def train_trl(arguments, start, seed, in_order, steps=None, own_head=False):
    """The trainer after training from the model of `start`, and its held-out rows. With its own
    head, from the base policy."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(start / "reward")
    model = None
    if own_head:
        transformers.set_seed(seed)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            arguments.base, num_labels=1, dtype=torch.float32)
    else:
        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            start / "reward", dtype=torch.float32)
    configuration = trl.RewardConfig(
        output_dir=str(arguments.out / "trl"), use_cpu=True, bf16=False,
        gradient_checkpointing=False, save_strategy="no", report_to="none", disable_tqdm=True,
        logging_strategy="no", seed=seed, learning_rate=LEARNING_RATE, lr_scheduler_type="linear",
        warmup_steps=0, weight_decay=0.0, max_grad_norm=CLIP_NORM, adam_beta1=0.9,
        adam_beta2=0.999, adam_epsilon=EPSILON, per_device_train_batch_size=BATCH_SIZE,
        num_train_epochs=arguments.epochs, center_rewards_coefficient=CENTERING)
    trainer = RecordingTrainer(
        model=model, args=configuration, processing_class=tokenizer,
        train_dataset=read_rows(start / "preferences/train.jsonl"),
        eval_dataset=read_rows(start / "preferences/eval.jsonl"))
    trainer.in_order = in_order
    if steps:
        trainer.add_callback(StopAfter(steps))
    trainer.train()
    return trainer


class StopAfter(transformers.TrainerCallback):
    """Ends training early, with the schedule of the whole."""

    def __init__(self, steps):
        self.steps = steps

    def on_step_end(self, args, state, control, **named):
        if state.global_step >= self.steps:
            control.should_training_stop = True
        return control


def accuracy(trainer):
    """Share of TRL's held-out rows whose chosen response has the higher reward; ties count half."""
    model, right = trainer.model.eval(), 0.0
    loader = trainer.get_eval_dataloader()
    with torch.no_grad():
        for batch in loader:
            rewards = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
            chosen, rejected = torch.chunk(rewards.squeeze(-1), 2)
            right += ((chosen > rejected).double() + 0.5 * (chosen == rejected)).sum().item()
    return right / len(trainer.eval_dataset)


def compare_losses(arguments, start, seed):
    files = ["--preferences", start / "preferences/train.jsonl",
             "--eval", start / "preferences/eval.jsonl"]
    out = train_here(arguments, arguments.out / "ordered", "--seed", seed, *files,
                     "--set", "reward.shuffle=false")
    metrics = (out / "metrics/reward.jsonl").read_text().splitlines()
    ours = [json.loads(line)["reward/loss"] for line in metrics[:STEPS]]
    theirs = train_trl(arguments, start, seed, in_order=True, steps=STEPS).losses[:STEPS]
    print("| step | rlhf-sim | TRL | difference |\n|---|---|---|---|")
    for step, (our, their) in enumerate(zip(ours, theirs, strict=True), start=1):
        print(f"| {step} | {our:.6f} | {their:.6f} | {our - their:+.1e} |")
    return max(abs(our - their) for our, their in zip(ours, theirs))


def compare_accuracies(arguments, starts):
    names = ["rlhf-sim", "TRL", "difference"]
    if arguments.own_head:
        names.append("TRL from a head of its own")
    print("\n| seed | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 1), flush=True)
    table = []
    for seed, start in starts.items():
        files = ["--preferences", start / "preferences/train.jsonl",
                 "--eval", start / "preferences/eval.jsonl"]
        in_order = not arguments.random_orders
        out = train_here(arguments, arguments.out / f"accuracy-{seed}", "--seed", seed, *files,
                         "--set", f"reward.shuffle={'false' if in_order else 'true'}")
        summary = json.loads((out / "evaluation.json").read_text())
        ours = summary["reward"]["accuracy"]["value"]
        theirs = accuracy(train_trl(arguments, start, seed, in_order))
        row = [ours, theirs, ours - theirs]
        if arguments.own_head:
            row.append(accuracy(train_trl(arguments, start, seed, in_order, own_head=True)))
        table.append(row)
        print_row(seed, row)
    print_row("mean", [statistics.mean(column) for column in zip(*table)])
    return max(abs(row[2]) for row in table)


def print_row(name, row):
    ours, theirs, difference, *own = row
    cells = [f"{ours:.4f}", f"{theirs:.4f}", f"{difference:+.4f}", *(f"{each:.4f}" for each in own)]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Compares reward models with those of TRL.")
    parser.add_argument("--base", type=Path, default=ROOT / "checkpoints/sentiment/sft")
    parser.add_argument("--seeds", default="1-3", help="such as 1-3")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--random-orders", action="store_true", help="each shuffles for itself")
    parser.add_argument("--own-head", action="store_true", help="also TRL from its own head")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/trl")
    parser.add_argument("--program", type=Path, default=ROOT / ".build/release/rlhf-sim")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    torch.set_num_threads(1)
    datasets.disable_progress_bars()
    transformers.logging.disable_progress_bar()

    starts = {seed: rows_and_head(arguments, seed) for seed in seeds}
    worst_loss = compare_losses(arguments, starts[seeds[0]], seeds[0])
    worst_accuracy = compare_accuracies(arguments, starts)
    print(f"\nlargest difference of {STEPS} step losses {worst_loss:.1e}, limit {LOSS_LIMIT:.0e}")
    print(f"largest difference of held-out accuracy {worst_accuracy:.4f}, limit {ACCURACY_LIMIT}")
    return 1 if worst_loss > LOSS_LIMIT or worst_accuracy > ACCURACY_LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
