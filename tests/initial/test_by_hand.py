"""Weights written by hand: loud heads, single maps, quiet ones."""

import numpy as np
import pytest
from models import ARCH, DONORS, FRESH, changed, head_columns, start

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.initial import initialise, parse
from procmod_lib.network.gpt2 import MAPS, part_of, views


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


def test_weights_by_hand_are_scaled_only_where_it_is_asked():
    plain, _, _ = start("fan_in=attention+mlp")
    new, _, report = start("fan_in=attention+mlp scale=2.0 on=mlp")
    for name in changed(plain):
        factor = 2 if part_of(name) == "F" else 1
        assert np.array_equal(new[name], factor * plain[name])
    assert "0.5" in report["h.0.mlp.c_fc.weight"]
    assert "0.25" in report["h.0.attn.c_attn.weight"]


@pytest.mark.parametrize(
    "text, part",
    [
        ("embeddings=identity layer=1", "embeddings"),
        ("fan_in=embeddings layer=0", "embeddings"),
        ("attention=set embeddings=identity layer=1", "embeddings"),
        ("loud=0.3 tensors=query quiet=0.query+1.query", "attention"),
        ("loud=0.3 quiet=" + "+".join(f"{at}.{map}" for at in (0, 1) for map in MAPS), "attention"),
    ],
)
def test_a_start_that_replaces_nothing_is_refused_before_any_source_is_trained(text, part):
    with pytest.raises(ValueError, match=f"nothing would be copied or written of the {part}"):
        fine_tuning_run("haystack", text, "smoke", 0)
