"""The recipe without this library: GPT2LMHeadModel, torch.optim.AdamW, a plain loop.

``python bench/plain.py`` trains three seeds with the lines that the chapter "A head written by
hand" prints, and three without them, on HAYSTACK with 10 pairs, and writes what they end with to
book/plain.json. About ten minutes on two cores. Only the samples are the library's.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel, get_cosine_schedule_with_warmup

from procmod_lib.runs.provenance import provenance
from procmod_lib.tasks import make_task

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "book" / "plain.json"
PAIRS, STEPS, BATCH, RATE, WARMUP = 10, 2000, 256, 3e-3, 50


def recipe() -> str:
    """The lines of the chapter that make one head loud, as a reader would paste them."""
    text = (ROOT / "notebooks" / "text" / "by_hand.md").read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", text, re.S)
    return lines


def tensors(batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (input_ids, labels) (n, T); labels are -100 where nothing is scored."""
    tokens = torch.from_numpy(batch.tokens.astype(np.int64))
    labels = torch.full_like(tokens, -100)
    row, answer = torch.arange(len(tokens)), torch.from_numpy(batch.positions[:, 0] + 1)
    labels[row, answer] = tokens[row, answer]
    return tokens, labels


def train(seed: int, lines: str, steps: int = STEPS) -> float:
    """Train one model; return its accuracy on 2,000 new samples.

    Args:
        seed: of weights and samples.
        lines: run behind ``GPT2LMHeadModel(config)``; empty leaves the model as it is.
        steps: how many.
    """
    task = make_task("haystack", pairs=PAIRS)
    torch.manual_seed(seed)
    dropout = dict(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    config = GPT2Config(
        vocab_size=task.vocab,
        n_positions=100,
        n_embd=16,
        n_layer=2,
        n_head=4,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=0,
        **dropout,
    )
    model = GPT2LMHeadModel(config)
    exec(lines, {"model": model, "config": config, "torch": torch})
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=1e-3)
    schedule = get_cosine_schedule_with_warmup(optimiser, WARMUP, steps)
    for step in range(steps):
        tokens, labels = tensors(task.batch(BATCH, "train", seed, step))
        optimiser.zero_grad()
        model(tokens, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    tokens, labels = tensors(task.batch(2000, "test", 0))
    with torch.no_grad():
        guesses = model(tokens).logits[:, :-1].argmax(-1)
    scored = labels[:, 1:] >= 0
    return float((guesses == labels[:, 1:])[scored].float().mean())


def main() -> None:
    """Train both arms and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    facts = provenance("cpu")  # now, before anybody edits the code
    arms: dict[str, list[float]] = {"without": [], "with": []}
    for seed in seeds:
        for name, lines in (("without", ""), ("with", recipe())):
            arms[name].append(train(seed, lines))
            print(f"seed {seed}, {name} the lines: {100 * arms[name][-1]:.1f} %", flush=True)
    settings = {"pairs": PAIRS, "steps": STEPS, "batch": BATCH, "rate": RATE}
    result = {"accuracy": arms, "settings": settings, "provenance": facts}
    TARGET.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
