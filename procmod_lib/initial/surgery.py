"""Apply an initial condition: pure functions on flat weight vectors (P,)."""

import numpy as np

from procmod_lib.initial.condition import Condition
from procmod_lib.initial.reach import cut, source_of, spread_of
from procmod_lib.initial.shapes import donated
from procmod_lib.initial.vocabulary import sized
from procmod_lib.initial.words import PARTS, WORDS, Change
from procmod_lib.network.gpt2 import Architecture, part_of, views
from procmod_lib.randomness import stream


def initialise(condition: Condition, fresh: np.ndarray, arch: Architecture, donors: dict, *path):
    """Replace the parts of a fresh model that the condition names.

    Args:
        condition: what to do.
        fresh: (P,) weights of a new model, not changed.
        arch: its shape.
        donors: source name -> (weights (P',), Architecture).
        path: names the random stream of a perturbation and of weights by hand; usually the seed.

    Returns:
        (weights (P,), frozen (P,) bool, report): the report maps each replaced parameter to a
        sentence on where it came from.

    Raises:
        ValueError: a donor is missing, has another shape than the model or than the condition says
            (a tensor is named) or holds numbers that are not finite, or the condition does not fit
            the shape.
    """
    flat, frozen, report = fresh.copy(), np.zeros(arch.size, bool), {}
    condition.check(arch)
    given = {source: _given(condition, source, arch, donors) for source in condition.sources}
    still = views(frozen, arch)
    for name, view in views(flat, arch).items():
        index = cut(condition, name, arch)
        source = source_of(condition, name)
        if index is None:
            continue
        if source and name in given[source]:
            tensor = given[source][name]
            report[name] = _copy(condition, source, tensor, view, index, name, arch, path)
        elif spread := spread_of(condition, name, view.shape):
            is_scaled = not condition["on"] or _is_touched(condition, name)
            scale = condition["scale"] if is_scaled else 1.0
            view[index] = scale * written(name, view.shape, spread, *path)[index]
            report[name] = f"drawn by hand with standard deviation {scale * spread:g}"
        if name in report and condition["freeze"] and part_of(name) == PARTS[condition["freeze"]]:
            still[name][index] = True
    bad = [name for name, view in views(flat, arch).items() if not np.isfinite(view).all()]
    if bad:
        raise ValueError(
            f"initial_condition '{condition}': the donor has non-finite weights in "
            f"{', '.join(bad)}."
        )
    return flat, frozen, report


def _given(
    condition: Condition, source: str, arch: Architecture, donors: dict
) -> dict[str, np.ndarray]:
    """The tensors that a source has to give, in the model's shape."""
    if source not in donors:
        raise ValueError(
            f"initial_condition '{condition}': there is no donor {source!r}, only {sorted(donors)}."
        )
    weights, there = donors[source]
    if there.shape != (condition["shape"] or arch.shape):
        names = [n for n in arch.shapes if source_of(condition, n) == source]
        name = min(names, key=lambda n: part_of(n) == "E")  # the first that is no embedding
        shape = there.shapes.get(name, "no such tensor")
        raise ValueError(
            f"transfer of {source!r}: tensor {name} has shape {arch.shapes[name]} here but {shape} "
            f"in the donor ({there.shape})."
        )
    return donated(weights, there, arch)


def written(name: str, shape: tuple[int, ...], spread: float, *path) -> np.ndarray:
    """A tensor by hand.

    The same random numbers at every standard deviation and for every choice of heads.
    """
    return (spread * stream("by hand", *path, name).normal(size=shape)).astype(np.float32)


def _is_touched(condition: Condition, name: str) -> bool:
    """Whether a perturbation, a scale or even is about this parameter."""
    parts = {PARTS[part] for part in condition["on"].split("+")} if condition["on"] else set("AFN")
    layer, only = condition["on_layer"], condition["only"]
    is_there = layer < 0 or name.startswith(f"h.{layer}.")
    is_asked = not only or (only == "biases") == name.endswith("bias")
    return part_of(name) in parts and is_there and is_asked


def _copy(condition: Condition, source: str, tensor, view, index, name: str, arch, path) -> str:
    """Copy a source's tensor into view[index], perturb and scale it; say what was done."""
    fresh = np.array(view[index])  # keeps the order in memory, and with it the order of sums
    view[index] = tensor[index]
    if not _is_touched(condition, name):
        return f"{'embedding' if part_of(name) == 'E' else 'copied'} from {source}"
    copied, words = view[index], ["copied"]
    for word, value in condition.of_kind(Change).items():
        told = condition.text("scale", "on", "on_layer", "only", "even")
        rng = stream("perturb", *path, told, name)
        axis, count = _pieces(name, copied.shape, arch) if condition["each_head"] else (0, 1)
        pairs = zip(np.split(copied, count, axis), np.split(fresh, count, axis), strict=True)
        changed = [WORDS[word].apply(piece, value, like, rng) for piece, like in pairs]
        copied = changed[0] if count == 1 else np.concatenate(changed, axis)
        words.append(word)
    if condition["even"]:
        copied = _evened(copied, *_pieces(name, copied.shape, arch))
        words.append("even")
    view[index] = condition["scale"] * copied
    if condition["scale"] != 1:
        words.append(f"scale {condition['scale']}")
    return f"{' with '.join(words)} from {source}"


def _pieces(name: str, shape: tuple[int, ...], arch: Architecture) -> tuple[int, int]:
    """Into how many equal pieces along which axis a tensor falls, one for each map of each head.

    An output bias is no head's; it and everything that is not attention is one piece.
    """
    axis = -1 if "c_attn" in name else 0
    is_of_heads = "c_attn" in name or name.endswith("attn.c_proj.weight")
    return axis, shape[axis] * arch.heads // arch.width if is_of_heads else 1


def _evened(tensor: np.ndarray, axis: int, count: int) -> np.ndarray:
    """A tensor whose equal pieces along an axis all have its root mean square; zeros stay zero."""
    like = np.full(1, np.linalg.norm(tensor) / np.sqrt(count))
    return np.concatenate([sized(each, like) for each in np.split(tensor, count, axis)], axis)
