"""Checks of sessions B and C: transfers, nulls and a head written by hand, on dicts of tensors."""

from collections.abc import Callable

import numpy as np

from procmod_lib.network import gpt2
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.network.inside import head_weights
from procmod_lib.workshop.verdict import check, expect

ARCH = Architecture(40, 30)


def example(name: str) -> dict[str, np.ndarray]:
    """A model as a dict of tensors by GPT-2's names, for trying things out.

    Args:
        name: names its random numbers, for example ``"fresh"`` or ``"donor"``.
    """
    flat = gpt2.fresh(ARCH, "workshop", name) * (10.0 if name == "donor" else 1.0)
    return {n: view.copy() for n, view in gpt2.views(flat, ARCH).items()}


def _kept(before: dict, after: dict, what: str) -> None:
    same = all(np.array_equal(before[n], after[n]) for n in before)
    expect(same, f"{what} was changed; work on a copy.")


def _model(answer, like: dict) -> dict:
    expect(isinstance(answer, dict), "the function must return a dict of tensors.")
    expect(set(answer) == set(like), "the new model must have the same tensors as the fresh one.")
    wrong = [n for n in like if np.shape(answer[n]) != like[n].shape]
    expect(not wrong, f"the shape of {wrong[0] if wrong else ''} is not that of the fresh model.")
    return answer


@check("attention is four tensors a layer; everything else starts fresh.")
def check_attention_only(attention_only: Callable) -> None:
    """``attention_only(fresh, donor)`` returns a new model: the donor's attention, else fresh."""
    fresh, donor = example("fresh"), example("donor")
    new = _model(attention_only(fresh, donor), fresh)
    _kept(example("fresh"), fresh, "the fresh model")
    _kept(example("donor"), donor, "the donor")
    for name in fresh:
        came = np.array_equal(new[name], donor[name]) and not np.array_equal(
            fresh[name], donor[name]
        )
        if ".attn." in name:
            is_zero = not donor[name].any() and not fresh[name].any()
            expect(came or is_zero, f"{name} belongs to attention and was not copied.")
        else:
            expect(
                np.array_equal(new[name], fresh[name]),
                f"{name} is no attention and must stay fresh.",
            )
    for whose, model in (("the donor", donor), ("the fresh model", fresh)):
        expect(
            not any(np.shares_memory(new[n], model[n]) for n in new),
            f"a tensor of {whose} itself is in the new model: training would change both. Copy it.",
        )


def _null(make: Callable) -> tuple[np.ndarray, np.ndarray]:
    """(tensor, its null), checked for what every null must be."""
    tensor = example("donor")["h.1.attn.c_attn.weight"]
    before = tensor.copy()
    null = np.asarray(make(tensor, np.random.default_rng(0)))
    expect(np.array_equal(tensor, before), "the tensor that was given was changed.")
    expect(null.shape == tensor.shape, f"the shape must stay {tensor.shape}, it is {null.shape}.")
    expect(not np.array_equal(null, tensor), "nothing was changed.")
    other = np.asarray(make(tensor, np.random.default_rng(1)))
    expect(
        not np.array_equal(null, other),
        "two generators give the same null: draw from rng, or all tensors are treated alike.",
    )
    return tensor, null


@check("a shuffle keeps every value and loses every place.")
def check_shuffle(shuffle: Callable) -> None:
    """``shuffle(tensor, rng)`` returns the same entries in random places."""
    tensor, null = _null(shuffle)
    expect(
        np.array_equal(np.sort(null, axis=None), np.sort(tensor, axis=None)),
        "the entries are not those of the tensor: a shuffle only moves them.",
    )
    rows = {tuple(row) for row in tensor}
    expect(
        not all(tuple(row) in rows for row in null),
        "whole rows were moved: shuffle the entries, or a part of the structure stays.",
    )
    columns = all(sorted(a) == sorted(b) for a, b in zip(null.T, tensor.T, strict=True))
    lines = all(sorted(a) == sorted(b) for a, b in zip(null, tensor, strict=True))
    expect(not (columns or lines), "entries stay in their row or column: shuffle over the whole.")


@check("a random donor keeps one number of the tensor: its norm.")
def check_random_donor(random_donor: Callable) -> None:
    """``random_donor(tensor, rng)`` returns random numbers with the tensor's norm."""
    tensor, null = _null(random_donor)
    size, wanted = np.linalg.norm(null), np.linalg.norm(tensor)
    expect(
        not np.array_equal(np.sort(null, axis=None), np.sort(tensor, axis=None)),
        "these are the tensor's own entries: that is a shuffle.",
    )
    expect(
        abs(size / wanted - 1) < 1e-3,
        f"the norm must be {wanted:.3f}, it is {size:.3f}: divide by the norm of what you drew.",
    )
    expect(
        np.abs(null).max() > 2 * null.std(),
        "the numbers are not normal: no large one is among them.",
    )
    expect(abs(np.corrcoef(null.ravel(), tensor.ravel())[0, 1]) < 0.2, "the tensor shines through.")


@check("twelve columns and four rows are all that is loud; nothing was pretrained.")
def check_loud_head(loud_head: Callable) -> None:
    """``loud_head(fresh, spread, rng)`` returns a model with head 0 of layer 1 drawn anew."""
    fresh = example("fresh")
    new = _model(loud_head(fresh, 0.3, np.random.default_rng(0)), fresh)
    _kept(example("fresh"), fresh, "the fresh model")
    allowed = {"h.1.attn.c_attn.weight", "h.1.attn.c_proj.weight"}
    touched = {n for n in fresh if not np.array_equal(new[n], fresh[n])}
    expect(bool(touched), "nothing was changed.")
    first = {n for n in touched if n.startswith("h.0.")}
    expect(not first, "layer 0 was changed: layers are counted from 0, the last is layer 1.")
    expect(touched <= allowed, f"{min(touched - allowed, default='')} must stay as it is.")
    joint = (new["h.1.attn.c_attn.weight"] != fresh["h.1.attn.c_attn.weight"]).all(0)
    size, width = ARCH.width // ARCH.heads, ARCH.width
    mine = [block * width + i for block in range(3) for i in range(size)]
    expect(
        joint[mine].all(),
        "queries, keys and values stand side by side: the head has four columns in each of them.",
    )
    expect(joint.sum() == len(mine), "columns of other heads were changed too.")
    rows = (new["h.1.attn.c_proj.weight"] != fresh["h.1.attn.c_proj.weight"]).any(1)
    expect(rows[:size].all(), "the head writes through the first four rows of c_proj.")
    expect(rows.sum() == size, "rows of other heads were changed too.")
    flat = np.concatenate([new[n].ravel() for n in sorted(allowed)])
    maps = head_weights(np.concatenate([new[n].ravel() for n in ARCH.shapes]), ARCH, 1, 0)
    spread = np.concatenate([part.ravel() for part in maps.values()]).std()
    expect(bool(np.isfinite(flat).all()), "some weights are not finite.")
    expect(0.2 < spread < 0.4, f"the standard deviation is {spread:.2f} and should be 0.3.")
    expect(
        not np.allclose(maps["query"], maps["key"]),
        "queries and keys are the same numbers: draw each anew.",
    )
    again = loud_head(example("fresh"), 0.3, np.random.default_rng(1))
    expect(
        not np.array_equal(again["h.1.attn.c_attn.weight"], new["h.1.attn.c_attn.weight"]),
        "two generators give the same head: draw from rng.",
    )
