"""What each perturbation keeps and destroys."""

import numpy as np
import pytest
from models import ARCH, DONORS, FRESH, changed, head_columns, start

from procmod_lib.initial import initialise, parse
from procmod_lib.network.gpt2 import part_of, views


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


def test_shuffle_keeps_values_and_loses_places():
    new, _, _ = start("attention=identity shuffle")
    for name, donor in views(*DONORS["identity"]).items():
        if part_of(name) == "A":
            assert np.array_equal(np.sort(new[name].ravel()), np.sort(donor.ravel()))
            assert donor.std() == 0 or not np.array_equal(new[name], donor)


@pytest.mark.parametrize(
    "change", ["shuffle", "noise=0.1", "scale=0.5", "shuffle each_head", "even"]
)
def test_a_perturbation_of_biases_leaves_the_weights(change):
    plain, weights, biases, every = (
        start(f"attention=identity {words}")[0]
        for words in ("", f"{change} only=weights", f"{change} only=biases", change)
    )
    for name in ARCH.shapes:
        touched, other = (biases, weights) if name.endswith("bias") else (weights, biases)
        assert np.array_equal(touched[name], every[name])  # the same random numbers
        assert np.array_equal(other[name], plain[name])
    different = {name for name in ARCH.shapes if not np.array_equal(plain[name], every[name])}
    assert {name.rsplit(".", 1)[1] for name in different} == {"weight", "bias"}


def maps_of_heads(new):
    """The last layer's weights and biases, a piece for each map of each head."""
    joint, bias, output = (
        new[f"h.1.attn.{name}"] for name in ("c_attn.weight", "c_attn.bias", "c_proj.weight")
    )
    return [*np.split(joint, 12, axis=1), *np.split(bias, 12), *np.split(output, 4)]


def test_a_shuffle_within_each_head_keeps_the_values_of_each_map():
    new, _, _ = start("attention=identity shuffle each_head")
    plain, _, _ = start("attention=identity shuffle")
    learnt = views(*DONORS["identity"])
    assert all(map(same_values, maps_of_heads(new), maps_of_heads(learnt)))
    assert not any(map(np.array_equal, maps_of_heads(new)[:12], maps_of_heads(learnt)))
    assert not any(map(same_values, maps_of_heads(plain)[:12], maps_of_heads(learnt)))
    assert same_values(new["h.1.attn.c_proj.bias"], learnt["h.1.attn.c_proj.bias"])


def same_values(one, other):
    return np.array_equal(np.sort(one.ravel()), np.sort(other.ravel()))


def test_a_random_donor_within_each_head_keeps_the_norm_of_each_map():
    def norms(new):
        return [np.linalg.norm(piece) for piece in maps_of_heads(new)]

    new, _, _ = start("full=identity random_donor on=attention on_layer=1 each_head")
    learnt, _, _ = start("full=identity")
    assert np.allclose(norms(new), norms(learnt), rtol=1e-5)
    assert not any(map(same_values, maps_of_heads(new)[:12], maps_of_heads(learnt)))
    different = {n for n in ARCH.shapes if not np.array_equal(new[n], learnt[n])}
    assert all(n.startswith("h.1.attn.") for n in different)


def test_even_gives_each_map_of_each_head_the_size_of_its_tensor():
    new, _, _ = start("attention=identity even")
    learnt = views(*DONORS["identity"])
    for name in ("h.1.attn.c_attn.weight", "h.1.attn.c_attn.bias", "h.1.attn.c_proj.weight"):
        axis, count = (0, 4) if "c_proj" in name else (-1, 12)
        pieces = np.split(new[name], count, axis)
        whole = np.sqrt(np.mean(learnt[name] ** 2))
        assert np.allclose([np.sqrt(np.mean(piece**2)) for piece in pieces], whole, rtol=1e-5)
        for piece, theirs in zip(pieces, np.split(learnt[name], count, axis), strict=True):
            assert np.corrcoef(piece.ravel(), theirs.ravel())[0, 1] > 0.9999
    assert np.array_equal(new["h.1.attn.c_proj.bias"], learnt["h.1.attn.c_proj.bias"])
    assert np.array_equal(new["h.1.mlp.c_fc.weight"], start("scratch")[0]["h.1.mlp.c_fc.weight"])


def test_even_comes_after_a_shuffle_and_leaves_its_numbers():
    plain, _, _ = start("attention=identity shuffle each_head")
    evened, _, _ = start("attention=identity shuffle each_head even")
    for one, other in zip(maps_of_heads(plain), maps_of_heads(evened), strict=True):
        assert np.allclose(one / np.linalg.norm(one), other / np.linalg.norm(other), atol=1e-6)


def test_even_leaves_zeros_and_is_about_one_layer_where_it_is_told():
    weights, theirs = DONORS["identity"]
    donor = weights.copy()
    views(donor, theirs)["h.1.attn.c_attn.bias"][:] = 0
    condition = parse("attention=identity even on_layer=1")
    new, _, report = initialise(condition, FRESH, ARCH, {"identity": (donor, theirs)}, 0)
    assert not views(new, ARCH)["h.1.attn.c_attn.bias"].any()
    assert report["h.1.attn.c_attn.weight"] == "copied with even from identity"
    assert report["h.0.attn.c_attn.weight"] == "copied from identity"


def test_another_draw_has_other_places_and_the_same_values():
    first, second = (start(f"attention=identity shuffle{word}")[0] for word in ("", " draw=1"))
    names = [n for n in ARCH.shapes if part_of(n) == "A" and n.endswith("weight")]
    assert names
    assert all(same_values(first[n], second[n]) for n in names)
    assert not any(np.array_equal(first[n], second[n]) for n in names)


def test_one_head_is_shuffled_within_its_maps():
    new, _, _ = start("attention=identity shuffle head=1.2 each_head")
    learnt = views(*DONORS["identity"])
    mine = [piece for at, piece in enumerate(maps_of_heads(new)) if at % 4 == 2]
    donors = [piece for at, piece in enumerate(maps_of_heads(learnt)) if at % 4 == 2]
    assert all(map(same_values, mine, donors))
    assert not any(map(np.array_equal, mine[:3], donors[:3]))
    fresh = maps_of_heads(start("scratch")[0])
    others = [piece for at, piece in enumerate(maps_of_heads(new)) if at % 4 != 2]
    still = [piece for at, piece in enumerate(fresh) if at % 4 != 2]
    assert all(map(np.array_equal, others, still))


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
