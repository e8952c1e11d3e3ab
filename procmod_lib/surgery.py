"""Initial conditions: which weights a diagnostic model starts from. Pure functions on flat weight vectors.

A condition is one frozen value that prints as a short readable string and parses back from it, so it can be a
notebook parameter, a row label and part of a run's key::

    scratch · full=identity · attention=identity · attention=set mlp=eca · attention=identity noise=0.05
    attention=set shuffle · mlp=eca freeze=mlp · attention=set layer=0 · attention=set scale=0.5 head=0.3 · full=identity shape=4_8_32
"""

import re
from dataclasses import dataclass, fields, replace

import numpy as np

from .model import Architecture, part_of, views
from .randomness import stream

SCOPES = {"attention": "A", "mlp": "F"}


@dataclass(frozen=True)
class Condition:
    """What a model starts from; everything left unset is fresh.

    Attributes:
        full, attention, mlp: name of the source whose weights are copied (attention and MLPs may have different ones; ``set@1`` is the model of the next seed).
        noise: standard deviation of Gaussian noise added to every copied weight. relative_noise: the same, as a share of each
            tensor's own standard deviation. shuffle: entries of each copied tensor permuted within it. statistics: each redrawn
            from a normal with its mean and standard deviation. random_donor: each replaced by a random tensor of the same norm.
            fresh_norm: each scaled to the norm of the fresh tensor in its place, its structure kept and its size gone.
        scale: factor by which each copied tensor is multiplied in the end; a perturbation's random numbers are the same at every scale.
        freeze: ``attention`` or ``mlp``, held fixed in fine-tuning. layer: only this layer is copied. head: "layer.head", only
            this attention head is copied. shape: "layers_heads_width" of the sources where it is not the new model's (:func:`donated`).
    """

    full: str = ""
    attention: str = ""
    mlp: str = ""
    noise: float = 0.0
    relative_noise: float = 0.0
    shuffle: bool = False
    statistics: bool = False
    random_donor: bool = False
    fresh_norm: bool = False
    scale: float = 1.0
    freeze: str = ""
    layer: int = -1
    head: str = ""
    shape: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources it needs, each once."""
        return tuple(dict.fromkeys(s for s in (self.full, self.attention, self.mlp) if s))

    def __str__(self) -> str:
        given = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return " ".join(name if value is True else f"{name}={value}" for name, value in given.items()) or "scratch"

    def __post_init__(self) -> None:
        changes = [self.noise > 0, self.relative_noise > 0, self.shuffle, self.statistics, self.random_donor, self.fresh_norm]
        numbers = self.head.split(".")
        for wrong, problem in (
            (self.full and (self.attention or self.mlp), "full cannot be combined with attention or mlp."),
            (not self.sources and str(self) != "scratch", "nothing is transferred; name a source with full=, attention= or mlp=."),
            (not 0 <= self.noise < np.inf or not 0 <= self.relative_noise < np.inf, "noise and relative_noise must be 0 or more."),
            (not 0 < self.scale < np.inf, "scale must be above 0."),
            (sum(changes) > 1, "give one perturbation: noise, relative_noise, shuffle, statistics, random_donor or fresh_norm."),
            (self.freeze not in ("", *SCOPES), "freeze must be attention or mlp."),
            (self.freeze and not (self.full or getattr(self, self.freeze, "")), f"freeze={self.freeze} needs {self.freeze} to be transferred."),
            (self.head and not (self.attention and not self.mlp and self.layer < 0), "head needs attention= alone, without mlp or layer."),
            (self.head and not (len(numbers) == 2 and all(n.isdigit() for n in numbers)), "head must be layer.head, for example 0.3."),
            (self.shape and not re.fullmatch(r"[1-9]\d*_[1-9]\d*_[1-9]\d*", self.shape), "shape must be layers_heads_width, for example 4_8_32."),
        ):
            if wrong:
                raise ValueError(f"initial_condition {str(self)!r}: {problem}")


def parse(text: str) -> Condition:
    """Read a condition from its string; raises ValueError naming the word that is wrong.

    >>> str(parse("attention=set mlp=eca noise=0.05"))
    'attention=set mlp=eca noise=0.05'
    >>> parse("scratch").sources
    ()
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"initial_condition must be a string such as 'scratch' or 'attention=identity', got {text!r}.")
    if text.strip() == "scratch":
        return Condition()
    kinds = {f.name: f.type for f in fields(Condition)}
    values = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if name not in kinds or name in values or (kinds[name] is bool) == bool(value) or bool(equals) != bool(value):
            raise ValueError(f"initial_condition {text!r}: {word!r} is not understood; it may hold, each once, scratch, "
                             f"{', '.join(n if k is bool else n + '=...' for n, k in kinds.items())}.")  # fmt: skip
        try:
            values[name] = True if kinds[name] is bool else kinds[name](value)
        except ValueError:
            raise ValueError(f"initial_condition {text!r}: {name} must be a number, got {value!r}.") from None
    return Condition(**values)


