"""Training steps to set side by side, each a function that takes one step, or several."""

import contextlib
import random
import time
from collections.abc import Callable

import numpy as np
import torch
from samples import SAMPLES
from transformers import GPT2LMHeadModel, get_cosine_schedule_with_warmup

from procmod_lib.network import gpt2
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.network.huggingface import config_of
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.training import Interrupted, State, train
from procmod_lib.tasks import Task

STEPS = 20  # ours takes so many at a time, as it trains: working space is made once a call
BUCKETS = 4  # of the expert's PyTorch loop


def timed(function: Callable) -> float:
    """Seconds that a call takes."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def plain_loop(name: str, arch: Architecture, batch: int) -> Callable:
    """The usual way: GPT2LMHeadModel, full-length logits, a Python loop for the samples,
    torch.optim.AdamW.
    """
    network, rng = GPT2LMHeadModel(config_of(arch)), random.Random(0)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-3)
    schedule = get_cosine_schedule_with_warmup(optimiser, 500, 10_000)

    def step() -> None:
        rows, scored = zip(*(SAMPLES[name](rng) for _ in range(batch)), strict=True)
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


def expert_loop(task: Task, arch: Architecture, batch: int) -> Callable:
    """PyTorch by somebody who knows it: rows in buckets of like length, the body compiled, logits
    of scored outputs alone, a fused optimiser. The samples are this library's.
    """
    torch.compiler.reset()  # each task compiles anew; a limit would end in plain PyTorch
    network = GPT2LMHeadModel(config_of(arch))
    body = torch.compile(network.transformer, dynamic=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-3, fused=True)
    schedule = get_cosine_schedule_with_warmup(optimiser, 500, 10_000)
    taken = 0

    def step() -> None:
        nonlocal taken
        taken += 1
        data = task.batch(batch, "train", 0, taken).trained_on("reference")
        mask, order = data.loss_mask, np.argsort(data.lengths, kind="stable")
        count = int(mask.sum())
        optimiser.zero_grad()
        for rows in np.array_split(order, BUCKETS):
            longest = -(-int(data.lengths[rows].max()) // 8) * 8
            tokens = torch.from_numpy(data.tokens[rows, :longest].astype(np.int64))
            hidden = body(tokens).last_hidden_state  # (b, T, D)
            row, column = np.nonzero(mask[rows])
            where = torch.from_numpy(data.positions[rows][row, column].astype(np.int64))
            targets = torch.from_numpy(data.targets[rows][row, column].astype(np.int64))
            logits = network.lm_head(hidden[torch.from_numpy(row), where])
            loss = torch.nn.functional.cross_entropy(logits, targets, reduction="sum") / count
            loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()

    return step


def our_loop(task: Task, arch: Architecture, batch: int) -> Callable:
    """Our loop as it trains, data included; evaluation is left out of all. Takes STEPS steps."""
    budget = Budget(steps=10**6, batch=batch, evaluate_every=10**6, test_samples=1)
    state = State.start(gpt2.fresh(arch, "bench")[None], "cpu", task)
    state.curves[0].append({"step": 0})
    threads = torch.get_num_threads()

    def steps() -> None:
        goal = state.step + STEPS

        def stop() -> bool:
            return state.step >= goal

        with contextlib.suppress(Interrupted):
            train(task, arch, budget, [0], state, threads=threads, should_stop=stop)

    return steps
