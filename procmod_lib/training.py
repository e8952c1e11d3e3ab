"""One loop for pretraining and fine-tuning a fleet of S models that share task, architecture and budget."""

import json
import math
import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import numpy as np
import torch

from . import model
from .model import Architecture
from .randomness import torch_seed
from .tasks import Batch, Task

CHUNKS = 4  # a batch is always cut into this many pieces, so sums do not depend on the number of threads


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
        for name in ("steps", "batch", "evaluate_every", "test_samples"):
            if isinstance(getattr(self, name), bool) or not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"budget: {name} must be a whole number above 0, got {getattr(self, name)!r}.")
        for name in ("lr", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"budget: {name} must be above 0, got {getattr(self, name)!r}.")
        for name in ("warmup", "weight_decay", "final_lr", "patience"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"budget: {name} must be 0 or more, got {getattr(self, name)!r}.")
        if self.schedule not in ("cosine", "constant"):
            raise ValueError(f"budget: schedule must be 'cosine' or 'constant', got {self.schedule!r}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"budget: dropout must be at least 0 and below 1, got {self.dropout!r}.")

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

    def spec(self) -> dict:
        return asdict(self)


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
        return cls(*(torch.from_numpy(np.array(tensors[n])).to(device) for n in ("weights", "mean", "square")),
                   **json.loads(metadata["state"]))  # fmt: skip


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
    upcoming = Ahead(lambda length, step: _draw(task, budget, seeds, answer_mask, length, step), device)
    while state.step < budget.steps and not ceiling:
        if should_stop is not None and should_stop():
            raise Interrupted
        batches = upcoming(state.length, state.step)
        gradient = compute.gradient(state.weights, [batches[s] for s in seeds], budget.dropout, state.step)
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


class Ahead:
    """Draws the next step's batches while the device is busy with this one's; on a CPU, where the cores are, it draws when asked."""

    def __init__(self, draw, device: str):
        self.draw, self.waiting = draw, {}
        self.pool = None if device == "cpu" else ThreadPoolExecutor(1)

    def __call__(self, length: int, step: int) -> dict[int, Batch]:
        if self.pool is None:
            return self.draw(length, step)
        future = self.waiting.pop((length, step), None) or self.pool.submit(self.draw, length, step)
        self.waiting = {(length, step + 1): self.pool.submit(self.draw, length, step + 1)}
        return future.result()


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
    spread = (state.square.sqrt() / math.sqrt(1 - b2**t)).add_(1e-8)
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
    return budget.patience > 0 and all(
        len(t) == budget.patience and min(e["token_accuracy"] for e in t) >= 0.999 for t in tail
    )


def make_engine(engine: str, arch: Architecture, dropout: float, device: str, threads: int | None):
    """Choose what computes gradients: ``"kernel"``, ``"torch"`` or ``"auto"``."""
    if engine not in ("auto", "kernel", "torch"):
        raise ValueError(f"engine must be 'auto', 'kernel' or 'torch', got {engine!r}.")
    kernel = _kernel() if device == "cpu" and engine != "torch" else None
    if kernel is not None and kernel.supports(arch, dropout):
        return KernelEngine(kernel, arch, threads or os.cpu_count())
    if engine == "kernel":
        raise ValueError("engine must be 'torch' or 'auto' here: the kernel needs a CPU, numba, no dropout "
                         "and a head dimension that is a multiple of 4.")  # fmt: skip
    return TorchEngine(arch, device, compiled=device != "cpu" and dropout == 0)


def _kernel():
    try:
        from . import kernel
    except ImportError:  # numba is optional; PyTorch is the stated fallback
        return None
    return kernel


class KernelEngine:
    """Gradients and scores from the compiled CPU kernel."""

    def __init__(self, kernel, arch: Architecture, threads: int):
        self.kernel, self.arch = kernel, arch
        self.at = np.array([*(s.start for s in arch.slices.values()), arch.size])
        self.dims = (arch.vocab, arch.layers, arch.heads, arch.width)
        self.pool = ThreadPoolExecutor(min(threads, CHUNKS), initializer=torch.set_flush_denormal, initargs=(True,)) if threads > 1 else None
        self.own = threading.local()

    def gradient(self, weights, batches: list[Batch], dropout: float, step: int) -> torch.Tensor:
        rows = []
        for p, batch in zip(weights.numpy(), batches):
            parts = self._run(p, batch, train=True)
            rows.append(sum(parts[1:], start=parts[0]))
        return torch.from_numpy(np.stack(rows))

    def scores(self, weights, batch: Batch):
        loss, hit = np.zeros((2, len(weights), *batch.positions.shape), np.float32)
        for s, p in enumerate(weights.numpy()):
            self._run(p, batch, train=False, loss=loss[s], hit=hit[s])
        return loss, hit

    def _run(self, p, batch: Batch, train: bool, loss=None, hit=None) -> list[np.ndarray]:
        """Run the chunks of a batch, by threads where there are several; return their gradients."""
        scored = batch.targets.reshape(*batch.positions.shape, -1)[:, :, 0] >= 0
        weights = (scored / max(1, scored.sum())).astype(np.float32)
        if loss is None:
            loss, hit = np.zeros((2, *batch.positions.shape), np.float32)
        order = np.argsort(np.where(scored, batch.positions, 0).max(1), kind="stable")
        lanes = self.kernel.LANES
        groups = [order[i : i + lanes] for i in range(0, len(order), lanes)]

        def chunk(i):
            mine = np.concatenate(groups[i::CHUNKS]) if groups[i::CHUNKS] else order[:0]
            g = np.zeros(self.arch.size if train else 1, np.float32)
            self.kernel.pass_through(p, self.at, g, self.dims, batch.tokens, batch.positions, batch.targets, weights, mine,
                                     loss, hit, train, self._memory(batch))  # fmt: skip
            return g

        return list(self.pool.map(chunk, range(CHUNKS))) if self.pool else [chunk(i) for i in range(CHUNKS)]


    def _memory(self, batch: Batch) -> np.ndarray:
        """This thread's working space, made anew where sequences of another shape come."""
        shape = batch.positions.shape[1], batch.tokens.shape[1]
        if getattr(self.own, "shape", None) != shape:
            self.own.shape, self.own.memory = shape, self.kernel.memory_for(self.arch, *shape)
        return self.own.memory


class TorchEngine:
    """Gradients and scores from PyTorch, on any device; the whole fleet in each operation.

    ``compiled`` hands the loss to torch.compile, which on a GPU also records it as a CUDA graph, against the cost of launching many small
    operations. Batches then keep their full length, so that there is one shape. Where compiling fails, the plain path goes on.
    """

    def __init__(self, arch: Architecture, device: str, compiled: bool = False):
        self.arch, self.device, self.compiled = arch, device, compiled
        self.losses = torch.compile(model.losses, mode="reduce-overhead" if device != "cpu" else None, dynamic=False) if compiled else model.losses

    def gradient(self, weights, batches: list[Batch], dropout: float, step: int) -> torch.Tensor:
        flat = weights.detach().requires_grad_(True)
        with torch.random.fork_rng(enabled=dropout > 0):
            if dropout > 0:
                torch.manual_seed(torch_seed("dropout", step))
            counts = torch.tensor([max(1, int(b.reference.sum())) for b in batches], device=self.device)
            total = torch.zeros(len(batches), device=self.device)
            for rows in _buckets(batches, "full" if self.compiled else self.device):
                total = total + self._loss(flat, self._tensors(batches, rows), dropout).sum((1, 2))
            (total / counts).sum().backward()
        return flat.grad

    def _loss(self, flat, tensors: list, dropout: float) -> torch.Tensor:
        try:
            return self.losses(flat, self.arch, *tensors, dropout)[0].clone()
        except Exception as error:
            if not self.compiled or isinstance(error, torch.OutOfMemoryError):
                raise
            warnings.warn(f"torch.compile failed ({type(error).__name__}); training goes on without it.", stacklevel=2)
            self.losses, self.compiled = model.losses, False
            return self.losses(flat, self.arch, *tensors, dropout)[0]

    @torch.no_grad()
    def scores(self, weights, batch: Batch):
        loss, hit = np.zeros((2, len(weights), *batch.reference.shape), np.float32)
        size = max(1, 1000 // len(weights)) if self.device == "cpu" else 1000
        for i in range(0, len(batch), size):
            rows = np.arange(i, min(i + size, len(batch)))
            tensors = [z.expand(len(weights), *z.shape[1:]) for z in self._tensors([batch], [rows])]
            a, b = model.losses(weights, self.arch, *tensors)
            loss[:, rows], hit[:, rows] = a.cpu().numpy(), b.cpu().numpy()
        return loss, hit

    def _tensors(self, batches: list[Batch], rows: list[np.ndarray]) -> list[torch.Tensor]:
        """tokens, positions, targets (S, B, ...) of some rows of each model's batch, no longer than they need."""
        unique = list({id(b): (b, r) for b, r in zip(batches, rows)}.values())
        place = {id(b): i for i, (b, _) in enumerate(unique)}
        index = torch.tensor([place[id(b)] for b in batches], device=self.device)
        longest = unique[0][0].tokens.shape[1] if self.compiled else max(int(_lengths(b)[r].max()) for b, r in unique)
        kinds = (("tokens", np.float32 if self.arch.inputs == "bits" else np.int64), ("positions", np.int64), ("targets", np.int64))
        out = []
        for name, kind in kinds:
            stacked = np.stack([getattr(b, name)[r] for b, r in unique]).astype(kind)
            stacked = stacked[:, :, :longest] if name == "tokens" else stacked
            stacked = np.minimum(stacked, longest - 1) if name == "positions" else stacked
            tensor = torch.from_numpy(stacked).to(self.device, non_blocking=True)
            out.append(tensor if len(unique) == len(batches) else tensor[index])
        return out


def _lengths(batch: Batch) -> np.ndarray:
    """Tokens of each row that matter: up to the last scored input."""
    scored = batch.targets.reshape(*batch.positions.shape, -1)[:, :, 0] >= 0
    return np.where(scored, batch.positions, 0).max(1) + 1


def _buckets(batches: list[Batch], device: str, most: int = 4):
    """Rows of each batch by length, in up to four buckets on a CPU, so that little padding is computed."""
    lengths = [_lengths(b) for b in batches]
    if device != "cpu" or all(n.min() == n.max() for n in lengths):
        return [[np.arange(len(n)) for n in lengths]]
    orders = [np.argsort(n, kind="stable") for n in lengths]
    return [[np.array_split(o, most)[i] for o in orders] for i in range(min(most, len(orders[0])))]
