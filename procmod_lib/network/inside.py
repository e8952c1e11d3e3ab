"""What can be seen inside a model: attention maps, sizes of heads, gradients, knock-outs.

Everything here looks at one model, a flat vector (P,), and changes nothing.
"""

from contextlib import contextmanager

import numpy as np
import torch

from procmod_lib.network import gpt2
from procmod_lib.network.engines import TorchEngine
from procmod_lib.network.gpt2 import MAPS, Architecture, part_of, views
from procmod_lib.tasks import Batch


@contextmanager
def one_thread():
    """Within, PyTorch uses one thread: so small tensors wait longer for a second than they gain."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@torch.no_grad()
@one_thread()
def attention_maps(flat: np.ndarray, arch: Architecture, tokens: np.ndarray) -> np.ndarray:
    """How every head of every layer looks at a batch.

    Args:
        flat: (P,) weights.
        arch: their shape.
        tokens: (B, T) ids.

    Returns:
        (B, layers, heads, T, T): from the position in the last axis but one to that in the last.
    """
    p, x, everywhere = _embedded(flat, arch, tokens)
    maps = []
    for i in range(arch.layers):
        layer = gpt2.layer_of(p, i)
        a = gpt2.norm(x, layer["ln_1.weight"], layer["ln_1.bias"])
        maps.append(gpt2.attention(a, layer, arch, everywhere)[0][0])  # (B, H, T, T)
        x = gpt2.block(x, layer, arch, everywhere, 0.0)
    return torch.stack(maps, 1).numpy()


@torch.no_grad()
@one_thread()
def start_numbers(flat: np.ndarray, arch: Architecture, batch: Batch) -> tuple[float, float]:
    """Two numbers of the last layer, the share of tokens and the selective write.

    The share of tokens says how much of what the layer reads is still the token itself: the squared
    cosine between its input and the embedded token at the same place, mean over the batch. It is 1
    where the layers before wrote nothing, near 0 where they drown it.

    The selective write says how much of what its attention writes depends on where it looks: the
    norm of what it writes at the first scored position less what it would write if every head
    looked evenly at all that it sees, over the norm of the stream there, each the mean over the
    batch.
    """
    p, token, everywhere = _embedded(flat, arch, batch.tokens)
    stream = token
    for i in range(arch.layers - 1):
        stream = gpt2.block(stream, gpt2.layer_of(p, i), arch, everywhere, 0.0)
    layer = gpt2.layer_of(p, arch.layers - 1)
    a = gpt2.norm(stream, layer["ln_1.weight"], layer["ln_1.bias"])
    at = everywhere.gather(2, torch.from_numpy(batch.positions[None, :, :1].astype(np.int64)))
    looks, values = gpt2.attention(a, layer, arch, at)  # (1, B, H, 1, T), (1, B, H, T, D/H)
    seen = torch.arange(looks.shape[-1]) <= at[..., None]  # (1, B, 1, T)
    tilt = looks - (seen / seen.sum(-1, keepdim=True))[:, :, None]
    written = (tilt @ values).flatten(2) @ layer["attn.c_proj.weight"][0]  # (1, B, D)
    sizes = gpt2.at_positions(stream, at).squeeze(2).norm(dim=-1)  # (1, B)
    share = torch.cosine_similarity(stream, token, dim=-1).square().mean()
    return float(share), float(written.norm(dim=-1).mean() / sizes.mean())


def _embedded(flat: np.ndarray, arch: Architecture, tokens: np.ndarray):
    """Return (parameters with S = 1, embedded tokens (1, B, T, D), positions (1, B, T))."""
    p = views(torch.from_numpy(np.asarray(flat, np.float32))[None], arch)
    batch = torch.from_numpy(np.asarray(tokens, np.int64))[None]
    everywhere = torch.arange(batch.shape[-1]).expand(batch.shape)
    return p, gpt2.embed(p, arch, batch), everywhere


def head_weights(flat: np.ndarray, arch: Architecture, layer: int, head: int) -> dict:
    """The query, key, value (D, D/H) and output (D/H, D) maps of a head, by name."""
    size = arch.width // arch.heads
    mine = slice(head * size, (head + 1) * size)
    p = views(flat, arch)
    joint = p[f"h.{layer}.attn.c_attn.weight"].reshape(arch.width, 3, arch.width)
    maps = {name: joint[:, i, mine] for i, name in enumerate(MAPS[:3])}
    return maps | {"output": p[f"h.{layer}.attn.c_proj.weight"][mine]}


def without_head(flat: np.ndarray, arch: Architecture, layer: int, head: int) -> np.ndarray:
    """The same weights (P,) with one head knocked out: what it would write is zero."""
    changed = np.array(flat, np.float32)
    head_weights(changed, arch, layer, head)["output"][...] = 0.0
    return changed


@one_thread()
def accuracy(flat: np.ndarray, arch: Architecture, batch: Batch) -> float:
    """The share of scored outputs that a model gets right."""
    weights = torch.from_numpy(np.asarray(flat, np.float32))[None]
    _, hit = TorchEngine(arch, "cpu").scores(weights, batch)
    return float((hit[0] * batch.reference).sum() / batch.reference.sum())


@one_thread()
def gradients(flat: np.ndarray, arch: Architecture, batch: Batch) -> np.ndarray:
    """The gradient (P,) of a batch's mean loss."""
    weights = torch.from_numpy(np.asarray(flat, np.float32))[None]
    return (
        TorchEngine(arch, "cpu")
        .gradient(weights, [batch.trained_on("reference")], 0.0, [])[0]
        .numpy()
    )


def by_part(vector: np.ndarray, arch: Architecture) -> dict[str, float]:
    """The norm of a vector (P,) on each layer's attention and MLP, the embeddings and the norms."""
    squares: dict[str, float] = {}
    for name, view in views(vector, arch).items():
        part = part_of(name)
        where = f"{part}{name.split('.')[1]}" if part in "AF" else part
        squares[where] = squares.get(where, 0.0) + float(np.square(view).sum())
    return {where: square**0.5 for where, square in squares.items()}
