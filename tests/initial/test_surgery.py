"""Exactly the named parts are replaced."""

import numpy as np
import pytest
from models import ARCH, DONORS, FRESH, changed, start

from procmod_lib.initial import parse
from procmod_lib.network import gpt2
from procmod_lib.network.gpt2 import Architecture, part_of, views


def test_embeddings_alone_with_positions_and_without():
    new, _, report = start("embeddings=identity")
    donor = views(*DONORS["identity"])
    assert changed(new) == set(report) == {"wte.weight", "wpe.weight", "lm_head.weight"}
    assert np.allclose(new["wte.weight"], donor["wte.weight"].mean(0))
    assert np.array_equal(new["wpe.weight"], donor["wpe.weight"][:40])
    for text in ("embeddings=identity fresh_positions", "full=identity fresh_positions"):
        new, _, _ = start(text)
        assert "wpe.weight" not in changed(new)
        assert "wte.weight" in changed(new)
    new, _, _ = start("embeddings=identity shuffle on=embeddings")
    assert np.array_equal(
        np.sort(new["wpe.weight"].ravel()), np.sort(donor["wpe.weight"][:40].ravel())
    )
    assert not np.array_equal(new["wpe.weight"], donor["wpe.weight"][:40])


def test_scratch_changes_nothing():
    new, frozen, report = start("scratch")
    assert not changed(new)
    assert not frozen.any()
    assert not report


@pytest.mark.parametrize(
    "text, parts",
    [
        ("attention=identity", "A"),
        ("mlp=set", "F"),
        ("full=identity", "EAFN"),
        ("attention=set mlp=identity", "AF"),
    ],
)
def test_exactly_the_named_parts(text, parts):
    new, _, report = start(text)
    assert {part_of(n) for n in changed(new)} == set(parts)
    assert changed(new) == set(report) == {n for n in ARCH.shapes if part_of(n) in parts}
    condition = parse(text)
    for name, view in new.items():
        part = part_of(name)
        if part in parts and part != "E":
            source = condition["full"] or {"A": condition["attention"], "F": condition["mlp"]}[part]
            assert np.array_equal(view, views(*DONORS[source])[name])


def test_full_transfer_of_embeddings():
    new, _, _ = start("full=identity")
    donor = views(*DONORS["identity"])
    assert np.allclose(new["wte.weight"], donor["wte.weight"].mean(0))
    assert np.allclose(new["lm_head.weight"], donor["wte.weight"].mean(0))
    assert np.array_equal(new["wpe.weight"], donor["wpe.weight"][:40])
    short = {
        "identity": (
            gpt2.fresh(Architecture(23, 20, tied=True), "x"),
            Architecture(23, 20, tied=True),
        )
    }
    new, _, report = start("full=identity", short)
    assert np.array_equal(new["wpe.weight"], views(FRESH, ARCH)["wpe.weight"])
    assert "wpe.weight" not in report


def test_layer_head_and_freeze():
    new, _, _ = start("attention=identity layer=1")
    assert changed(new) == {n for n in ARCH.shapes if n.startswith("h.1.attn.")}
    new, _, _ = start("attention=identity head=0.2")
    weight, donor, old = (
        new["h.0.attn.c_attn.weight"],
        views(*DONORS["identity"])["h.0.attn.c_attn.weight"],
        views(FRESH, ARCH)["h.0.attn.c_attn.weight"],
    )
    own = np.zeros(48, bool)
    own[[*range(8, 12), *range(24, 28), *range(40, 44)]] = True
    assert np.array_equal(weight[:, own], donor[:, own])
    assert np.array_equal(weight[:, ~own], old[:, ~own])
    rows = new["h.0.attn.c_proj.weight"] != views(FRESH, ARCH)["h.0.attn.c_proj.weight"]
    assert rows[8:12].all()
    assert not rows[:8].any()
    assert not rows[12:].any()
    new, frozen, _ = start("attention=identity head=0.2 freeze=attention")
    assert {n for n, v in views(frozen, ARCH).items() if v.any()} == changed(
        new
    )  # of these tensors, the head's own entries and no others
    assert np.array_equal(views(frozen, ARCH)["h.0.attn.c_attn.weight"].all(0), own)
    assert views(frozen, ARCH)["h.0.attn.c_proj.weight"].sum() == 4 * 16
    _, frozen, _ = start("mlp=identity freeze=mlp")
    assert {n for n, c in ARCH.slices.items() if frozen[c].all()} == {
        n for n in ARCH.shapes if part_of(n) == "F"
    }


