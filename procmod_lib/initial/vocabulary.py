"""The words that this library knows.

Each entry says everything about its word (see :mod:`procmod_lib.initial.words`).
"""

import numpy as np

from procmod_lib.initial.words import (
    PARTS,
    TENSORS,
    Change,
    Copy,
    Cut,
    Word,
    Write,
    heads,
    is_listed,
    is_positive,
    register,
)
from procmod_lib.network.gpt2 import Architecture, part_of

# What is copied.
TOKENS = "the mean token vector and, where there are enough, the positions"
for _name, _noun, _parts, _about in (
    ("full", "full transfer", "EAFN", f"attention, MLPs, norms, {TOKENS} of a source"),
    ("attention", "attention", "A", "the attention layers of a source"),
    ("mlp", "MLPs", "F", "the MLPs of a source"),
    ("embeddings", "embeddings", "E", f"{TOKENS} of a source"),
):
    register(Copy(name=_name, noun=_noun, parts=_parts, about=f"Copies {_about}."))


# What is written by hand.
def _fan_in(value: str, name: str, shape: tuple[int, ...]) -> float:
    # an embedding (V, D) writes D numbers, a map (I, O) reads I
    return (shape[1] if part_of(name) == "E" else shape[0]) ** -0.5


register(
    Write(
        name="loud",
        default=0.0,
        about="Draws the weights of attention anew from a normal distribution of this standard "
        "deviation (fresh ones have 0.02).",
        allowed="loud must be above 0.",
        check=is_positive,
        label=lambda value: f"loud by hand, {value}",
        parts=lambda value: "A",
        spread=lambda value, name, shape: value,
    )
)
register(
    Write(
        name="fan_in",
        default="",
        about="Draws the weights of these parts anew with standard deviation 1 / sqrt(inputs).",
        allowed="fan_in must be attention, mlp or embeddings, or several of them with + between.",
        check=lambda value: is_listed(value, ("attention", "mlp", "embeddings")),
        label=lambda value: f"{value.replace('+', ', ')} at fan-in scale",
        parts=lambda value: "".join(PARTS[part] for part in value.split("+")),
        spread=_fan_in,
    )
)


# What is done to it. Random numbers are drawn in the order of the tensor's entries.
def sized(tensor: np.ndarray, like: np.ndarray) -> np.ndarray:
    """A tensor scaled to the Frobenius norm of another."""
    return tensor * (np.linalg.norm(like) / max(np.linalg.norm(tensor), 1e-30))


def _noise(copied, value, fresh, rng):
    return copied + rng.normal(0, value, copied.shape)


def _relative_noise(copied, value, fresh, rng):
    return copied + rng.normal(0, value * copied.std() + 1e-30, copied.shape)


def _shuffle(copied, value, fresh, rng):
    return rng.permutation(copied.reshape(-1)).reshape(copied.shape)


def _statistics(copied, value, fresh, rng):
    return rng.normal(copied.mean(), copied.std() + 1e-30, copied.shape)


def _random_donor(copied, value, fresh, rng):
    return sized(rng.normal(size=copied.shape), copied)


def _fresh_norm(copied, value, fresh, rng):
    return sized(copied, fresh)


NOISE = "noise and relative_noise must be 0 or more."
for _name, _default, _apply, _label, _about in (
    (
        "noise",
        0.0,
        _noise,
        "noise {}",
        "Adds Gaussian noise of this standard deviation to each weight.",
    ),
    (
        "relative_noise",
        0.0,
        _relative_noise,
        "relative noise {}",
        "The same, as a share of each tensor's own standard deviation.",
    ),
    ("shuffle", False, _shuffle, "shuffled", "Permutes the entries within each tensor."),
    (
        "statistics",
        False,
        _statistics,
        "statistics",
        "Redraws each tensor from a normal with its mean and standard deviation.",
    ),
    (
        "random_donor",
        False,
        _random_donor,
        "random donor",
        "Replaces each tensor by a random one of the same norm.",
    ),
    (
        "fresh_norm",
        False,
        _fresh_norm,
        "shrunk to the fresh norm",
        "Scales each tensor to the norm of the fresh one in its place.",
    ),
):
    register(
        Change(
            name=_name,
            default=_default,
            about=_about,
            allowed=NOISE,
            check=lambda value: 0 <= value < np.inf,
            label=_label.format,
            apply=_apply,
        )
    )

