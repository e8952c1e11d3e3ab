"""A run and its key; fleets of runs; one loop that pretrains and fine-tunes a fleet of S models that share task, architecture and budget."""

import hashlib
import json
import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property

import numpy as np
import torch

from procmod_lib.initial.condition import Condition
from procmod_lib.network import gpt2 as model
from procmod_lib.network.engines import make_engine
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.tasks import Batch, Task

SCHEMA = 1  # raise it when the meaning of a result changes; older results are then never mixed with new ones


@dataclass(frozen=True)
class Budget:
    """How long and how to train; the defaults are the paper's fine-tuning protocol.

    Attributes:
        steps, batch: optimiser steps and samples a step. lr: peak learning rate. warmup: steps of linear warm-up. schedule:
            ``"cosine"`` to final_lr times the peak, or ``"constant"``. weight_decay: not on biases and norms. clip: gradient norm.
            dropout: rate. evaluate_every: steps between evaluations on ``test_samples`` fixed samples.
        patience: stop when this many evaluations in a row are at the ceiling (token accuracy 0.999 or more); 0 never stops.
    """

    steps: int = 10_000
    batch: int = 1000
    lr: float = 1e-3
    warmup: int = 500
    schedule: str = "cosine"
    final_lr: float = 0.0
    weight_decay: float = 1e-3
    clip: float = 1.0
    dropout: float = 0.0
    evaluate_every: int = 250
    test_samples: int = 4000
    patience: int = 0

    def __post_init__(self) -> None:
        for names, right, allowed in (
            (("steps", "batch", "evaluate_every", "test_samples"), lambda v: type(v) is int and v >= 1, "a whole number above 0"),
            (("lr", "clip"), lambda v: v > 0, "above 0"), (("warmup", "weight_decay", "final_lr", "patience"), lambda v: v >= 0, "0 or more"),
            (("schedule",), lambda v: v in ("cosine", "constant"), "'cosine' or 'constant'"), (("dropout",), lambda v: 0 <= v < 1, "at least 0 and below 1"),
        ):  # fmt: skip
            for name in names:
                if not right(getattr(self, name)):
                    raise ValueError(f"budget: {name} must be {allowed}, got {getattr(self, name)!r}.")

    def rate(self, step: int) -> float:
        """Learning rate of the step (from 0) about to be taken.

        >>> [round(Budget(steps=4, warmup=2, lr=1.0).rate(s), 2) for s in range(4)]
        [0.5, 1.0, 1.0, 0.5]
        """
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        if self.schedule == "constant":
            return self.lr
        part = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.lr * (self.final_lr + (1 - self.final_lr) * 0.5 * (1 + math.cos(math.pi * part)))


