"""Transfer copies exactly what it says, never changes its input, and raises when it would copy nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procmod_lib import model
from procmod_lib.model import Architecture, part_of, views
from procmod_lib.surgery import Condition, initialise, parse

ARCH = Architecture(50, 40)
FRESH = model.fresh(ARCH, "fresh")
DONORS = {n: (model.fresh(Architecture(23, 60, tied=True), n) + 0.5, Architecture(23, 60, tied=True)) for n in ("identity", "set")}


def start(text, donors=DONORS):
    before = FRESH.copy(), {n: w.copy() for n, (w, _) in donors.items()}
    flat, frozen, report = initialise(parse(text), FRESH, ARCH, donors, 0)
    assert np.array_equal(FRESH, before[0]) and all(np.array_equal(donors[n][0], w) for n, w in before[1].items())
    return views(flat, ARCH), frozen, report


def changed(new):
    return {n for n, v in new.items() if not np.array_equal(v, views(FRESH, ARCH)[n])}


def test_scratch_changes_nothing():
    new, frozen, report = start("scratch")
    assert not changed(new) and not frozen.any() and not report


@pytest.mark.parametrize("text, parts", [("attention=identity", "A"), ("mlp=set", "F"), ("full=identity", "EAFN"), ("attention=set mlp=identity", "AF")])
def test_exactly_the_named_parts(text, parts):
    new, _, report = start(text)
    assert {part_of(n) for n in changed(new)} == set(parts)
    assert changed(new) == set(report) == {n for n in ARCH.shapes if part_of(n) in parts}
    condition = parse(text)
    for name, view in new.items():
        part = part_of(name)
        if part in parts and part != "E":
            source = condition.full or {"A": condition.attention, "F": condition.mlp}[part]
            assert np.array_equal(view, views(*DONORS[source])[name])


def test_full_transfer_of_embeddings():
    new, _, _ = start("full=identity")
    donor = views(*DONORS["identity"])
    assert np.allclose(new["wte.weight"], donor["wte.weight"].mean(0)) and np.allclose(new["lm_head.weight"], donor["wte.weight"].mean(0))
    assert np.array_equal(new["wpe.weight"], donor["wpe.weight"][:40])
    short = {"identity": (model.fresh(Architecture(23, 20, tied=True), "x"), Architecture(23, 20, tied=True))}
    new, _, report = start("full=identity", short)
    assert np.array_equal(new["wpe.weight"], views(FRESH, ARCH)["wpe.weight"]) and "wpe.weight" not in report


def test_shuffle_keeps_values_and_loses_places():
    new, _, _ = start("attention=identity shuffle")
    for name, donor in views(*DONORS["identity"]).items():
        if part_of(name) == "A":
            assert np.array_equal(np.sort(new[name].ravel()), np.sort(donor.ravel()))
            assert donor.std() == 0 or not np.array_equal(new[name], donor)


@pytest.mark.parametrize("text, check", [
    ("noise=0.05", lambda d, v: abs((v - d).std() - 0.05) < 0.01),
    ("relative_noise=0.5", lambda d, v: abs((v - d).std() / d.std() - 0.5) < 0.1),
    ("statistics", lambda d, v: abs(v.mean() - d.mean()) < 0.01 and abs(v.std() / d.std() - 1) < 0.15 and not np.allclose(v, d)),
    ("random_donor", lambda d, v: np.isclose(np.linalg.norm(v), np.linalg.norm(d), rtol=1e-5) and abs(v.mean()) < abs(d.mean())),
])  # fmt: skip
def test_perturbations(text, check):
    new, _, _ = start(f"mlp=identity {text}")
    for name in ("h.0.mlp.c_fc.weight", "h.1.mlp.c_proj.weight"):
        assert check(views(*DONORS["identity"])[name], new[name])
    assert {part_of(n) for n in changed(new)} == {"F"}


def test_the_fresh_norm_keeps_structure_and_loses_size():
    new, _, _ = start("attention=identity layer=1 fresh_norm")
    old, donor = views(FRESH, ARCH), views(*DONORS["identity"])
    for name in ("h.1.attn.c_attn.weight", "h.1.attn.c_proj.weight"):
        assert np.isclose(np.linalg.norm(new[name]), np.linalg.norm(old[name]), rtol=1e-5)
        assert np.allclose(new[name] / np.linalg.norm(new[name]), donor[name] / np.linalg.norm(donor[name]), atol=1e-6)
    assert not new["h.1.attn.c_attn.bias"].any()  # fresh biases are zero
    new, _, _ = start("attention=identity head=1.2 fresh_norm")
    own = [*range(8, 12), *range(24, 28), *range(40, 44)]
    name = "h.1.attn.c_attn.weight"
    assert np.isclose(np.linalg.norm(new[name][:, own]), np.linalg.norm(old[name][:, own]), rtol=1e-5) and not np.allclose(new[name][:, own], old[name][:, own])


@pytest.mark.parametrize("text", ["attention=identity", "attention=identity layer=1", "attention=identity random_donor head=1.2", "full=identity shuffle"])
def test_scale_multiplies_what_was_copied_and_nothing_else(text):
    (plain, frozen, _), (scaled, still, report) = start(text), start(f"{text} scale=0.5")
    for name in ARCH.shapes:
        copied = plain[name] != views(FRESH, ARCH)[name]
        assert np.allclose(scaled[name], np.where(copied & (part_of(name) != "E"), 0.5, 1.0) * plain[name], rtol=1e-6), name
    assert any("scale 0.5" in sentence for sentence in report.values()) and np.array_equal(frozen, still)


def test_layer_head_and_freeze():
    new, _, _ = start("attention=identity layer=1")
    assert changed(new) == {n for n in ARCH.shapes if n.startswith("h.1.attn.")}
    new, _, _ = start("attention=identity head=0.2")
    weight, donor, old = new["h.0.attn.c_attn.weight"], views(*DONORS["identity"])["h.0.attn.c_attn.weight"], views(FRESH, ARCH)["h.0.attn.c_attn.weight"]
    own = np.zeros(48, bool)
    own[[*range(8, 12), *range(24, 28), *range(40, 44)]] = True
    assert np.array_equal(weight[:, own], donor[:, own]) and np.array_equal(weight[:, ~own], old[:, ~own])
    rows = new["h.0.attn.c_proj.weight"] != views(FRESH, ARCH)["h.0.attn.c_proj.weight"]
    assert rows[8:12].all() and not rows[:8].any() and not rows[12:].any()
    new, frozen, _ = start("attention=identity head=0.2 freeze=attention")
    assert {n for n, v in views(frozen, ARCH).items() if v.any()} == changed(new)  # of these tensors, the head's own entries and no others
    assert np.array_equal(views(frozen, ARCH)["h.0.attn.c_attn.weight"].all(0), own) and views(frozen, ARCH)["h.0.attn.c_proj.weight"].sum() == 4 * 16
    _, frozen, _ = start("mlp=identity freeze=mlp")
    assert {n for n, c in ARCH.slices.items() if frozen[c].all()} == {n for n in ARCH.shapes if part_of(n) == "F"}


@pytest.mark.parametrize("text, words", [
    ("attention=", "'attention=' is not understood"), ("full=identity mlp=set", "full cannot be combined"), ("noise=0.1", "nothing is transferred"),
    ("attention=identity noise=-1", "must be 0 or more"), ("attention=identity noise=x", "noise must be a number"),
    ("attention=identity shuffle noise=0.1", "one perturbation"), ("atention=identity", "'atention=identity' is not understood"),
    ("mlp=identity freeze=attention", "needs attention to be transferred"), ("mlp=identity head=0.1", "head needs attention"),
    ("attention=identity head=x", "layer.head"), ("attention=identity noise=nan", "must be 0 or more"), ("", "must be a string"),
    ("attention=identity scale=0", "scale must be above 0"), ("attention=identity scale=inf", "scale must be above 0"), ("scale=2", "nothing is transferred"),
    ("attention=identity shape=2_4", "shape must be layers_heads_width"), ("attention=identity shape=0_4_16", "shape must be layers_heads_width"),
    ("shape=2_4_16", "nothing is transferred"), ("attention=identity attention=set", "is not understood"), ("shuffle=1 attention=identity", "is not understood"),
])  # fmt: skip
def test_bad_conditions_are_named(text, words):
    with pytest.raises(ValueError, match="initial_condition") as error:
        parse(text)
    assert words in str(error.value)


def wide(shape):
    """A donor of another shape, and its tensors."""
    arch = Architecture(23, 60, *map(int, shape.split("_")), tied=True)
    weights = model.fresh(arch, shape) + 0.5
    return {"identity": (weights, arch)}, views(weights, arch)


def test_a_wider_donor_gives_its_first_heads_and_a_narrower_one_repeats_them():
    (donors, donor), (small_donors, small) = wide("2_8_32"), wide("2_2_8")
    new, _, _ = start("full=identity shape=2_8_32", donors)
    name = "h.1.attn.c_attn.weight"
    for i in range(3):  # queries, keys, values: the first four of eight heads, on the first 16 of 32 features
        assert np.allclose(new[name][:, 16 * i : 16 * (i + 1)], donor[name][:16, 32 * i : 32 * i + 16] * np.sqrt(2))
    assert np.array_equal(new["h.0.ln_1.weight"], donor["h.0.ln_1.weight"][:16]) and np.array_equal(new["wpe.weight"], donor["wpe.weight"][:40, :16])
    assert np.array_equal(new["h.0.mlp.c_fc.bias"], donor["h.0.mlp.c_fc.bias"][:64])
    new, _, _ = start("attention=identity shape=2_2_8", small_donors)
    assert np.allclose(new["h.0.attn.c_proj.weight"], np.tile(small["h.0.attn.c_proj.weight"], (2, 2)) / np.sqrt(2))
    assert changed(new) == {n for n in ARCH.shapes if part_of(n) == "A"}


def test_a_shallower_donor_repeats_its_layers_and_a_deeper_one_gives_its_first():
    for shape, layers in (("1_4_16", (0, 0)), ("4_4_16", (0, 1))):
        donors, donor = wide(shape)
        new, _, _ = start(f"mlp=identity shape={shape}", donors)
        for here, there in enumerate(layers):
            assert np.array_equal(new[f"h.{here}.mlp.c_fc.weight"], donor[f"h.{there}.mlp.c_fc.weight"])


@pytest.mark.parametrize("text, shape", [("attention=identity", "2_2_16"), ("attention=identity", "4_4_16"), ("full=identity shape=2_8_32", "2_4_16")])
def test_a_shape_that_was_not_named_is_refused(text, shape):
    with pytest.raises(ValueError, match=r"tensor h\.0\.\S+ has shape .* here but .* in the donor"):
        start(text, wide(shape)[0])


def test_wrong_shapes_and_missing_donors_raise():
    other = Architecture(23, 60, width=32, tied=True)
    with pytest.raises(ValueError, match=r"h\.0\.attn\.c_attn\.weight has shape \(16, 48\) here but \(32, 96\)"):
        start("attention=identity", {"identity": (model.fresh(other, "x"), other)})
    with pytest.raises(ValueError, match="no donor 'stack'"):
        start("mlp=stack")
    with pytest.raises(ValueError, match="nothing of part A would be copied"):
        start("attention=identity layer=7")
    with pytest.raises(ValueError, match="head must be below 4"):
        start("attention=identity head=0.9")
    broken = DONORS["identity"][0].copy()
    broken[ARCH.slices["h.0.ln_1.weight"].start : ] = np.nan
    with pytest.raises(ValueError, match="non-finite"):
        start("attention=identity", {"identity": (broken, DONORS["identity"][1])})


names = st.sampled_from(["identity", "set", "dyck", "eca"])
perturbations = st.one_of(st.just({}), st.builds(lambda x: {"noise": x}, st.floats(1e-4, 10)), st.just({"shuffle": True}), st.just({"statistics": True}))


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.builds(lambda a: {"full": a}, names), st.builds(lambda a, b: {"attention": a, "mlp": b}, names, names)), perturbations)
def test_text_round_trip(parts, perturbation):
    condition = Condition(**parts, **perturbation)
    assert parse(str(condition)) == condition
