"""Initial conditions as text: read, written, refused."""

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import changed, start

from procmod_lib.initial import Condition, parse
from procmod_lib.initial.words import TENSORS


@pytest.mark.parametrize(
    "text, words",
    [
        ("attention=", "'attention=' is not understood"),
        ("full=identity mlp=set", "full cannot be combined"),
        ("noise=0.1", "nothing is transferred"),
        ("attention=identity noise=-1", "must be numbers of 0 or more"),
        ("attention=identity noise=x", "noise must be numbers of 0"),
        ("attention=identity shuffle noise=0.1", "one perturbation"),
        ("atention=identity", "'atention=identity' is not understood"),
        ("mlp=identity freeze=attention", "needs attention to be transferred"),
        ("mlp=identity head=0.1", "head needs attention"),
        ("attention=identity head=x", "layer.head"),
        ("attention=identity noise=nan", "must be numbers of 0 or more"),
        ("", "must be a string"),
        ("loud=0", "loud must be a number above 0"),
        ("loud=1e39", "loud must be a number above 0, at most 1,000,000"),
        ("loud=x", "loud must be a number above 0"),
        ("attention=set layer=0.5", "layer must be a whole number"),
        ("attention=set layer=1_0", "layer must be a whole number"),
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
        ("attention=set only=biases", "only needs a perturbation, a scale or even"),
        ("attention=set shuffle only=norms", "only must be weights or biases"),
        ("loud=0.3 scale=2.0 only=weights", "only is about what was copied"),
        ("mlp=set loud=0.3 scale=2.0 only=biases", "nothing may be written by hand beside it"),
        ("embeddings=set shuffle on=embeddings only=biases", "embeddings have no biases"),
        ("attention=set each_head", "each_head needs a perturbation of copied attention"),
        ("attention=set scale=2.0 each_head", "each_head needs a perturbation"),
        ("mlp=set shuffle each_head", "each_head needs a perturbation of copied attention"),
        ("full=set shuffle on=mlp each_head", "each_head needs a perturbation of copied"),
        ("mlp=set loud=0.3 shuffle each_head", "each_head needs a perturbation of copied"),
        ("attention=set draw=1", "draw needs a perturbation that draws numbers"),
        ("attention=set fresh_norm draw=1", "draw needs a perturbation that draws numbers"),
        ("attention=set shuffle draw=-1", "draw must be a whole number"),
        ("mlp=set even", "even needs copied attention"),
        ("loud=0.3 even", "even needs copied attention"),
        ("full=set even on=mlp", "even needs copied attention"),
        ("full=set mlp=set shuffle even", "full cannot be combined"),
        ("attention=set shuffle on_layer=-2", "on_layer must be a whole number"),
        ("attention=set shuffle layer=1 on_layer=1", "on_layer names a layer of several"),
        ("embeddings=set shuffle on_layer=0", "on_layer is about attention, MLPs or norms"),
        ("full=set shuffle on=embeddings on_layer=0", "embeddings are in no layer"),
        ("loud=0.3 scale=2.0 on_layer=1", "on_layer is about what was copied"),
        ("loud=0.3 shape=1_4_16", "shape is that of a source"),
        ("attention=set shuffle on=mlp", "on=mlp needs mlp"),
        ("attention=set shuffle on=music", "on must be attention"),
        ("mlp=set fresh_positions", "fresh_positions needs full"),
        ("attention=identity scale=0", "scale must be a number above 0"),
        ("attention=identity scale=inf", "scale must be a number above 0"),
        ("scale=2", "nothing is transferred"),
        ("attention=identity shape=2_4", "shape must be layers_heads_width"),
        ("attention=identity shape=0_4_16", "shape must be layers_heads_width"),
        ("attention=identity shape=2_3_16", "the width a multiple of heads"),
        ("shape=2_4_16", "nothing is transferred"),
        ("attention=identity attention=set", "is not understood"),
        ("mlp=set quiet=0.key", "quiet needs attention"),
        ("loud=0.3 quiet=key", "quiet must be layer.query"),
        ("loud=0.3 quiet=0.key+0.key", "quiet must be layer.query"),
        ("loud=0.3 quiet=0.keys", "quiet must be layer.query"),
        ("loud=0.3 quiet=0.output+0.value", "several in order with + between"),
        ("loud=0.3 tensors=key+query", "several of them in this order"),
        ("fan_in=mlp+attention", "several of them in this order"),
        ("attention=identity shuffle on=norms+attention", "several of them in this order"),
        ("attention=identity shape=²_4_16", "shape must be layers_heads_width"),
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
        (dict(shuffle=0), "shuffle must be True, got 0"),
        (dict(scale=True), "scale must be a number, got True"),
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
    words = {"tensors": "+".join(sorted(tensors, key=TENSORS.index))} if tensors else {}
    layers = {head[0] for head in heads}
    quiet = {each for each in quiet if each[0] in layers and (not tensors or each[2:] in tensors)}
    in_order = sorted(quiet, key=lambda each: (each[0], TENSORS.index(each[2:])))
    words |= {"quiet": "+".join(in_order)} if quiet else {}
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