@dataclass(frozen=True)
class Run:
    """All that determines one training run and its result.

    Attributes:
        task, arch, budget: what is learnt, by what shape, for how long. seed: names data, initialisation and perturbation.
        condition: the initial condition. donors: (source name, the Run that pretrained it) for each source of the condition.
        answer_mask: which outputs training looks at. preset: a label for the reader, not part of the key.
    """

    task: Task
    arch: Architecture
    budget: Budget
    seed: int
    condition: Condition = Condition()
    donors: tuple[tuple[str, "Run"], ...] = ()
    answer_mask: str = "reference"
    preset: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ValueError(f"seed must be a whole number, 0 or more, got {self.seed!r}.")
        if self.answer_mask not in ("reference", "full"):
            raise ValueError(f"answer_mask must be 'reference' or 'full', got {self.answer_mask!r}.")
        self.condition.check(self.arch)
        if set(dict(self.donors)) != set(self.condition.sources):
            raise ValueError(f"donors must be of {self.condition.sources}, got {tuple(dict(self.donors))}.")

    def spec(self) -> dict:
        """Everything the result depends on, as plain JSON values."""
        return {
            "schema": SCHEMA, "task": self.task.spec(), "architecture": asdict(self.arch), "budget": asdict(self.budget),
            "seed": self.seed, "initial_condition": str(self.condition), "answer_mask": self.answer_mask,
            "donors": {name: run.key for name, run in self.donors},
        }  # fmt: skip

    @cached_property
    def key(self) -> str:
        """16 hexadecimal digits of the hash of :meth:`spec`."""
        return hashlib.sha256(json.dumps(self.spec(), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def label(self) -> str:
        return f"{self.task.name} · {self.condition} · seed {self.seed}"


def fleet_key(fleet: list[Run]) -> str:
    """The name of a fleet's checkpoint: a run's own key, or a hash of its members' keys."""
    return fleet[0].key if len(fleet) == 1 else hashlib.sha256("".join(r.key for r in fleet).encode()).hexdigest()[:16]


def split(runs: list[Run], device: str, most: int | None = None) -> list[list[Run]]:
    """Group runs that can train in lock step into fleets.

    On a CPU a fleet is one run, since each core trains one at a time. On a GPU its size comes from free memory: a step keeps about
    40 numbers of 4 bytes for each sample, position, width and layer, and attention's own squares.
    """
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        groups.setdefault((run.task, run.arch, run.budget, run.answer_mask), []).append(run)
    fleets = []
    for group in groups.values():
        size = most or (1 if device == "cpu" else max(1, int(0.7 * torch.cuda.mem_get_info()[0] // bytes_a_member(group[0]))))
        group.sort(key=lambda r: r.seed)  # neighbours share batches
        fleets += [group[i : i + size] for i in range(0, len(group), size)]
    return fleets


def bytes_a_member(run: Run) -> int:
    """Memory that one more model of a fleet takes on a GPU while it trains, in bytes (an estimate from above)."""
    a, t = run.arch, run.task.length
    return 4 * (run.budget.batch * t * a.layers * (40 * a.width + 3 * a.heads * t) + 3 * run.budget.batch * a.vocab * 8 + 5 * a.size)


@dataclass
class State:
    """Everything that a killed run needs to go on: weights and both moments (S, P), and where it stands."""

    weights: torch.Tensor
    mean: torch.Tensor
    square: torch.Tensor
    step: int = 0
    length: int = 0  # list length of a curriculum, else 0
    curves: list = field(default_factory=list)  # one list of evaluations a model

    @classmethod
    def start(cls, weights: np.ndarray, device: str, task: Task) -> "State":
        w = torch.from_numpy(np.ascontiguousarray(weights, np.float32)).to(device)
        length = 2 if getattr(task, "lengths", "") == "curriculum" else 0
        return cls(w, torch.zeros_like(w), torch.zeros_like(w), 0, length, [[] for _ in w])

    def to_tensors(self) -> tuple[dict, dict]:
        """Return (tensors, metadata) for safetensors."""
        tensors = {n: getattr(self, n).cpu().contiguous().numpy() for n in ("weights", "mean", "square")}
        return tensors, {"state": json.dumps({"step": self.step, "length": self.length, "curves": self.curves})}

    @classmethod
    def from_tensors(cls, tensors: dict, metadata: dict, device: str) -> "State":
        return cls(*(torch.from_numpy(np.array(tensors[n])).to(device) for n in ("weights", "mean", "square")), **json.loads(metadata["state"]))


class Interrupted(Exception):
    """Training was asked to stop before its last step; its state was saved."""


@contextmanager
def flushed():
    """Within, this thread counts numbers below 1e-38 as zero: sharp attention makes many, and a CPU takes a hundred times longer for each."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@flushed()
def train(task: Task, arch: Architecture, budget: Budget, seeds, state: State, frozen=None, *, answer_mask="reference",
          device="cpu", engine="auto", threads=None, on_step=None, should_stop=None):  # fmt: skip
    """Train a fleet from ``state`` to the end of its budget, in place.

    Args:
        task: what to learn. arch, budget: shape and schedule. seeds: (S,) data seed of each model; models with equal seeds see
            equal batches. frozen: (S, P) bool, parameters that stay. answer_mask: ``"reference"`` or ``"full"``.
        device, engine: ``"auto"`` takes the compiled kernel on a CPU where it applies and PyTorch elsewhere. threads: of the kernel.
        on_step: called with the state after every step. should_stop: called before every step; True raises Interrupted.

    Returns:
        The state. Its curves hold, for each model, a dict an evaluation: step, token_accuracy, exact_match, loss.
    """
    compute = make_engine(engine, arch, budget.dropout, device, threads)
    decay = torch.zeros(arch.size, device=device)
    for name, columns in arch.slices.items():
        decay[columns] = float(model.decays(name))
    free = None if frozen is None or not np.any(frozen) else torch.from_numpy(~np.asarray(frozen)).to(device)
    test = task.batch(budget.test_samples, "test", 0)  # the same samples for every seed
    if not state.curves[0]:
        _evaluate(compute, task, state, test)
    ceiling = _at_ceiling(state, budget)
    upcoming = ahead(lambda length, step: _draw(task, budget, seeds, answer_mask, length, step), device)
    while state.step < budget.steps and not ceiling:
        if should_stop is not None and should_stop():
            raise Interrupted
        batches = upcoming(state.length, state.step)
        gradient = compute.gradient(state.weights, [batches[s] for s in seeds], budget.dropout, (task.name, *seeds, state.step))
        if free is not None:
            gradient *= free
        adamw(state, gradient, budget, decay, free)
        state.step += 1
        if state.step % budget.evaluate_every == 0 or state.step == budget.steps:
            _evaluate(compute, task, state, test)
            _lengthen(compute, task, state, budget)
            ceiling = _at_ceiling(state, budget)
        if on_step is not None:
            on_step(state)
    return state


def _draw(task: Task, budget: Budget, seeds, answer_mask: str, length: int, step: int) -> dict[int, Batch]:
    """One batch for each different seed, shared by all models that have it."""
    current, path = (task.with_(list_length=length), (length, step)) if length else (task, (step,))
    return {s: current.batch(budget.batch, "train", s, *path).trained_on(answer_mask) for s in sorted(set(seeds))}


def ahead(draw, device: str):
    """Return ``draw``; on a GPU so that the next step's batches are drawn while the device is busy with this one's."""
    if device == "cpu":
        return draw
    pool, waiting = ThreadPoolExecutor(1), {}

    def upcoming(length: int, step: int) -> dict[int, Batch]:
        future = waiting.pop((length, step), None) or pool.submit(draw, length, step)
        waiting.clear()
        waiting[length, step + 1] = pool.submit(draw, length, step + 1)
        return future.result()

    return upcoming


def adamw(state: State, gradient: torch.Tensor, budget: Budget, decay: torch.Tensor, free=None) -> None:
    """One AdamW step with clipping by each model's own gradient norm, in place; equals torch.optim.AdamW."""
    lr, b1, b2 = budget.rate(state.step), 0.9, 0.999
    norms = gradient.norm(dim=1, keepdim=True)
    gradient *= (budget.clip / (norms + 1e-6)).clamp(max=1.0)
    shrink = 1 - lr * budget.weight_decay * decay
    state.weights *= shrink if free is None else torch.where(free, shrink, 1.0)
    state.mean.lerp_(gradient, 1 - b1)
    state.square.mul_(b2).addcmul_(gradient, gradient, value=1 - b2)
    t = state.step + 1
    # no sqrt: MKL's, when two threads at once are the first to call it, may be wrong by 1e-4 (pytorch issue 188792)
    spread = (state.square.rsqrt() * math.sqrt(1 - b2**t)).reciprocal_().add_(1e-8)
    state.weights.addcdiv_(state.mean, spread, value=-lr / (1 - b1**t))


def _evaluate(compute, task: Task, state: State, test: Batch) -> None:
    loss, hit = compute.scores(state.weights, test)  # (S, n, W) each
    for s, curve in enumerate(state.curves):
        right = hit[s] * test.reference
        exact = np.where(test.answer, hit[s] >= 1, True).all(1)
        curve.append({
            "step": state.step, "token_accuracy": float(right.sum() / test.reference.sum()),
            "exact_match": float(exact.mean()), "loss": float((loss[s] * test.reference).sum() / test.reference.sum()),
        })  # fmt: skip


def _lengthen(compute, task: Task, state: State, budget: Budget) -> None:
    """Curriculum: two more tokens whenever the validation accuracy at the present length reaches 0.99."""
    if not state.length or state.length >= task.list_length:
        return
    now = task.with_(list_length=state.length)
    batch = now.batch(min(1000, budget.test_samples), "validation", state.length)
    _, hit = compute.scores(state.weights, batch)
    if min((hit[s] * batch.reference).sum() / batch.reference.sum() for s in range(len(hit))) >= 0.99:
        state.length = min(state.length + 2, task.list_length)


def _at_ceiling(state: State, budget: Budget) -> bool:
    tail = [curve[-budget.patience :] for curve in state.curves]
    return budget.patience > 0 and all(len(t) == budget.patience and min(e["token_accuracy"] for e in t) >= 0.999 for t in tail)
