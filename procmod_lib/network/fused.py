"""Training a fleet on an NVIDIA GPU with each layer's forward and backward pass in one launch.

PyTorch moves every intermediate result of so small a model through the GPU's memory; the kernels in
``gpu/`` keep them on the chip. They are compiled at first use, by nvcc, for the shape and the task
at hand (a few seconds). Where there is no nvcc, or for a shape that they do not know, PyTorch does
the work.
"""

import ctypes
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from procmod_lib.network import gpt2
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.tasks import Batch

SOURCE = Path(__file__).parent / "gpu" / "layer.cu"
COMPILERS = {
    "cuda": ["nvcc", "-O3", "-std=c++17", "-arch=native", "-shared", "-Xcompiler", "-fPIC"],
    "cpu": ["g++", "-O2", "-std=c++20", "-x", "c++", "-shared", "-fPIC", "-pthread"],  # for tests
}
WIDTHS, LONGEST = (8, 16), 160
SHARED = 200_000  # bytes of shared memory that the embedding may take of a block's 227 KiB
THREADS = 128  # of a block, about
BLOCKS = 16  # of a model, at most: a fixed number, so that sums do not depend on the fleet's size


class Sizes(NamedTuple):
    """What a build is for; the names are those of layer.cu."""

    width: int
    heads: int
    length: int
    scored: int
    vocab: int
    team: int
    teams: int
    first: int
    full: int


class Data(NamedTuple):
    """The batches of a fleet on its device: those that differ, and which is whose."""

    which: torch.Tensor  # (S,) int32
    tokens: torch.Tensor  # (U, B, T) int32
    positions: torch.Tensor  # (U, B, W) int32
    targets: torch.Tensor  # (S, B, W) int64


def supports(arch: Architecture) -> bool:
    """Whether layers of this shape can be compiled here."""
    return (
        arch.inputs == "tokens"
        and arch.width in WIDTHS
        and arch.width // arch.heads % 4 == 0
        and arch.positions <= LONGEST
        and 4 * arch.vocab * arch.width <= SHARED
        and shutil.which(COMPILERS["cuda"][0]) is not None
    )


@lru_cache
def build(sizes: Sizes, device: str) -> ctypes.CDLL:
    """Compile layer.cu for some sizes.

    Raises:
        RuntimeError: the compiler's own words.
    """
    folder = tempfile.TemporaryDirectory(prefix="procmod-")
    library = Path(folder.name) / "layer.so"
    defined = [f"-D{name.upper()}={value}" for name, value in sizes._asdict().items()]
    command = [*COMPILERS[device], *defined, "-o", str(library), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} could not compile {SOURCE.name}: {done.stderr}")
    loaded = ctypes.CDLL(str(library))
    folder.cleanup()  # what is loaded stays
    return loaded


