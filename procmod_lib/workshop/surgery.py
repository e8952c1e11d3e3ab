"""Checks of sessions B and C: transfers, nulls and a head written by hand, on dicts of tensors."""

from collections.abc import Callable

import numpy as np

from procmod_lib.network import gpt2
from procmod_lib.network.gpt2 import MAPS, Architecture
from procmod_lib.network.inside import head_weights
from procmod_lib.workshop.verdict import check, expect, expect_drawn

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
        if ".attn." in name:
            expect(
                np.array_equal(new[name], donor[name]),
                f"{name} belongs to attention and was not copied.",
            )
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
    answer = make(tensor, np.random.default_rng(0))
    expect(np.array_equal(tensor, before), "the tensor that was given was changed.")
    expect(answer is not None, "the null is None; the function must return a tensor.")
    null = np.asarray(answer)
    expect(null.shape == tensor.shape, f"the shape must stay {tensor.shape}, it is {null.shape}.")
    expect(not np.array_equal(null, tensor), "nothing was changed.")
    again, other = (make(tensor, np.random.default_rng(seed)) for seed in (0, 1))
    expect_drawn(null, again, other, "null")
    return tensor, null


def _neighbours(tensor: np.ndarray) -> set[tuple[float, float]]:
    """Pairs of entries that stand side by side, or one above the other."""
    beside = [(tensor[:, :-1], tensor[:, 1:]), (tensor[:-1], tensor[1:])]
    pairs = [zip(a.ravel().tolist(), b.ravel().tolist(), strict=True) for a, b in beside]
    return {(min(pair), max(pair)) for two in pairs for pair in two}


def _are_together(null: np.ndarray, tensor: np.ndarray) -> bool:
    """Whether the entries of every row of one are those of some row of the other."""
    rows = {tuple(sorted(row)) for row in tensor.tolist()}
    return all(tuple(sorted(row)) in rows for row in null.tolist())


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
    expect(
        not (_are_together(null, tensor) or _are_together(null.T, tensor.T)),
        "entries that shared a row or column still do: shuffle over the whole tensor.",
    )
    expect((null == tensor).mean() < 0.5, "most entries stayed where they were.")
    thirds = zip(np.split(null, 3, axis=1), np.split(tensor, 3, axis=1), strict=True)
    expect(
        all(np.isin(new, old).mean() < 0.6 for new, old in thirds),
        "entries stay among queries, keys or values: shuffle over the whole tensor.",
    )
    kept, known = _neighbours(null), _neighbours(tensor)
    expect(len(kept & known) < len(kept) / 10, "many neighbours are neighbours still.")


def _kurtosis(values: np.ndarray) -> float:
    """The mean fourth power in standard deviations; 3 for normal numbers, 1.8 for uniform ones."""
    return float(np.mean(((values - values.mean()) / values.std()) ** 4))


@check("a random donor keeps one number of the tensor: its norm.")
def check_random_donor(random_donor: Callable) -> None:
    """``random_donor(tensor, rng)`` returns random numbers with the tensor's norm."""
    tensor, null = _null(random_donor)
    expect(
        not np.array_equal(np.sort(null, axis=None), np.sort(tensor, axis=None)),
        "these are the tensor's own entries: that is a shuffle.",
    )
    wanted = np.linalg.norm(tensor)
    for seed in range(5):
        size = np.linalg.norm(random_donor(tensor, np.random.default_rng(seed)))
        expect(
            abs(size / wanted - 1) < 1e-3,
            f"the norm must be {wanted:.3f}, it is {size:.3f}: divide by that of what you drew.",
        )
    flat, given = null.ravel(), tensor.ravel()
    expect(len(set(flat.tolist())) == flat.size, "a number comes more than once: draw each anew.")
    expect(abs(flat.mean()) < 0.2 * flat.std(), "the numbers are not normal: their mean is not 0.")
    expect(
        2.2 < _kurtosis(flat) < 4,
        "the numbers are not normal: too few or too many large ones are among them.",
    )
    through = max(abs(np.corrcoef(f(flat), f(given))[0, 1]) for f in (np.positive, np.abs))
    expect(through < 0.2, "the tensor shines through.")
    for axis in (0, 1):
        norms = [np.linalg.norm(each, axis=axis) for each in (null, tensor)]
        expect(
            not np.allclose(*norms),
            "each row or column has the norm that it had: keep that of the whole alone.",
        )


