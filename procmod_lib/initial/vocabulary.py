"""The words that this library knows: what is copied or written, and what is done to it.

Where, is said by :mod:`procmod_lib.initial.places`. Each entry says everything about its word (see
:mod:`procmod_lib.initial.words`).
"""

import numpy as np

from procmod_lib.initial.words import (
    LARGEST,
    PARTS,
    Change,
    Copy,
    Word,
    Write,
    is_listed,
    is_size,
    register,
)
from procmod_lib.network.gpt2 import part_of

# What is copied.
TOKENS = "the mean token vector and, where there are enough, the positions"
EVERYTHING = f"attention, MLPs, norms, {TOKENS}"
for _name, _noun, _parts, _what, _marker, _line in (
    ("full", "full transfer", "EAFN", EVERYTHING, "s", "--"),
    ("attention", "attention", "A", "the attention layers", "D", "-"),
    ("mlp", "MLPs", "F", "the MLPs", "^", ":"),
    ("embeddings", "embeddings", "E", TOKENS, "v", ":"),
):
    _about = f"Copies {_what} of a source."
    _looks = dict(marker=_marker, line=_line)
    register(Copy(name=_name, noun=_noun, parts=_parts, about=_about, **_looks))


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
        allowed=f"loud must be a number above 0, at most {LARGEST:,.0f}.",
        check=is_size,
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
        allowed="fan_in must be attention, mlp or embeddings, or several of them in this order "
        "with + between.",
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


NOISE = f"noise and relative_noise must be numbers of 0 or more, at most {LARGEST:,.0f}."
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
            check=lambda value: 0 <= value <= LARGEST,
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
        allowed=f"scale must be a number above 0, at most {LARGEST:,.0f}.",
        check=is_size,
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
