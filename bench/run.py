"""Speed, side by side in one run: our training step against a plain Hugging Face loop, our generators against per-sample Python.

Prints one table and writes bench/latest.json. Every figure is a ratio of medians of interleaved timings, since machines differ and are noisy.
"""

import json
import platform
import random
import time
from pathlib import Path

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel, get_cosine_schedule_with_warmup

from procmod_lib import model
from procmod_lib.model import Architecture
from procmod_lib.randomness import stream
from procmod_lib.tasks import make_task
from procmod_lib.training import Budget, State, train

TASKS = {"haystack": 1000, "addition": 1000, "reversed_addition": 1000, "sorting": 1000, "dyck": 64}
REPEATS, STEPS = 5, 4


def haystack_sample(rng):
    n = rng.randint(1, 30)
    keys = rng.sample(range(128, 158), n)
    values = [rng.randint(1, 127) for _ in keys]
    i = rng.randrange(n)
    row = [t for pair in zip(keys, values) for t in pair] + [keys[i] + 30, values[i]]
    return row + [0] * (63 - len(row)), [2 * n]


def addition_sample(rng, digits=5, order=1):
    a, b = (rng.randint(10 ** (digits - 1), 10**digits - 1) for _ in range(2))
    x, y, z = (str(v)[::order] for v in (a, b, a + b))
    row = [int(c) for c in x] + [10] + [int(c) for c in y] + [11] + [20 + int(c) for c in z] + [30]
    row += [12] * (3 * digits + 4 - len(row))
    return row, [p for p in range(len(row) - 1) if row[p] >= 20]


def sorting_sample(rng):
    values = [rng.randint(1, 99) for _ in range(16)]
    return values + [0] + sorted(values), list(range(16, 32))


def dyck_sample(rng, k=16, length=128):
    row, stack = [], []
    for t in range(length):
        if not stack or (len(stack) < length - t and rng.random() < 0.5):
            stack.append(rng.randrange(k))
            row.append(stack[-1])
        else:
            row.append(k + stack.pop())
    return row, list(range(length - 1))


SAMPLES = {
    "haystack": haystack_sample, "addition": addition_sample, "reversed_addition": lambda rng: addition_sample(rng, 10, -1),
    "sorting": sorting_sample, "dyck": dyck_sample,
}  # fmt: skip


def plain_loop(name: str, arch: Architecture, batch: int):
    """The usual way: GPT2LMHeadModel, full-length logits, a Python loop for the samples, torch.optim.AdamW. Returns a step function."""
    config = GPT2Config(vocab_size=arch.vocab, n_positions=arch.positions, n_embd=arch.width, n_layer=arch.layers, n_head=arch.heads,
                        resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, tie_word_embeddings=False, bos_token_id=0, eos_token_id=0)  # fmt: skip
    network, rng = GPT2LMHeadModel(config), random.Random(0)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-3)
    schedule = get_cosine_schedule_with_warmup(optimiser, 500, 10_000)

    def step():
        rows, scored = zip(*(SAMPLES[name](rng) for _ in range(batch)))
        tokens = torch.tensor(rows)
        labels = torch.full_like(tokens, -100)
        for r, positions in enumerate(scored):
            labels[r, [p + 1 for p in positions]] = tokens[r, [p + 1 for p in positions]]
        optimiser.zero_grad()
        network(tokens, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()

    return step


def our_loop(name: str, arch: Architecture, batch: int, task):
    """Our loop as it trains, data included; evaluation is left out of both. Returns a function that takes STEPS steps."""
    budget = Budget(steps=10**6, batch=batch, evaluate_every=10**6, test_samples=1)
    state = State.start(model.fresh(arch, "bench")[None], "cpu", task)
    state.curves[0].append({"step": 0})

    def steps():
        goal = state.step + STEPS

        def stop():
            return state.step >= goal

        try:
            train(task, arch, budget, [0], state, should_stop=stop)
        except Exception as error:
            if type(error).__name__ != "Interrupted":
                raise

    return steps


def timed(function) -> float:
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def step_ratios() -> dict:
    print(f"{'training step':20}{'batch':>7}{'Hugging Face':>16}{'ours':>12}{'ratio':>9}")
    ratios = {}
    for name, batch in TASKS.items():
        task = make_task(name)
        arch = Architecture(task.vocab, max(100, task.length))
        theirs, ours = plain_loop(name, arch, batch), our_loop(name, arch, batch, task)
        theirs(), ours()
        pairs = [(timed(theirs), timed(ours) / STEPS) for _ in range(REPEATS)]
        a, b = np.median(pairs, 0)
        ratios[name] = round(float(np.median([x / y for x, y in pairs])), 2)
        print(f"{name:20}{batch:>7}{1e3 * a:>13.1f} ms{1e3 * b:>9.1f} ms{ratios[name]:>8.1f}x", flush=True)
    return ratios


def generator_ratios() -> dict:
    print(f"\n{'samples a second':20}{'per-sample Python':>20}{'ours':>14}{'ratio':>9}")
    ratios = {}
    for name, n in TASKS.items():
        task, rng = make_task(name), random.Random(0)
        pairs = []
        for i in range(REPEATS):
            slow = n / timed(lambda n=n, name=name, rng=rng: [SAMPLES[name](rng) for _ in range(n)])
            fast = n / timed(lambda i=i, n=n, task=task: task.sample(n, stream("bench", i)))
            pairs.append((slow, fast))
        a, b = np.median(pairs, 0)
        ratios[name] = round(float(np.median([y / x for x, y in pairs])), 2)
        print(f"{name:20}{a:>20,.0f}{b:>14,.0f}{ratios[name]:>8.1f}x", flush=True)
    return ratios


def growth() -> dict:
    """Milliseconds a step as one thing grows: batch, list length, width."""
    print("\nour step as it grows (ms)")
    found = {}
    for what, cases in {"batch": [250, 500, 1000, 2000], "pairs": [8, 15, 30, 60], "width": [16, 32, 64]}.items():
        row = {}
        for case in cases:
            pairs = case if what == "pairs" else 30
            task = make_task("haystack", pairs=pairs, vocab_size=256 if pairs <= 30 else 512)
            arch = Architecture(task.vocab, max(100, task.length), width=case if what == "width" else 16)
            ours = our_loop("haystack", arch, case if what == "batch" else 1000, task)
            ours()
            row[case] = round(1e3 * float(np.median([timed(ours) / STEPS for _ in range(3)])), 2)
        found[what] = row
        print(f"  {what:8}" + "".join(f"{k:>8}: {v:<8.1f}" for k, v in row.items()), flush=True)
    return found


def machine() -> dict:
    """The machine's own ceiling: a large matrix product and a memory copy."""
    a = torch.randn(2048, 2048)
    a @ a
    product = 2 * 2048**3 / min(timed(lambda: a @ a) for _ in range(5)) / 1e9
    block = torch.randn(64 * 2**20)
    block.clone()
    copy = 2 * block.nbytes / min(timed(block.clone) for _ in range(5)) / 1e9
    print(f"\nmatrix product {product:.0f} GFLOP/s, memory {copy:.1f} GB/s, {torch.get_num_threads()} threads, {platform.machine()}")
    return {"matrix_gflops": round(product, 1), "memory_gbs": round(copy, 1)}


def main() -> None:
    result = {"step_ratio": step_ratios(), "generator_ratio": generator_ratios(), "growth_ms": growth(), "machine": machine()}
    Path(__file__).with_name("latest.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