@check("twelve columns and four rows are all that is loud; nothing was pretrained.")
def check_loud_head(loud_head: Callable) -> None:
    """``loud_head(fresh, spread, rng)`` returns a model with head 0 of layer 1 drawn anew."""
    fresh = example("fresh")
    new = _model(loud_head(fresh, 0.3, np.random.default_rng(0)), fresh)
    _kept(example("fresh"), fresh, "the fresh model")
    _check_places(fresh, new)
    head = _head(new)
    expect(bool(np.isfinite(head).all()), "some weights are not finite.")
    expect(
        len(set(head.tolist())) == head.size,
        "some weights are the same numbers: draw queries, keys, values and output each anew.",
    )
    again, other = (
        _head(loud_head(example("fresh"), 0.3, np.random.default_rng(s))) for s in (0, 1)
    )
    expect_drawn(head, again, other, "head")
    added = _head(loud_head(example("another fresh"), 0.3, np.random.default_rng(0)))
    expect(
        np.array_equal(added, head),
        "the head depends on the weights that were there: draw it anew, and add nothing to it.",
    )
    for spread in (0.3, 0.1):
        _check_sizes(loud_head, spread)


def _check_sizes(loud_head: Callable, spread: float) -> None:
    """Expect normal numbers of this standard deviation in each of the head's four matrices."""
    models = [loud_head(example("fresh"), spread, np.random.default_rng(s)) for s in range(8)]
    flat = [np.concatenate([np.ravel(m[name]) for name in ARCH.shapes]) for m in models]
    heads = [head_weights(each, ARCH, 1, 0) for each in flat]
    for name in MAPS:
        numbers = np.concatenate([np.ravel(head[name]) for head in heads])
        expect(
            0.8 < numbers.std() / spread < 1.2,
            f"the standard deviation of the {name} is {numbers.std():.2f} and should be {spread}.",
        )
        expect(
            _kurtosis(numbers) > 2.2,
            f"the numbers of the {name} are not normal: too few large ones are among them.",
        )


def _head(model: dict) -> np.ndarray:
    """All weights of head 0 of layer 1: queries, keys, values and output, (256,)."""
    flat = np.concatenate([np.ravel(model[name]) for name in ARCH.shapes])
    return np.concatenate([part.ravel() for part in head_weights(flat, ARCH, 1, 0).values()])


def _check_places(fresh: dict, new: dict) -> None:
    """Expect that head 0 of layer 1 was changed, all of it, and nothing else."""
    allowed = {"h.1.attn.c_attn.weight", "h.1.attn.c_proj.weight"}
    touched = {n for n in fresh if not np.array_equal(new[n], fresh[n])}
    expect(bool(touched), "nothing was changed.")
    first = {n for n in touched if n.startswith("h.0.")}
    expect(not first, "layer 0 was changed: layers are counted from 0, the last is layer 1.")
    expect(touched <= allowed, f"{min(touched - allowed, default='')} must stay as it is.")
    joint, output = (new[name] != fresh[name] for name in sorted(allowed))
    size, width = ARCH.width // ARCH.heads, ARCH.width
    mine = [block * width + i for block in range(3) for i in range(size)]
    expect(
        joint.all(0)[mine].all(),
        "queries, keys and values stand side by side: the head has four columns in each of them.",
    )
    expect(joint.any(0).sum() == len(mine), "columns of other heads were changed too.")
    expect(
        not (output.all(0)[:size].all() and not output[:, size:].any()),
        "four columns of c_proj were drawn; a head writes through rows.",
    )
    rows = output.any(1)
    expect(rows[:size].all(), "the head writes through the first four rows of c_proj.")
    expect(rows.sum() == size, "rows of other heads were changed too.")