def initialise(condition: Condition, fresh: np.ndarray, arch: Architecture, donors: dict, *path):
    """Replace the parts of a fresh model that the condition names.

    Args:
        condition: what to do. fresh: (P,) weights of a new model, not changed. arch: its shape.
        donors: source name -> (weights (P',), Architecture). path: names the random stream of a perturbation.

    Returns:
        (weights (P,), frozen (P,) bool, report): the report maps each replaced parameter to a sentence on where it came from.

    Raises:
        ValueError: a donor is missing, has another shape than the model, or than the condition says (a tensor is named), or nothing would be copied.
    """
    flat, frozen, report = fresh.copy(), np.zeros(arch.size, bool), {}
    target = views(flat, arch)
    for source in condition.sources:
        if source not in donors:
            raise ValueError(f"initial_condition '{condition}': there is no donor {source!r}, only {sorted(donors)}.")
    given = {source: donated(*donors[source], arch) for source in condition.sources}
    for name, view in target.items():
        source = _source_of(condition, name)
        if not source or name not in given[source]:
            continue
        _, there = donors[source]
        if part_of(name) != "E" and there.shape != (condition.shape or arch.shape):
            shape = there.shapes.get(name, "no such tensor")
            raise ValueError(f"transfer of {source!r}: tensor {name} has shape {view.shape} here but {shape} in the donor ({there.shape}).")
        cut = _head_slice(condition, name, arch)
        view[cut] = given[source][name][cut]
        action = "embedding" if part_of(name) == "E" else _perturb(condition, view, cut, views(fresh, arch)[name][cut], (*path, str(replace(condition, scale=1.0)), name))
        report[name] = f"{action} from {source}"
        if condition.freeze and part_of(name) == SCOPES[condition.freeze]:
            views(frozen, arch)[name][cut] = True
    expected = {"A", "F", "N"} if condition.full else {SCOPES[s] for s in SCOPES if getattr(condition, s)}
    if missing := expected - {part_of(name) for name in report}:
        raise ValueError(f"initial_condition '{condition}': nothing of part {', '.join(sorted(missing))} would be copied.")
    if bad := [n for n, v in target.items() if not np.isfinite(v).all()]:
        raise ValueError(f"initial_condition '{condition}': the donor has non-finite weights in {', '.join(bad)}.")
    return flat, frozen, report


def _source_of(condition: Condition, name: str) -> str:
    """The source that this parameter comes from, or the empty string."""
    layer = int(condition.head.split(".")[0]) if condition.head else condition.layer
    if layer >= 0 and not name.startswith(f"h.{layer}."):
        return ""
    if condition.full:
        return condition.full
    return {"A": condition.attention, "F": condition.mlp}.get(part_of(name), "")


def donated(weights: np.ndarray, there: Architecture, here: Architecture) -> dict[str, np.ndarray]:
    """Return what a donor of architecture ``there`` has to give for each tensor of a model of architecture ``here``.

    Every row of the token embedding and of the head is the mean token vector; positions are given where the donor has enough.
    Where the shapes differ, layers and features (so heads, where they are equally wide) that the donor lacks repeat from its first on, those
    that it has too many are left out, and a linear map is multiplied by sqrt(donor's inputs / inputs), so that its outputs keep their size.
    """
    donor, out = views(weights, there), {}
    donor["wte.weight"] = donor["lm_head.weight"] = donor["wte.weight"].mean(0, keepdims=True)
    for name, size in here.shapes.items():
        theirs = donor[re.sub(r"(?<=^h\.)\d+", lambda layer: str(int(layer[0]) % there.layers), name)]
        if name == "wpe.weight" and there.positions < here.positions:
            continue
        split = (3, -1) if ".c_attn." in name else (-1,)  # queries, keys, values
        old, new = (z.reshape(*z.shape[:-1], *split) for z in (theirs, np.empty(size)))
        out[name] = old[np.ix_(*(np.arange(n) % m for n, m in zip(new.shape, old.shape)))].reshape(size)
        if part_of(name) in "AF" and len(size) == 2:
            out[name] = out[name] * np.float32(np.sqrt(len(theirs) / size[0]))
    return out


def _head_slice(condition: Condition, name: str, arch: Architecture):
    """Index of the entries that are copied: all of a tensor, or those that belong to one head."""
    if not condition.head:
        return ...
    head, width = int(condition.head.split(".")[1]), arch.width // arch.heads
    if head >= arch.heads:
        raise ValueError(f"initial_condition '{condition}': head must be below {arch.heads}, got {head}.")
    own = np.arange(head * width, (head + 1) * width)
    if "c_attn" in name:
        return (..., np.concatenate([own + i * arch.width for i in range(3)]))
    return (own,) if name.endswith("weight") else np.arange(0)  # rows of the output projection; its bias is no head's


def _perturb(condition: Condition, view: np.ndarray, cut, fresh: np.ndarray, path) -> str:
    """Perturb what was copied into view[cut], in place, and say what was done; ``fresh`` is what stood there before."""
    copied = view[cut]
    if not copied.size:
        return "left fresh, none copied"
    rng, shape, spread = stream("perturb", *path), copied.shape, copied.std()

    def sized(tensor: np.ndarray, like: np.ndarray) -> np.ndarray:
        return tensor * (np.linalg.norm(like) / max(np.linalg.norm(tensor), 1e-30))

    changes = {
        "noise": lambda: copied + rng.normal(0, condition.noise, shape),
        "relative_noise": lambda: copied + rng.normal(0, condition.relative_noise * spread + 1e-30, shape),
        "shuffle": lambda: rng.permutation(copied.reshape(-1)).reshape(shape),
        "statistics": lambda: rng.normal(copied.mean(), spread + 1e-30, shape),
        "random_donor": lambda: sized(rng.normal(size=shape), copied),
        "fresh_norm": lambda: sized(copied, fresh),
    }
    done = [name for name in changes if getattr(condition, name)]
    view[cut] = condition.scale * (changes[done[0]]() if done else copied)
    return " with ".join(["copied", *done, *[f"scale {condition.scale}"] * (condition.scale != 1)])
