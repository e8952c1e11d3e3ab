"""GPT-2 as parts E, A, F, N, with a leading fleet dimension: S tiny models computed at once.

Shapes, everywhere in this library: S fleet, B batch, T time, W scored outputs, D width, H heads, V
vocabulary. All parameters of a fleet live in one tensor (S, P); a model is a row, a parameter a
slice of columns. This is the reference path; ``kernel`` computes the same faster on a CPU and
``fused`` on a GPU."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F

from procmod_lib.randomness import stream
from procmod_lib.tasks.task import is_count


@dataclass(frozen=True)
class Architecture:
    """The shape of a GPT-2.

    Attributes:
        vocab: V (bits a row for ``inputs="bits"``).
        positions: longest sequence.
        layers: how many blocks; the paper's small size is 2.
        heads: attention heads a block; 4 in the paper's small size.
        width: D, a multiple of heads; 16 in the paper's small size.
        tied: whether the head is the token embedding.
        inputs: ``"tokens"`` or ``"bits"``.
    """

    vocab: int
    positions: int
    layers: int = 2
    heads: int = 4
    width: int = 16
    tied: bool = False
    inputs: str = "tokens"

    def __post_init__(self) -> None:
        for name in ("vocab", "positions", "layers", "heads", "width"):
            value = getattr(self, name)
            if not is_count(value):
                raise ValueError(
                    f"architecture: {name} must be a whole number above 0, got {value!r}."
                )
        if self.width % self.heads:
            raise ValueError(
                f"architecture: width must be a multiple of heads ({self.heads}), got {self.width}."
            )
        if self.inputs not in ("tokens", "bits"):
            raise ValueError(f"architecture: inputs must be tokens or bits, got {self.inputs!r}.")
        if self.inputs == "bits" and self.tied:
            raise ValueError("architecture: tied must be False for inputs of bits, got True.")

    @property
    def shape(self) -> str:
        """layers_heads_width."""
        return f"{self.layers}_{self.heads}_{self.width}"

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every parameter by Hugging Face's name, in the order of the flat vector."""
        d = self.width
        shapes: dict[str, tuple[int, ...]] = {}
        shapes |= {"wte.weight": (self.vocab, d), "wpe.weight": (self.positions, d)}
        for i in range(self.layers):
            h = f"h.{i}."
            shapes |= {
                h + "ln_1.weight": (d,),
                h + "ln_1.bias": (d,),
                h + "attn.c_attn.weight": (d, 3 * d),
                h + "attn.c_attn.bias": (3 * d,),
                h + "attn.c_proj.weight": (d, d),
                h + "attn.c_proj.bias": (d,),
                h + "ln_2.weight": (d,),
                h + "ln_2.bias": (d,),
                h + "mlp.c_fc.weight": (d, 4 * d),
                h + "mlp.c_fc.bias": (4 * d,),
                h + "mlp.c_proj.weight": (4 * d, d),
                h + "mlp.c_proj.bias": (d,),
            }
        shapes |= {"ln_f.weight": (d,), "ln_f.bias": (d,)}
        if not self.tied:
            shapes["lm_head.weight"] = (self.vocab, d)
        return shapes

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Columns of the flat vector that hold each parameter."""
        ends = np.cumsum([math.prod(s) for s in self.shapes.values()]).tolist()
        return {n: slice(a, b) for n, a, b in zip(self.shapes, [0, *ends], ends)}

    @property
    def size(self) -> int:
        """P, the number of parameters."""
        return self.slices[next(reversed(self.slices))].stop


MAPS = ("query", "key", "value", "output")
"""The four maps of attention, in the order in which a layer holds them."""


def part_of(name: str) -> str:
    """Return the one part that a parameter belongs to: E (embeddings and head), A (attention), F
    (MLP) or N (norms).

    >>> part_of("h.0.attn.c_attn.bias"), part_of("wpe.weight"), part_of("ln_f.bias")
    ('A', 'E', 'N')
    """
    marks = {"E": ("wte.", "wpe.", "lm_head."), "A": (".attn.",), "F": (".mlp.",), "N": ("ln_",)}
    parts = [part for part in marks if any(mark in name for mark in marks[part])]
    if len(parts) != 1:
        raise ValueError(f"parameter {name!r} belongs to parts {parts}, not to exactly one.")
    return parts[0]


def decays(name: str) -> bool:
    """Whether weight decay applies: to weights, not to biases and norms."""
    return part_of(name) != "N" and not name.endswith(".bias")


def views(flat: torch.Tensor | np.ndarray, arch: Architecture) -> dict:
    """Return every parameter as a view of ``flat``, by name.

    ``flat`` is ``(..., P)``, a parameter ``(..., *shape)``.
    """
    lead = tuple(flat.shape[:-1])
    return {n: flat[..., arch.slices[n]].reshape(*lead, *shape) for n, shape in arch.shapes.items()}


def fresh(arch: Architecture, *path: str | int) -> np.ndarray:
    """Draw GPT-2's initial weights, float32 (P,).

    They are normal with 0.02, or 0.02 / sqrt(2 layers) for the projections that write back.

    Args:
        arch: the shape.
        path: names the random stream, for example ("init", "haystack", seed).
    """
    flat = np.zeros(arch.size, np.float32)
    for name, view in views(flat, arch).items():
        if part_of(name) == "N":
            view[...] = 1.0 if name.endswith("weight") else 0.0
        elif name.endswith("weight"):
            std = 0.02 / math.sqrt(2 * arch.layers) if name.endswith("c_proj.weight") else 0.02
            view[...] = stream(*path, name).normal(0.0, std, view.shape)
    return flat


def body(
    flat: torch.Tensor,
    arch: Architecture,
    tokens: torch.Tensor,
    positions: torch.Tensor,
    dropout: float = 0.0,
):
    """Return what the last layer gives (S, B, W, D) at the scored positions, and nothing else.

    The last layer computes queries, MLP and norm only where something is scored.

    Args:
        flat: (S, P) weights.
        arch: their shape.
        tokens: (S, B, T) ids, or (S, B, T, cells) bits as float.
        positions: (S, B, W) scored inputs.
        dropout: rate, applied where GPT-2 applies it.
    """
    p = views(flat, arch)
    x = drop(embed(p, arch, tokens), dropout, 0)  # (S, B, T, D)
    everywhere = torch.arange(tokens.shape[2], device=tokens.device).expand(tokens.shape[:3])
    for i in range(arch.layers):
        where = positions if i == arch.layers - 1 else everywhere
        x = block(x, layer_of(p, i), arch, where, dropout, 1 + 3 * i)
    return x  # (S, B, W, D)


def embed(p: dict, arch: Architecture, tokens: torch.Tensor) -> torch.Tensor:
    """Tokens (S, B, T) or bits (S, B, T, cells) as vectors with their positions (S, B, T, D)."""
    s, b, t = tokens.shape[:3]
    if arch.inputs == "bits":
        x = tokens.reshape(s, b * t, -1) @ p["wte.weight"]
    else:
        x = torch.gather(p["wte.weight"], 1, tokens.reshape(s, b * t, 1).expand(-1, -1, arch.width))
    return x.reshape(s, b, t, arch.width) + p["wpe.weight"][:, None, :t]


def layer_of(p: dict, i: int) -> dict:
    """The parameters of block i, by the rest of their names."""
    return {n.removeprefix(f"h.{i}."): v for n, v in p.items() if n.startswith(f"h.{i}.")}


def drop(x: torch.Tensor, dropout, site: int) -> torch.Tensor:
    """x with numbers dropped: by a rate, or by a function of x and the site, as tests do."""
    return dropout(x, site) if callable(dropout) else F.dropout(x, dropout)


def block(x, layer: dict, arch: Architecture, positions, dropout, site: int = 1):
    """One transformer block.

    Keys and values at all T, everything else at ``positions`` (S, B, W). ``site`` is the first of
    the three places where it drops numbers: probabilities, and what its two halves add.
    """
    a = norm(x, layer["ln_1.weight"], layer["ln_1.bias"])  # (S, B, T, D)
    x = at_positions(x, positions)
    looks, v = attention(a, layer, arch, positions)
    mixed = drop(looks, dropout, site) @ v  # (S, B, H, W, D/H)
    mixed = linear(
        mixed.transpose(2, 3).reshape(x.shape),
        layer["attn.c_proj.weight"],
        layer["attn.c_proj.bias"],
    )
    x = x + drop(mixed, dropout, site + 1)
    m = norm(x, layer["ln_2.weight"], layer["ln_2.bias"])
    m = F.gelu(
        linear(m, layer["mlp.c_fc.weight"], layer["mlp.c_fc.bias"]), approximate="tanh"
    )  # (S, B, W, 4D)
    added = linear(m, layer["mlp.c_proj.weight"], layer["mlp.c_proj.bias"])
    return x + drop(added, dropout, site + 2)


def attention(a, layer: dict, arch: Architecture, positions):
    """Return how each head at ``positions`` (S, B, W) looks at all T, and the values there.

    Args:
        a: (S, B, T, D), normed.
        layer: the parameters of its block.
        arch: its shape.
        positions: from where it looks; nothing behind a position is seen.

    Returns:
        (S, B, H, W, T), which sums to 1 over T, and the values (S, B, H, T, D/H).
    """
    s, b, t, d = a.shape
    weight, bias = layer["attn.c_attn.weight"], layer["attn.c_attn.bias"]
    q = linear(at_positions(a, positions), weight[..., :d], bias[..., :d])  # (S, B, W, D)
    k, v = linear(a, weight[..., d:], bias[..., d:]).split(d, -1)
    q, k, v = (
        z.reshape(s, b, -1, arch.heads, d // arch.heads).transpose(2, 3) for z in (q, k, v)
    )  # (S, B, H, W|T, D/H)
    scores = q @ k.transpose(-1, -2) / math.sqrt(d // arch.heads)  # (S, B, H, W, T)
    seen = torch.arange(t, device=a.device) <= positions[..., None]  # (S, B, W, T)
    return scores.masked_fill(~seen[:, :, None], float("-inf")).softmax(-1), v


def linear(x, weight, bias):
    """x (S, ..., I) times weight (S, I, O) plus bias (S, O)."""
    flat = x.reshape(x.shape[0], -1, x.shape[-1])
    return torch.baddbmm(bias[:, None], flat, weight).reshape(*x.shape[:-1], weight.shape[-1])


def norm(x, weight, bias):
    """LayerNorm over the last axis of x (S, B, T, D) with one weight and bias (S, D) a model."""
    return F.layer_norm(x, x.shape[-1:], eps=1e-5) * weight[:, None, None] + bias[:, None, None]


def at_positions(x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """x (S, B, T, D) at some positions (S, B, W): (S, B, W, D)."""
    return torch.gather(x, 2, positions[..., None].expand(*positions.shape, x.shape[-1]))


def logits(flat, arch: Architecture, tokens, positions, dropout: float = 0.0):
    """Return the logits (S, B, W, V) at the scored positions. Arguments as for :func:`body`."""
    return readout(flat, arch, body(flat, arch, tokens, positions, dropout))


def readout(flat, arch: Architecture, x: torch.Tensor):
    """Return the logits (S, B, W, V) of what the last layer gives, x (S, B, W, D)."""
    p = views(flat, arch)
    head = p["wte.weight" if arch.tied else "lm_head.weight"]
    h = norm(x, p["ln_f.weight"], p["ln_f.bias"])
    return (h.flatten(1, 2) @ head.transpose(1, 2)).unflatten(1, h.shape[1:3])


def losses(flat, arch: Architecture, tokens, positions, targets, dropout: float = 0.0):
    """Return the loss of each scored output (S, B, W), 0 where it is ignored, and whether it was
    predicted right. See :func:`judged`.
    """
    return judged(logits(flat, arch, tokens, positions, dropout), arch, targets)


def judged(z: torch.Tensor, arch: Architecture, targets: torch.Tensor):
    """Return the loss of each logit vector of z (S, B, W, V), 0 where it is ignored, and the share
    of what it predicts that is right, both (S, B, W).

    Over tokens the loss is the cross-entropy in nats and the share 0 or 1; over bits they are the
    mean binary cross-entropy and the share of right bits of a row.
    """
    if arch.inputs == "bits":
        scored = targets[..., 0] >= 0
        loss = F.binary_cross_entropy_with_logits(
            z, targets.clamp(min=0).to(z.dtype), reduction="none"
        ).mean(-1)
        return loss * scored, ((z > 0) == (targets > 0)).to(z.dtype).mean(-1) * scored
    loss = F.cross_entropy(z.flatten(0, 2), targets.flatten().long(), reduction="none").reshape(
        targets.shape
    )
    return loss, (z.argmax(-1) == targets).to(z.dtype)