register(
    Word(
        name="scale",
        default=1.0,
        about="Multiplies what was copied or written by a factor; random numbers are the same at "
        "every scale.",
        allowed="scale must be above 0.",
        check=is_positive,
        label=lambda value: f"scaled by {value}",
    )
)
register(
    Word(
        name="freeze",
        default="",
        about="Holds this part fixed in fine-tuning, as far as it was copied or written.",
        allowed="freeze must be attention or mlp.",
        check=lambda value: value in ("attention", "mlp"),
        label=lambda value: f"frozen {value}",
    )
)


# What of it.
def _layer(value: int, name: str, arch: Architecture):
    return name.startswith(f"h.{value}.")


def _is_heads(value: str) -> bool:
    numbers = [each.split(".") for each in value.split("+")]
    right = all(len(pair) == 2 and all(n.isdigit() for n in pair) for pair in numbers)
    return right and len(set(heads(value))) == len(numbers)


def _head(value: str, name: str, arch: Architecture):
    """The heads' columns of queries, keys and values and their rows of the output projection, whose
    bias is no head's.
    """
    mask = np.zeros(arch.width, bool)
    size = arch.width // arch.heads
    for layer, head in heads(value):
        if name.startswith(f"h.{layer}.attn."):
            mask[head * size : (head + 1) * size] = True
    if "c_attn" in name:
        return np.tile(mask, 3)
    return mask if name.endswith("c_proj.weight") else False


def _tensors(value: str, name: str, arch: Architecture):
    wanted = [tensor in value.split("+") for tensor in TENSORS]
    if ".attn." not in name:
        return False
    return np.repeat(wanted[:3], arch.width) if "c_attn" in name else wanted[3]


register(
    Cut(
        name="layer",
        default=-1,
        about="Only this layer, counted from 0.",
        allowed="layer must be a whole number, 0 or more.",
        check=lambda value: value >= 0,
        label=lambda value: f"layer {value}",
        keeps=_layer,
    )
)
register(
    Cut(
        name="head",
        default="",
        about="Only these attention heads, each layer.head, with + between them.",
        allowed="head must be layer.head, for example 0.3, or several with + between.",
        check=_is_heads,
        label=lambda value: f"head{'s' if '+' in value else ''} {value.replace('+', ' and ')}",
        keeps=_head,
    )
)
register(
    Word(
        name="shape",
        default="",
        about="layers_heads_width of the sources where it is not the new model's.",
        allowed="shape must be layers_heads_width, for example 4_8_32.",
        check=lambda value: (
            len(value.split("_")) == 3
            and all(n.isdigit() and n[0] != "0" for n in value.split("_"))
        ),
        label=lambda value: f"shape {value}",
    )
)
register(
    Cut(
        name="tensors",
        default="",
        about="Only these maps of attention.",
        allowed="tensors must be query, key, value or output, or several of them with + between.",
        check=lambda value: is_listed(value, TENSORS),
        label=lambda value: value.replace("+", ", "),
        keeps=_tensors,
    )
)
register(
    Word(
        name="on",
        default="",
        about="Perturbs or scales these parts alone.",
        allowed="on must be attention, mlp, norms or embeddings, or several of them with + "
        "between.",
        check=lambda value: is_listed(value, PARTS),
        label=lambda value: f"on {value.replace('+', ', ')} alone",
    )
)
register(
    Cut(
        name="fresh_positions",
        default=False,
        about="Positions stay fresh.",
        label=lambda value: "positions fresh",
        keeps=lambda value, name, arch: name != "wpe.weight",
    )
)


def _is_maps(value: str) -> bool:
    pairs = [each.split(".") for each in value.split("+")]
    right = all(len(pair) == 2 and pair[0].isdigit() and pair[1] in TENSORS for pair in pairs)
    return right and len(set(value.split("+"))) == len(pairs)


def _quiet(value: str, name: str, arch: Architecture):
    """All but the named maps of a layer."""
    pairs = [each.split(".") for each in value.split("+")]
    out = [tensor for layer, tensor in pairs if name.startswith(f"h.{layer}.attn.")]
    stays = [tensor not in out for tensor in TENSORS]
    if "c_attn" in name:
        return np.repeat(stays[:3], arch.width)
    return stays[3] if "c_proj" in name and ".attn." in name else True


register(
    Cut(
        name="quiet",
        default="",
        about="These maps of a layer's attention stay fresh, each layer.map, with + between them.",
        allowed="quiet must be layer.query, layer.key, layer.value or layer.output, for example "
        "0.value, or several with + between.",
        check=_is_maps,
        label=lambda value: f"{value.replace('+', ', ')} quiet",
        keeps=_quiet,
    )
)