def wide(shape):
    """A donor of another shape, and its tensors."""
    arch = Architecture(23, 60, *map(int, shape.split("_")), tied=True)
    weights = gpt2.fresh(arch, shape) + 0.5
    return {"identity": (weights, arch)}, views(weights, arch)


def test_a_wider_donor_gives_its_first_heads_and_a_narrower_one_repeats_them():
    (donors, donor), (small_donors, small) = wide("2_8_32"), wide("2_2_8")
    new, _, _ = start("full=identity shape=2_8_32", donors)
    name = "h.1.attn.c_attn.weight"
    for i in range(
        3
    ):  # queries, keys, values: the first four of eight heads, on the first 16 of 32 features
        assert np.allclose(
            new[name][:, 16 * i : 16 * (i + 1)], donor[name][:16, 32 * i : 32 * i + 16] * np.sqrt(2)
        )
    assert np.array_equal(new["h.0.ln_1.weight"], donor["h.0.ln_1.weight"][:16])
    assert np.array_equal(new["wpe.weight"], donor["wpe.weight"][:40, :16])
    assert np.array_equal(new["h.0.mlp.c_fc.bias"], donor["h.0.mlp.c_fc.bias"][:64])
    new, _, _ = start("attention=identity shape=2_2_8", small_donors)
    assert np.allclose(
        new["h.0.attn.c_proj.weight"], np.tile(small["h.0.attn.c_proj.weight"], (2, 2)) / np.sqrt(2)
    )
    assert changed(new) == {n for n in ARCH.shapes if part_of(n) == "A"}


def test_a_shallower_donor_repeats_its_layers_and_a_deeper_one_gives_its_first():
    for shape, layers in (("1_4_16", (0, 0)), ("4_4_16", (0, 1))):
        donors, donor = wide(shape)
        new, _, _ = start(f"mlp=identity shape={shape}", donors)
        for here, there in enumerate(layers):
            assert np.array_equal(
                new[f"h.{here}.mlp.c_fc.weight"], donor[f"h.{there}.mlp.c_fc.weight"]
            )


@pytest.mark.parametrize(
    "text, shape",
    [
        ("attention=identity", "2_2_16"),
        ("attention=identity", "4_4_16"),
        ("full=identity shape=2_8_32", "2_4_16"),
    ],
)
def test_a_shape_that_was_not_named_is_refused(text, shape):
    with pytest.raises(ValueError, match=r"tensor h\.0\.\S+ has shape .* here but .* in the donor"):
        start(text, wide(shape)[0])


def test_wrong_shapes_and_missing_donors_raise():
    other = Architecture(23, 60, width=32, tied=True)
    with pytest.raises(
        ValueError, match=r"h\.0\.attn\.c_attn\.weight has shape \(16, 48\) here but \(32, 96\)"
    ):
        start("attention=identity", {"identity": (gpt2.fresh(other, "x"), other)})
    with pytest.raises(ValueError, match="no donor 'stack'"):
        start("mlp=stack")
    with pytest.raises(ValueError, match="layer must be below 2"):
        start("attention=identity layer=7")
    with pytest.raises(ValueError, match="layer must be below 2"):
        start("loud=0.3 quiet=2.key")
    with pytest.raises(ValueError, match="head below 4"):
        start("attention=identity head=0.9")
    broken = DONORS["identity"][0].copy()
    broken[ARCH.slices["h.0.ln_1.weight"].start :] = np.nan
    with pytest.raises(ValueError, match="non-finite"):
        start("attention=identity", {"identity": (broken, DONORS["identity"][1])})
