"""What computes gradients and scores: the compiled kernels of a CPU and of a GPU, or PyTorch on any
device.

All give the same numbers up to rounding.
"""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from procmod_lib.network import fused, gpt2
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.network.torch_dropout import Dropped
from procmod_lib.tasks import Batch

try:
    from procmod_lib.network import dropout as kernel_dropout
    from procmod_lib.network import kernel, space
except ImportError:  # numba is optional; PyTorch is the stated fallback
    kernel = None  # type: ignore[assignment]

CHUNKS = 4
"""A batch is always cut into this many pieces, so sums do not depend on the number of threads."""
AGREE = 1e-3
"""Of a gradient's length: sums in another order differ by a hundredth of this."""
KINDS = 256
"""Of fleets that torch.compile may be asked for in one process."""
BUCKETS = 4
"""Into which PyTorch sorts rows by length on a CPU."""
ENGINES = ("auto", "kernel", "torch")


def make_engine(engine: str, arch: Architecture, dropout: float, device: str, threads: int):
    """Choose what computes gradients.

    Args:
        engine: ``"kernel"``, ``"torch"`` or ``"auto"``, which takes a kernel where one applies.
        arch: the shape of the models.
        dropout: rate. Each engine draws what it drops from streams of its own, one a model.
        device: ``"cpu"`` or ``"cuda"``.
        threads: of the kernel.

    Raises:
        ValueError: the engine is unknown, or is the kernel where it cannot train this.
    """
    chosen = choose_engine(engine, arch, dropout, device)
    if chosen == "kernel":
        return KernelEngine(arch, threads)
    if chosen == "fused":
        return CheckedEngine(arch, device)
    return TorchEngine(arch, device, compiled=device != "cpu" and dropout == 0)


def choose_engine(engine: str, arch: Architecture, dropout: float, device: str) -> str:
    """Which one it is: the ``"kernel"`` of a CPU, the ``"fused"`` one of a GPU, or ``"torch"``.

    Takes and raises what :func:`make_engine` does.
    """
    check_engine(engine)
    if kernel is not None and device == "cpu" and engine != "torch" and kernel.supports(arch):
        return "kernel"
    if device != "cpu" and engine != "torch" and dropout == 0 and fused.supports(arch):
        return "fused"
    if engine == "kernel":
        raise ValueError(
            "engine must be 'torch' or 'auto' here: the kernel needs a CPU, numba, a head "
            "dimension that is a multiple of 4, and 4 tokens or more; or a GPU, nvcc, tokens, a "
            "width of 8 or 16, and no dropout."
        )
    return "torch"


