"""What computes gradients and scores: the compiled CPU kernel, or PyTorch on any device. Both give the same numbers up to rounding."""

import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from procmod_lib.network import gpt2 as model
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.randomness import torch_seed
from procmod_lib.tasks import Batch

try:
    from procmod_lib.network import kernel
except ImportError:  # numba is optional; PyTorch is the stated fallback
    kernel = None

CHUNKS = 4  # a batch is always cut into this many pieces, so sums do not depend on the number of threads


def make_engine(engine: str, arch: Architecture, dropout: float, device: str, threads: int | None):
    """Choose what computes gradients: ``"kernel"``, ``"torch"`` or ``"auto"``."""
    if engine not in ("auto", "kernel", "torch"):
        raise ValueError(f"engine must be 'auto', 'kernel' or 'torch', got {engine!r}.")
    if kernel is not None and device == "cpu" and engine != "torch" and kernel.supports(arch, dropout):
        return KernelEngine(arch, threads or os.cpu_count())
    if engine == "kernel":
        raise ValueError("engine must be 'torch' or 'auto' here: the kernel needs a CPU, numba, no dropout, "
                         "a head dimension that is a multiple of 4, and 4 tokens or more.")  # fmt: skip
    return TorchEngine(arch, device, compiled=device != "cpu" and dropout == 0)


class KernelEngine:
    """Gradients and scores from the compiled CPU kernel."""

    def __init__(self, arch: Architecture, threads: int):
        self.arch = arch
        self.at = np.array([*(s.start for s in arch.slices.values()), arch.size])
        self.dims = (arch.vocab, arch.layers, arch.heads, arch.width)
        self.pool = ThreadPoolExecutor(min(threads, CHUNKS), initializer=torch.set_flush_denormal, initargs=(True,)) if threads > 1 else None
        self.own = threading.local()

    def gradient(self, weights, batches: list[Batch], dropout: float, path: tuple) -> torch.Tensor:
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
        weights = (_scored(batch) / max(1, _scored(batch).sum())).astype(np.float32)
        if loss is None:
            loss, hit = np.zeros((2, *batch.positions.shape), np.float32)
        order = np.argsort(_lengths(batch), kind="stable")
        groups = [order[i : i + kernel.LANES] for i in range(0, len(order), kernel.LANES)]

        def chunk(i):
            mine = np.concatenate(groups[i::CHUNKS]) if groups[i::CHUNKS] else order[:0]
            g = np.zeros(self.arch.size if train else 1, np.float32)
            kernel.pass_through(p, self.at, g, self.dims, batch.tokens, batch.positions, batch.targets, weights, mine, loss, hit, train, self._memory(batch))
            return g

        return list(self.pool.map(chunk, range(CHUNKS))) if self.pool else [chunk(i) for i in range(CHUNKS)]

    def _memory(self, batch: Batch) -> np.ndarray:
        """This thread's working space, made anew where sequences of another shape come."""
        shape = batch.positions.shape[1], batch.tokens.shape[1]
        if getattr(self.own, "shape", None) != shape:
            self.own.shape, self.own.memory = shape, kernel.memory_for(self.arch, *shape)
        return self.own.memory


class TorchEngine:
    """Gradients and scores from PyTorch, on any device; the whole fleet in each operation.

    ``compiled`` hands the loss to torch.compile, which on a GPU also records it as a CUDA graph, against the cost of launching many small
    operations. Batches then keep their full length, so that there is one shape. Where compiling fails, the plain path goes on.
    """

    def __init__(self, arch: Architecture, device: str, compiled: bool = False):
        self.arch, self.device, self.compiled = arch, device, compiled
        self.losses = torch.compile(model.losses, mode="reduce-overhead" if device != "cpu" else None, dynamic=False) if compiled else model.losses

    def gradient(self, weights, batches: list[Batch], dropout: float, path: tuple) -> torch.Tensor:
        flat = weights.detach().requires_grad_(True)
        with torch.random.fork_rng(enabled=dropout > 0):
            if dropout > 0:
                torch.manual_seed(torch_seed("dropout", *path))
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
        tokens, positions, targets = (np.stack([getattr(b, name)[r] for b, r in unique]) for name in ("tokens", "positions", "targets"))
        kind = np.float32 if self.arch.inputs == "bits" else np.int64
        arrays = tokens[:, :, :longest].astype(kind), np.minimum(positions, longest - 1).astype(np.int64), targets.astype(np.int64)
        out = [torch.from_numpy(a).to(self.device, non_blocking=True) for a in arrays]
        return out if len(unique) == len(batches) else [tensor[index] for tensor in out]


def _scored(batch: Batch) -> np.ndarray:
    """(n, W): which outputs have a target."""
    return batch.targets.reshape(*batch.positions.shape, -1)[:, :, 0] >= 0


def _lengths(batch: Batch) -> np.ndarray:
    """Tokens of each row that matter: up to the last scored input."""
    return np.where(_scored(batch), batch.positions, 0).max(1) + 1


def _buckets(batches: list[Batch], device: str, most: int = 4):
    """Rows of each batch by length, in up to four buckets on a CPU, so that little padding is computed."""
    lengths = [_lengths(b) for b in batches]
    if device != "cpu" or all(n.min() == n.max() for n in lengths):
        return [[np.arange(len(n)) for n in lengths]]
    orders = [np.argsort(n, kind="stable") for n in lengths]
    return [[np.array_split(o, most)[i] for o in orders] for i in range(min(most, len(orders[0])))]
