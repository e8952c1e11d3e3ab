"""What is seen inside a model is what Hugging Face's model does."""

import numpy as np
import pytest
import torch

from procmod_lib.initial import initialise, parse
from procmod_lib.network import gpt2, huggingface, inside
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.randomness import stream
from procmod_lib.tasks import make_task

TASK = make_task("haystack", pairs=4, values=20, vocab_size=40)
ARCH = Architecture(40, 20)
BATCH = TASK.batch(64, "test", 0)


def started(text):
    return initialise(parse(text), gpt2.fresh(ARCH, "inside"), ARCH, {}, 0)[0]


def test_attention_maps_are_those_of_hugging_face():
    flat = started("loud=0.3 head=0.1+1.0")
    maps = inside.attention_maps(flat, ARCH, BATCH.tokens)
    model = huggingface.to_huggingface(flat, ARCH)
    model.set_attn_implementation("eager")
    with torch.no_grad():
        tokens = torch.from_numpy(BATCH.tokens.astype(np.int64))
        theirs = model(tokens, output_attentions=True).attentions
    assert maps.shape == (64, 2, 4, TASK.length, TASK.length)
    for layer in (0, 1):
        np.testing.assert_allclose(maps[:, layer], theirs[layer].numpy(), atol=1e-5)


def test_a_quiet_start_reads_its_tokens_and_a_loud_first_layer_drowns_them():
    quiet, loud = (
        inside.start_numbers(started(text), ARCH, BATCH)[0]
        for text in ("loud=0.3 head=1.0", "loud=0.5 head=0.0")
    )
    assert quiet > 0.95
    assert loud < 0.3


def test_a_write_is_selective_only_where_looks_and_values_are_loud():
    size = {
        words: inside.start_numbers(started(f"loud=0.5 head=1.0 {words}".strip()), ARCH, BATCH)[1]
        for words in ("", "tensors=query+key", "tensors=value+output")
    }
    assert size[""] > 20 * size["tensors=query+key"]
    assert size[""] > 20 * size["tensors=value+output"]


def test_an_even_look_writes_nothing_selectively():
    flat = started("loud=0.5 head=1.0 tensors=value+output")
    for head in range(4):
        for name in ("query", "key"):
            inside.head_weights(flat, ARCH, 1, head)[name][...] = 0.0
    assert inside.start_numbers(flat, ARCH, BATCH)[1] < 1e-6


def test_the_needle_is_the_value_behind_the_key_that_the_query_names():
    needle = TASK.needle(BATCH)
    for row in range(len(BATCH)):
        at, query = needle[row], BATCH.tokens[row, BATCH.positions[row, 0]]
        assert BATCH.tokens[row, at] == BATCH.targets[row, 0]
        assert BATCH.tokens[row, at - 1] == query - TASK.pairs


def test_knocking_out_a_head_silences_it_alone():
    flat = started("loud=0.3 head=1.0+1.1")
    without = inside.without_head(flat, ARCH, 1, 0)
    assert not inside.head_weights(without, ARCH, 1, 0)["output"].any()
    same = inside.without_head(without, ARCH, 1, 1) != without
    assert np.flatnonzero(flat != without).size == 4 * 16
    assert np.flatnonzero(same).size == 4 * 16
    for name in ("query", "key", "value"):
        ours, theirs = (inside.head_weights(f, ARCH, 1, 0)[name] for f in (flat, without))
        assert np.array_equal(ours, theirs)


def test_parts_of_a_gradient_add_up():
    gradient = inside.gradients(started("scratch"), ARCH, BATCH)
    parts = inside.by_part(gradient, ARCH)
    assert set(parts) == {"E", "A0", "F0", "A1", "F1", "N"}
    whole = float(np.square(gradient).sum())
    assert sum(size**2 for size in parts.values()) == pytest.approx(whole, rel=1e-5)


def test_accuracy_counts_scored_outputs():
    flat = started("scratch")
    flat = stream("inside accuracy").normal(0, 1, flat.shape).astype(np.float32)
    model = huggingface.to_huggingface(flat, ARCH)
    with torch.no_grad():
        guesses = model(torch.from_numpy(BATCH.tokens).long()).logits.argmax(-1).numpy()
    right = guesses[np.arange(len(BATCH)), BATCH.positions[:, 0]] == BATCH.targets[:, 0]
    assert 0 < right.mean() < 1
    assert inside.accuracy(flat, ARCH, BATCH) == pytest.approx(right.mean())
    gpt2.views(flat, ARCH)["lm_head.weight"][...] = 0.0  # every logit the same: token 0, the pad
    assert inside.accuracy(flat, ARCH, BATCH) == 0.0