class FusedLayers:
    """The layers of a fleet's models, forward and backward.

    Args:
        arch: the shape of the models.
        length: tokens of a sequence.
        scored: outputs of a sequence that are looked at.
        device: ``"cuda"``; ``"cpu"`` runs the same code slowly, for tests.
    """

    def __init__(self, arch: Architecture, length: int, scored: int, device: str):
        self.arch, self.device = arch, device
        team = 32 * -(-length // 32)
        self.teams = max(1, THREADS // team)
        self.offsets = [arch.slices[f"h.{i}.ln_1.weight"].start for i in range(arch.layers)]
        self.size = arch.slices["ln_f.weight"].start - self.offsets[-1]
        of_layer = [
            Sizes(
                arch.width,
                arch.heads,
                length,
                scored if i == arch.layers - 1 else length,
                arch.vocab,
                team,
                self.teams,
                int(i == 0),
                int(i < arch.layers - 1),
            )
            for i in range(arch.layers)
        ]
        with ThreadPoolExecutor() as pool:
            self.built = list(pool.map(build, of_layer, [device] * arch.layers))
        self.scored = [sizes.scored for sizes in of_layer]

    def forward(self, flat: torch.Tensor, data: Data) -> list[tuple[torch.Tensor, ...]]:
        """What each layer gives: its output (S, B, W, D), the heads' mix (S, B, W, D), and the
        logarithm of their sums (S, B, W, H), which the way back needs.
        """
        models, batch = len(flat), data.tokens.shape[1]
        found: list[tuple[torch.Tensor, ...]] = []
        before = flat  # the first layer embeds tokens and looks at no input
        for i, scored in enumerate(self.scored):
            shape = models, batch, scored
            out, mixes = flat.new_empty(2, *shape, self.arch.width)
            sums = flat.new_empty(*shape, self.arch.heads)
            self._start("forward", i, flat, data, (before, out, mixes, sums))
            found.append((out, mixes, sums))
            before = out
        return found

    def backward(self, flat, data: Data, kept: list, gradient, total: torch.Tensor) -> None:
        """Add to ``total`` (S, P) what the layers and embeddings contribute.

        Args:
            flat: (S, P) weights.
            data: what they were run on.
            kept: what :meth:`forward` gave.
            gradient: (S, B, W, D), of the last layer's output.
            total: (S, P), changed.
        """
        models, (batch, length) = len(flat), data.tokens.shape[1:]
        blocks, width = self._blocks(batch), self.arch.width
        for i in reversed(range(self.arch.layers)):
            before = kept[i - 1][0] if i else flat
            back = flat.new_empty(models, batch, length, width)
            shares = flat.new_empty(models, blocks, self.size)
            arrays = before, *kept[i][1:], gradient.contiguous(), back, shares
            self._start("backward", i, flat, data, arrays)
            total[:, self.offsets[i] : self.offsets[i] + self.size] += shares.sum(1)
            gradient = back
        shares = flat.new_empty(models, blocks, self.arch.vocab * width)
        self._call("embedding", 0, models, batch, (data.which, data.tokens, gradient, shares))
        total[:, self.arch.slices["wte.weight"]] += shares.sum(1)
        positions = self.arch.slices["wpe.weight"].start
        total[:, positions : positions + length * width] += gradient.sum(1).flatten(1)

    def _blocks(self, batch: int) -> int:
        return min(BLOCKS, -(-batch // self.teams))

    def _start(self, name: str, layer: int, flat: torch.Tensor, data: Data, arrays: tuple) -> None:
        models, batch = len(flat), data.tokens.shape[1]
        place = flat, flat.shape[1], self.offsets[layer], data.which, data.tokens, data.positions
        self._call(name, layer, models, batch, (*place, *arrays))

    def _call(self, name: str, layer: int, models: int, batch: int, arguments: tuple) -> None:
        """Start a kernel; tensors are handed over as pointers."""
        stream = torch.cuda.current_stream().cuda_stream if self.device == "cuda" else 0
        values = [
            ctypes.c_void_p(a.data_ptr()) if isinstance(a, torch.Tensor) else ctypes.c_int(a)
            for a in arguments
        ]
        start = getattr(self.built[layer], f"start_{name}")
        blocks = self._blocks(batch)
        error = start(ctypes.c_void_p(stream), blocks, models, *values, ctypes.c_int(batch))
        if error:
            raise RuntimeError(f"the GPU refused the kernel {name!r}: CUDA error {error}")


class FusedEngine:
    """Gradients and scores on a GPU, without dropout. See
    :class:`procmod_lib.network.engines.KernelEngine`.
    """

    def __init__(self, arch: Architecture, device: str):
        self.arch, self.device = arch, device
        self.layers = lru_cache(FusedLayers)

    def gradient(self, weights, batches: list[Batch], dropout: float, paths: list) -> torch.Tensor:
        """Gradient (S, P) of the mean loss of each model's batch; ``paths`` is not looked at."""
        data, layers = self._prepared(batches)
        counted = {id(b): max(1, int(b.loss_mask.sum())) for b in batches}
        counts = self._sent(np.array([counted[id(b)] for b in batches], np.float32))
        kept = layers.forward(weights, data)
        flat, out = weights.detach().requires_grad_(True), kept[-1][0].requires_grad_(True)
        loss, _ = gpt2.judged(gpt2.readout(flat, self.arch, out), self.arch, data.targets)
        (loss.sum((1, 2)) / counts).sum().backward()
        assert flat.grad is not None
        assert out.grad is not None
        layers.backward(weights, data, kept, out.grad, flat.grad)
        return flat.grad

    @torch.no_grad()
    def scores(self, weights: torch.Tensor, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """Loss and hit (S, n, W) of every scored output of one batch."""
        loss, hit = np.zeros((2, len(weights), *batch.positions.shape), np.float32)
        for begin in range(0, len(batch), 1000):
            rows = slice(begin, begin + 1000)
            data, layers = self._prepared([batch] * len(weights), rows)
            out = layers.forward(weights, data)[-1][0]
            found = gpt2.judged(gpt2.readout(weights, self.arch, out), self.arch, data.targets)
            loss[:, rows], hit[:, rows] = (each.cpu().numpy() for each in found)
        return loss, hit

    def _prepared(self, batches: list[Batch], rows: slice = slice(None)):
        """Return (their :class:`Data`, the :class:`FusedLayers` for their shape)."""
        unique = list({id(b): b for b in batches}.values())
        place = {id(b): i for i, b in enumerate(unique)}
        which = self._sent(np.array([place[id(b)] for b in batches], np.int32))

        def arrays(name: str, kind) -> torch.Tensor:
            return self._sent(np.stack([getattr(b, name)[rows] for b in unique]).astype(kind))

        tokens, positions = arrays("tokens", np.int32), arrays("positions", np.int32)
        length, scored = tokens.shape[2], positions.shape[2]
        positions = positions.clamp(max=length - 1)
        data = Data(which, tokens, positions, arrays("targets", np.int64)[which.long()])
        return data, self.layers(self.arch, length, scored, self.device)

    def _sent(self, array: np.ndarray) -> torch.Tensor:
        """The array on the device, which is not waited for."""
        tensor = torch.from_numpy(array)
        return (
            tensor.pin_memory().to("cuda", non_blocking=True) if self.device == "cuda" else tensor
        )