class KernelEngine:
    """Gradients and scores from the compiled CPU kernel."""

    def __init__(self, arch: Architecture, threads: int):
        self.arch = arch
        self.offsets = np.array([*(s.start for s in arch.slices.values()), arch.size])
        self.dims = (arch.vocab, arch.layers, arch.heads, arch.width)
        self.own = threading.local()
        self.pool = None
        if threads > 1:
            flush = dict(initializer=torch.set_flush_denormal, initargs=(True,))
            self.pool = ThreadPoolExecutor(min(threads, CHUNKS), **flush)

    def gradient(
        self, weights: torch.Tensor, batches: list[Batch], dropout: float, paths: list[tuple]
    ) -> torch.Tensor:
        """Gradient (S, P) of the mean loss of each model's batch.

        ``paths`` names the random stream of each model's dropout; it may be empty without any.
        """
        rows = []
        for model, (p, batch) in enumerate(zip(weights.numpy(), batches, strict=True)):
            share = (batch.loss_mask / max(1, batch.loss_mask.sum())).astype(np.float32)  # (n, W)
            loss, hit = np.zeros((2, *batch.positions.shape), np.float32)
            path = (*paths[model], 0) if dropout else ()
            noise = kernel_dropout.noise_for(dropout, len(batch), *path)
            parts = self._run(p, batch, share, loss, hit, train=True, noise=noise)
            rows.append(sum(parts[1:], start=parts[0]))
        return torch.from_numpy(np.stack(rows))

    def scores(self, weights: torch.Tensor, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """Loss and hit (S, n, W) of every scored output of one batch."""
        loss, hit = np.zeros((2, len(weights), *batch.positions.shape), np.float32)
        share = np.zeros(batch.positions.shape, np.float32)
        for s, p in enumerate(weights.numpy()):
            self._run(p, batch, share, loss[s], hit[s], train=False)
        return loss, hit

    def _run(self, p, batch: Batch, share, loss, hit, *, train, noise=None) -> list[np.ndarray]:
        """Run the chunks of a batch, by threads where there are several; return their gradients."""
        order = np.argsort(batch.lengths, kind="stable")
        groups = [order[i : i + space.LANES] for i in range(0, len(order), space.LANES)]

        def chunk(i: int) -> np.ndarray:
            mine = np.concatenate(groups[i::CHUNKS]) if groups[i::CHUNKS] else order[:0]
            g = np.zeros(self.arch.size if train else 1, np.float32)
            data = batch.tokens, batch.positions, batch.targets, share, mine
            memory, own = self._memory(batch), noise
            if noise is not None:  # the lanes' keys are this chunk's
                own = noise._replace(keys=noise.keys.copy())
            kernel.forward_backward(
                p, self.offsets, g, self.dims, *data, loss, hit, train, memory, own
            )
            return g

        return (
            list(self.pool.map(chunk, range(CHUNKS)))
            if self.pool
            else [chunk(i) for i in range(CHUNKS)]
        )

    def _memory(self, batch: Batch) -> np.ndarray:
        """This thread's working space, made anew where sequences of another shape come."""
        shape = batch.positions.shape[1], batch.tokens.shape[1]
        if getattr(self.own, "shape", None) != shape:
            self.own.shape, self.own.memory = shape, space.memory_for(self.arch, *shape)
        return self.own.memory


def check_engine(engine) -> None:
    """Raise ValueError unless the engine is one of :data:`ENGINES`."""
    if engine not in ENGINES:
        raise ValueError(f"engine must be 'auto', 'kernel' or 'torch', got {engine!r}.")


class TorchEngine:
    """Gradients and scores from PyTorch, on any device; the whole fleet in each operation.

    ``compiled`` hands the loss to torch.compile, which on a GPU also records it as a CUDA graph,
    against the cost of launching many small operations. Batches then keep their full length, so
    that there is one shape. Where compiling fails, the plain path goes on."""

    def __init__(self, arch: Architecture, device: str, *, compiled: bool = False):
        self.arch, self.device, self.compiled = arch, device, compiled
        self.losses = gpt2.losses
        if compiled:
            torch._dynamo.config.recompile_limit = KINDS  # one for each kind of fleet
            mode = "reduce-overhead" if device != "cpu" else None
            self.losses = torch.compile(gpt2.losses, mode=mode, dynamic=False)

    def gradient(
        self, weights: torch.Tensor, batches: list[Batch], dropout: float, paths: list[tuple]
    ) -> torch.Tensor:
        """Gradient (S, P) of the mean loss of each model's batch.

        ``paths`` names the random stream of each model's dropout; it may be empty without any.
        """
        flat = weights.detach().requires_grad_(True)
        drops = Dropped(dropout, paths, self.device) if dropout else 0.0
        counts = torch.tensor(
            [max(1, int(b.loss_mask.sum())) for b in batches], device=self.device
        )  # (S,)
        total = torch.zeros(len(batches), device=self.device)
        by_length = self.device == "cpu" and not self.compiled and not dropout
        for rows in _buckets(batches, by_length=by_length):
            tensors = self._tensors(batches, rows, whole=dropout > 0)
            total = total + self._loss(flat, tensors, drops).sum((1, 2))
        (total / counts).sum().backward()
        assert flat.grad is not None
        return flat.grad

    def _loss(self, flat: torch.Tensor, tensors: list, dropout) -> torch.Tensor:
        """Loss (S, B, W); goes on without torch.compile where that fails."""
        if self.compiled and len(flat) > 1:  # members end one by one: compiled once for any number
            for tensor in (flat, *tensors):
                torch._dynamo.mark_dynamic(tensor, 0)
        try:
            return self.losses(flat, self.arch, *tensors, dropout)[0].clone()
        except Exception as error:
            if not self.compiled or isinstance(error, torch.OutOfMemoryError):
                raise
            name = type(error).__name__
            warnings.warn(
                f"torch.compile failed ({name}); training goes on without it.", stacklevel=2
            )
            self.losses, self.compiled = gpt2.losses, False
            return self.losses(flat, self.arch, *tensors, dropout)[0]

    @torch.no_grad()
    def scores(self, weights: torch.Tensor, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """Loss and hit (S, n, W) of every scored output of one batch."""
        loss, hit = np.zeros((2, len(weights), *batch.positions.shape), np.float32)
        size = max(1, 1000 // len(weights)) if self.device == "cpu" else 1000
        for i in range(0, len(batch), size):
            rows = np.arange(i, min(i + size, len(batch)))
            tensors = [z.expand(len(weights), *z.shape[1:]) for z in self._tensors([batch], [rows])]
            some_loss, some_hit = gpt2.losses(weights, self.arch, *tensors)
            loss[:, rows], hit[:, rows] = some_loss.cpu().numpy(), some_hit.cpu().numpy()
        return loss, hit

    def _tensors(
        self, batches: list[Batch], rows: list[np.ndarray], *, whole: bool = False
    ) -> list[torch.Tensor]:
        """tokens, positions, targets (S, B, ...) of some rows of each model's batch, no longer than
        they need, or ``whole``.
        """
        unique = list({id(b): (b, r) for b, r in zip(batches, rows, strict=True)}.values())
        place = {id(b): i for i, (b, _) in enumerate(unique)}
        index = torch.tensor([place[id(b)] for b in batches], device=self.device)
        longest = max(int(b.lengths[r].max()) for b, r in unique)
        if whole or self.compiled:
            longest = unique[0][0].tokens.shape[1]
        fields = ("tokens", "positions", "targets")
        tokens, positions, targets = (
            np.stack([getattr(b, name)[r] for b, r in unique]) for name in fields
        )
        kind = np.float32 if self.arch.inputs == "bits" else np.int64
        positions = np.minimum(positions, longest - 1).astype(np.int64)
        arrays = tokens[:, :, :longest].astype(kind), positions, targets.astype(np.int64)
        out = [torch.from_numpy(a).to(self.device, non_blocking=True) for a in arrays]
        return out if len(unique) == len(batches) else [tensor[index] for tensor in out]


class CheckedEngine:
    """The GPU's own kernel, compared with PyTorch when a shape first comes.

    Where the two differ, or it cannot be compiled or started, a warning says so and PyTorch goes
    on."""

    def __init__(self, arch: Architecture, device: str):
        self.arch, self.device = arch, device
        self.kernel: fused.FusedEngine | None = fused.FusedEngine(arch, device)
        self.pytorch = TorchEngine(arch, device, compiled=device != "cpu")
        self.seen: set[tuple[int, ...]] = set()

    def gradient(
        self, weights: torch.Tensor, batches: list[Batch], dropout: float, paths: list[tuple]
    ) -> torch.Tensor:
        """Gradient (S, P) of the mean loss of each model's batch."""
        if self.kernel is not None and _shape(batches[0]) not in self.seen:
            self._compare(weights[:1], batches[:1])
            self.seen.add(_shape(batches[0]))
        return (self.kernel or self.pytorch).gradient(weights, batches, dropout, paths)

    def scores(self, weights: torch.Tensor, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """Loss and hit (S, n, W) of every scored output of one batch."""
        engine = (self.kernel if _shape(batch) in self.seen else None) or self.pytorch
        return engine.scores(weights, batch)

    def _compare(self, weights: torch.Tensor, batches: list[Batch]) -> None:
        """Leave the kernel behind where its gradient of one model is not PyTorch's."""
        assert self.kernel is not None
        wanted = TorchEngine(self.arch, self.device).gradient(weights, batches, 0.0, [])
        try:
            apart = (self.kernel.gradient(weights, batches, 0.0, []) - wanted).norm()
            if apart <= AGREE * wanted.norm():
                return
            reason = f"its gradient differs by {float(apart / wanted.norm()):.1e} of its length"
        except (RuntimeError, OSError) as error:
            reason = str(error)
        warnings.warn(f"the GPU's own kernel is left out, PyTorch goes on: {reason}.", stacklevel=2)
        self.kernel = None


def _shape(batch: Batch) -> tuple[int, ...]:
    """(T, W): what a kernel is compiled for."""
    return batch.tokens.shape[1], batch.positions.shape[1]


def _buckets(batches: list[Batch], *, by_length: bool) -> list[list[np.ndarray]]:
    """Rows of each batch, in up to BUCKETS groups of like length where asked, so that little
    padding is computed.
    """
    lengths = [b.lengths for b in batches]
    if not by_length or all(n.min() == n.max() for n in lengths):
        return [[np.arange(len(n)) for n in lengths]]
    orders = [np.argsort(n, kind="stable") for n in lengths]
    return [
        [np.array_split(o, BUCKETS)[i] for o in orders] for i in range(min(BUCKETS, len(orders[0])))
    ]
