"""Transfer copies exactly what it says, never changes its input, and raises when it would copy
nothing.
"""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procmod_lib.initial import Condition, initialise, parse
from procmod_lib.network import gpt2
from procmod_lib.network.gpt2 import Architecture, part_of, views

ARCH = Architecture(50, 40)
FRESH = gpt2.fresh(ARCH, "fresh")
DONORS = {
    n: (gpt2.fresh(Architecture(23, 60, tied=True), n) + 0.5, Architecture(23, 60, tied=True))
    for n in ("identity", "set")
}


def start(text, donors=DONORS):
    before = FRESH.copy(), {n: w.copy() for n, (w, _) in donors.items()}
    flat, frozen, report = initialise(parse(text), FRESH, ARCH, donors, 0)
    assert np.array_equal(FRESH, before[0])
    assert all(np.array_equal(donors[n][0], w) for n, w in before[1].items())
    return views(flat, ARCH), frozen, report


def changed(new):
    return {n for n, v in new.items() if not np.array_equal(v, views(FRESH, ARCH)[n])}


def head_columns(head, width=16, size=4):
    """Columns of the joint projection that belong to a head: its queries, keys and values."""
    return [block * width + head * size + i for block in range(3) for i in range(size)]


@pytest.mark.parametrize("heads", [[(1, 0)], [(1, 0), (1, 2)], [(0, 0), (1, 0)]])
def test_loud_heads_are_drawn_by_hand_and_nothing_else_is(heads):
    text = "loud=0.3 head=" + "+".join(f"{layer}.{head}" for layer, head in heads)
    new, frozen, report = start(text, donors={})
    old = views(FRESH, ARCH)
    assert not frozen.any()
    assert changed(new) == set(report)
    for layer in (0, 1):
        mine = [head for at, head in heads if at == layer]
        columns = np.isin(np.arange(48), [c for head in mine for c in head_columns(head)])
        rows = np.isin(np.arange(16) // 4, mine)
        projection, output = (f"h.{layer}.attn.{name}.weight" for name in ("c_attn", "c_proj"))
        assert np.array_equal(new[projection][:, ~columns], old[projection][:, ~columns])
        assert np.array_equal(new[output][~rows], old[output][~rows])
        if mine:
            assert abs(new[projection][:, columns].std() / 0.3 - 1) < 0.15
            assert abs(new[output][rows].std() / 0.3 - 1) < 0.25


def test_by_hand_the_random_numbers_are_the_same_at_every_size_and_place():
    one, two, twice = (
        start(f"loud={words}", donors={})[0]
        for words in ("0.2 head=1.1", "0.4 head=1.0+1.1", "0.2 layer=1 scale=2.0")
    )
    name, own = "h.1.attn.c_attn.weight", head_columns(1)
    assert np.allclose(2 * one[name][:, own], two[name][:, own])
    assert np.allclose(two[name][:, own], twice[name][:, own])
    other = initialise(parse("loud=0.2 head=1.1"), FRESH, ARCH, {}, 1)[0]
    assert not np.allclose(views(other, ARCH)[name][:, own], one[name][:, own])


@pytest.mark.parametrize("words, block", [("query", 0), ("key", 1), ("value", 2)])
def test_one_map_of_attention(words, block):
    new, _, _ = start(f"attention=identity layer=1 tensors={words}")
    name, columns = "h.1.attn.c_attn.weight", slice(16 * block, 16 * block + 16)
    expected = views(FRESH, ARCH)[name].copy()
    expected[:, columns] = views(*DONORS["identity"])[name][:, columns]
    assert np.array_equal(new[name], expected)
    assert changed(new) == {name, name.replace("weight", "bias")}
    new, _, _ = start("loud=0.3 head=1.0 tensors=output", donors={})
    assert changed(new) == {"h.1.attn.c_proj.weight"}


@pytest.mark.parametrize("text", ["loud=0.3 head=0.0+1.0", "attention=identity"])
def test_quiet_maps_stay_fresh_and_the_others_are_as_without_the_word(text):
    donors = DONORS if "identity" in text else {}
    loud = start(text, donors=donors)[0]
    new, frozen, report = start(f"{text} quiet=0.value+0.output+1.key", donors=donors)
    old = views(FRESH, ARCH)
    assert not frozen.any()
    assert changed(new) == set(report)
    quiet = {0: ["value", "output"], 1: ["key"]}
    for layer in (0, 1):
        for i, name in enumerate(("query", "key", "value")):
            expected = old if name in quiet[layer] else loud
            for kind in ("weight", "bias"):
                tensor = f"h.{layer}.attn.c_attn.{kind}"
                columns = slice(16 * i, 16 * i + 16)
                assert np.array_equal(new[tensor][..., columns], expected[tensor][..., columns])
        expected = old if "output" in quiet[layer] else loud
        tensor = f"h.{layer}.attn.c_proj.weight"
        assert np.array_equal(new[tensor], expected[tensor])


def test_quiet_leaves_other_parts_alone():
    new, _, _ = start("full=identity quiet=0.value")
    whole, _, _ = start("full=identity")
    assert {n for n in new if not np.array_equal(new[n], whole[n])} == {
        "h.0.attn.c_attn.weight",
        "h.0.attn.c_attn.bias",
    }


def test_fan_in_scale_is_one_over_the_root_of_the_inputs():
    new, _, _ = start("fan_in=attention+mlp+embeddings", donors={})
    for name, view in new.items():
        if part_of(name) == "N" or name.endswith("bias"):
            assert np.array_equal(view, views(FRESH, ARCH)[name])
            continue
        inputs = 64 if name.endswith("mlp.c_proj.weight") else 16
        assert abs(view.std() * inputs**0.5 - 1) < 0.15, name


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


@pytest.mark.parametrize(
    "change", ["random_donor", "shuffle", "statistics", "noise=0.1", "scale=0.5", "fresh_norm"]
)
@pytest.mark.parametrize("part, letter", [("attention", "A"), ("mlp", "F")])
def test_a_perturbation_on_one_part_leaves_the_other(change, part, letter):
    plain, new = (
        start(f"attention=identity mlp=set{words}")[0] for words in ("", f" {change} on={part}")
    )
    different = {n for n in ARCH.shapes if not np.array_equal(plain[n], new[n])}
    assert {part_of(n) for n in different} == {letter}
    both = start(f"attention=identity mlp=set {change}")[0]
    assert all(np.array_equal(both[n], new[n]) for n in different)  # the same random numbers


@pytest.mark.parametrize("change", ["shuffle", "noise=0.1", "scale=0.5", "fresh_norm"])
def test_a_perturbation_on_one_layer_leaves_the_others(change):
    plain, new, both = (
        start(f"attention=identity{words}")[0]
        for words in ("", f" {change} on_layer=1", f" {change}")
    )
    different = {n for n in ARCH.shapes if not np.array_equal(plain[n], new[n])}
    assert different
    assert all(n.startswith("h.1.attn.") for n in different)
    assert all(np.array_equal(both[n], new[n]) for n in different)  # the same random numbers


def test_freezing_and_scaling_what_was_written():
    new, frozen, _ = start("loud=0.2 head=1.3 freeze=attention scale=2.0", donors={})
    still = views(frozen, ARCH)
    assert {n for n, v in still.items() if v.any()} == changed(new)
    assert np.array_equal(
        still["h.1.attn.c_attn.weight"].all(0), np.isin(np.arange(48), head_columns(3))
    )
    assert abs(new["h.1.attn.c_attn.weight"][:, head_columns(3)].std() / 0.4 - 1) < 0.15


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


def test_shuffle_keeps_values_and_loses_places():
    new, _, _ = start("attention=identity shuffle")
    for name, donor in views(*DONORS["identity"]).items():
        if part_of(name) == "A":
            assert np.array_equal(np.sort(new[name].ravel()), np.sort(donor.ravel()))
            assert donor.std() == 0 or not np.array_equal(new[name], donor)


@pytest.mark.parametrize(
    "text, check",
    [
        ("noise=0.05", lambda d, v: abs((v - d).std() - 0.05) < 0.01),
        ("relative_noise=0.5", lambda d, v: abs((v - d).std() / d.std() - 0.5) < 0.1),
        (
            "statistics",
            lambda d, v: (
                abs(v.mean() - d.mean()) < 0.01
                and abs(v.std() / d.std() - 1) < 0.15
                and not np.allclose(v, d)
            ),
        ),
        (
            "random_donor",
            lambda d, v: (
                np.isclose(np.linalg.norm(v), np.linalg.norm(d), rtol=1e-5)
                and abs(v.mean()) < abs(d.mean())
            ),
        ),
    ],
)
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
        assert np.allclose(
            new[name] / np.linalg.norm(new[name]),
            donor[name] / np.linalg.norm(donor[name]),
            atol=1e-6,
        )
    assert not new["h.1.attn.c_attn.bias"].any()  # fresh biases are zero
    new, _, _ = start("attention=identity head=1.2 fresh_norm")
    own = [*range(8, 12), *range(24, 28), *range(40, 44)]
    name = "h.1.attn.c_attn.weight"
    assert np.isclose(
        np.linalg.norm(new[name][:, own]), np.linalg.norm(old[name][:, own]), rtol=1e-5
    )
    assert not np.allclose(new[name][:, own], old[name][:, own])


@pytest.mark.parametrize(
    "text",
    [
        "attention=identity",
        "attention=identity layer=1",
        "attention=identity random_donor head=1.2",
        "full=identity shuffle",
    ],
)
def test_scale_multiplies_what_was_copied_and_nothing_else(text):
    (plain, frozen, _), (scaled, still, report) = start(text), start(f"{text} scale=0.5")
    for name in ARCH.shapes:
        copied = plain[name] != views(FRESH, ARCH)[name]
        assert np.allclose(
            scaled[name],
            np.where(copied & (part_of(name) != "E"), 0.5, 1.0) * plain[name],
            rtol=1e-6,
        ), name
    assert any("scale 0.5" in sentence for sentence in report.values())
    assert np.array_equal(frozen, still)


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


@pytest.mark.parametrize(
    "text, words",
    [
        ("attention=", "'attention=' is not understood"),
        ("full=identity mlp=set", "full cannot be combined"),
        ("noise=0.1", "nothing is transferred"),
        ("attention=identity noise=-1", "must be 0 or more"),
        ("attention=identity noise=x", "noise must be a number"),
        ("attention=identity shuffle noise=0.1", "one perturbation"),
        ("atention=identity", "'atention=identity' is not understood"),
        ("mlp=identity freeze=attention", "needs attention to be transferred"),
        ("mlp=identity head=0.1", "head needs attention"),
        ("attention=identity head=x", "layer.head"),
        ("attention=identity noise=nan", "must be 0 or more"),
        ("", "must be a string"),
        ("loud=0", "loud must be above 0"),
        ("loud=-1", "loud must be above 0"),
        ("loud=x", "loud must be a number"),
        ("loud=0.3 attention=identity", "both copied and written"),
        ("loud=0.3 fan_in=attention", "written twice"),
        ("fan_in=norms", "fan_in must be attention, mlp or embeddings"),
        ("loud=0.3 shuffle", "changes what was copied"),
        ("loud=0.3 head=1.0+1.0", "head must be layer.head"),
        ("loud=0.3 tensors=keys", "tensors must be query, key"),
        ("mlp=set tensors=key", "tensors needs attention"),
        ("embeddings=set full=set", "full cannot be combined"),
        ("attention=set on=attention", "on needs a perturbation"),
        ("loud=0.3 head=1.1+1.0", "several in order"),
        ("loud=0.3 head=01.0", "head must be layer.head"),
        ("attention=set layer=1 quiet=0.value", "quiet=0.value names a map that stays fresh"),
        ("loud=0.3 head=1.0 quiet=0.value", "quiet=0.value names a map that stays fresh"),
        ("attention=set tensors=value quiet=0.key", "quiet=0.key names a map that stays fresh"),
        ("attention=set quiet=00.value", "quiet must be layer.query"),
        ("mlp=set loud=0.3 shuffle on=attention", "a perturbation changes what is copied"),
        ("attention=set on_layer=0", "on_layer needs a perturbation"),
        ("attention=set shuffle on_layer=-2", "on_layer must be a whole number"),
        ("attention=set shuffle layer=1 on_layer=1", "on_layer names a layer of several"),
        ("embeddings=set shuffle on_layer=0", "on_layer is about attention, MLPs or norms"),
        ("full=set shuffle on=embeddings on_layer=0", "embeddings are in no layer"),
        ("loud=0.3 scale=2.0 on_layer=1", "on_layer is about what was copied"),
        ("loud=0.3 shape=1_4_16", "shape is that of a source"),
        ("attention=set shuffle on=mlp", "on=mlp needs mlp"),
        ("attention=set shuffle on=music", "on must be attention"),
        ("mlp=set fresh_positions", "fresh_positions needs full"),
        ("attention=identity scale=0", "scale must be above 0"),
        ("attention=identity scale=inf", "scale must be above 0"),
        ("scale=2", "nothing is transferred"),
        ("attention=identity shape=2_4", "shape must be layers_heads_width"),
        ("attention=identity shape=0_4_16", "shape must be layers_heads_width"),
        ("shape=2_4_16", "nothing is transferred"),
        ("attention=identity attention=set", "is not understood"),
        ("mlp=set quiet=0.key", "quiet needs attention"),
        ("loud=0.3 quiet=key", "quiet must be layer.query"),
        ("loud=0.3 quiet=0.key+0.key", "quiet must be layer.query"),
        ("loud=0.3 quiet=0.keys", "quiet must be layer.query"),
        ("shuffle=1 attention=identity", "is not understood"),
        ("embeddings=identity noise=0.5", "embeddings alone are changed with on=embeddings"),
        ("embeddings=identity scale=3.0", "embeddings alone are changed with on=embeddings"),
    ],
)
def test_bad_conditions_are_named(text, words):
    with pytest.raises(ValueError, match="initial_condition") as error:
        parse(text)
    assert words in str(error.value)


@pytest.mark.parametrize(
    "values, words",
    [
        (dict(noise="0.1"), "noise must be a number, got '0.1'"),
        (dict(noise=True), "noise must be a number, got True"),
        (dict(layer=1.5), "layer must be a whole number, got 1.5"),
        (dict(head=1.0), "head must be text, got 1.0"),
        (dict(shuffle=1), "shuffle must be True, got 1"),
    ],
)
def test_values_of_another_kind_are_named(values, words):
    with pytest.raises(ValueError, match=f"initial_condition: {words}"):
        Condition(attention="identity", **values)


def test_a_whole_number_prints_as_it_is_read():
    assert str(Condition(attention="identity", scale=2)) == "attention=identity scale=2.0"
    assert pickle.loads(pickle.dumps(Condition(attention="set", noise=1))) == parse(
        "attention=set noise=1"
    )


def test_weights_by_hand_are_scaled_only_where_it_is_asked():
    plain, _, _ = start("fan_in=attention+mlp")
    new, _, report = start("fan_in=attention+mlp scale=2.0 on=mlp")
    for name in changed(plain):
        factor = 2 if part_of(name) == "F" else 1
        assert np.array_equal(new[name], factor * plain[name])
    assert "0.5" in report["h.0.mlp.c_fc.weight"]
    assert "0.25" in report["h.0.attn.c_attn.weight"]


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


@settings(max_examples=200, deadline=None)
@given(
    st.floats(1e-3, 10),
    st.sets(
        st.sampled_from([f"{layer}.{head}" for layer in (0, 1) for head in range(4)]), min_size=1
    ),
    st.sets(st.sampled_from(["query", "key", "value", "output"])),
    st.sets(st.sampled_from(["0.key", "0.value", "1.query", "1.output"])),
)
def test_text_round_trip_by_hand(spread, heads, tensors, quiet):
    words = {"tensors": "+".join(sorted(tensors))} if tensors else {}
    layers = {head[0] for head in heads}
    quiet = {each for each in quiet if each[0] in layers and (not tensors or each[2:] in tensors)}
    words |= {"quiet": "+".join(sorted(quiet))} if quiet else {}
    condition = Condition(loud=spread, head="+".join(sorted(heads)), **words)
    assert parse(str(condition)) == condition
    try:
        new, _, report = start(str(condition), donors={})
    except ValueError as error:  # every map that is loud was also said to stay quiet
        assert quiet
        assert "nothing would be copied or written of the attention" in str(error)
        return
    assert changed(new) == set(report)


names = st.sampled_from(["identity", "set", "dyck", "eca"])
perturbations = st.one_of(
    st.just({}),
    st.builds(lambda x: {"noise": x}, st.floats(1e-4, 10)),
    st.just({"shuffle": True}),
    st.just({"statistics": True}),
)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.builds(lambda a: {"full": a}, names),
        st.builds(lambda a, b: {"attention": a, "mlp": b}, names, names),
    ),
    perturbations,
)
def test_text_round_trip(parts, perturbation):
    condition = Condition(**parts, **perturbation)
    assert parse(str(condition)) == condition
