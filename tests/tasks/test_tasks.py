"""What the sources and diagnostics are, and what of bad parameters is said."""

from itertools import groupby

import numpy as np
import pytest
from checkers import CHECKS, check_identity, check_reverse

from procmod_lib.randomness import stream
from procmod_lib.tasks import DIAGNOSTICS, SOURCES, bounds, make_task
from procmod_lib.tasks.task import IGNORE


def test_reference_mask_counted():
    expected = {
        "addition": {6},
        "reversed_addition": {11},
        "multiplication": {10, 11},
        "haystack": {1},
        "sorting": {16},
    }
    for name, counts in expected.items():
        assert set(make_task(name).batch(2000, "train", 0).reference.sum(1)) == counts, name


def test_lengths_of_the_paper():
    lengths = {
        n: make_task(n).length
        for n in (
            "haystack",
            "addition",
            "reversed_addition",
            "multiplication",
            "identity",
            "dyck",
            "eca",
        )
    }
    assert lengths == {
        "haystack": 63,
        "addition": 19,
        "reversed_addition": 34,
        "multiplication": 29,
        "identity": 41,
        "dyck": 128,
        "eca": 60,
    }
    haystack = make_task("haystack").batch(5000, "train", 0).tokens
    assert (haystack[:, 0].min(), haystack[:, 0].max()) == (128, 157)
    assert haystack.max() <= 187


def test_haystack_pairs_are_uniform_and_chance_is_what_it_says():
    task = make_task("haystack")
    tokens = task.batch(20000, "train", 1).tokens
    pairs = (tokens >= 128).sum(1) - 1
    assert np.abs(np.bincount(pairs, minlength=31)[1:] / 20000 - 1 / 30).max() < 0.006
    assert task.chance() == pytest.approx(0.133, abs=5e-4)


def test_fixed_lengths_and_all_lengths():
    fixed, every = (
        make_task("identity", lengths=m).batch(2000, "train", 0).answer.sum(1)
        for m in ("fixed", "all")
    )
    assert set(fixed) == {20}
    assert set(every) == set(range(2, 21))


def test_shuffled_control_keeps_tokens_and_loses_order():
    for name in ("dyck", "identity", "set"):
        task, control = make_task(name), make_task(f"{name}_tokens_shuffled")
        a, b = task.batch(50, "train", 0), control.batch(50, "train", 0)
        assert a.tokens.shape == b.tokens.shape
        assert b.tokens.max() < control.vocab
        assert not all(CHECKS_OR_FALSE(name, task, row) for row in b.tokens)
        rows, columns = np.nonzero(b.targets >= 0)
        assert np.array_equal(
            b.tokens[rows, b.positions[rows, columns] + 1], b.targets[rows, columns]
        )


@pytest.mark.parametrize("name", ["dyck", "identity", "set", "eca"])
def test_shuffled_control_has_the_tokens_of_its_source_and_its_padding(name):
    control = make_task(f"{name}_tokens_shuffled")
    task, uniforms = control.task, np.random.default_rng(0).random((40, control.draws))
    a, b = task.build(uniforms[:, : task.draws]), control.build(uniforms)
    for source, shuffled in zip(a.tokens, b.tokens, strict=True):
        assert sorted(map(str, source.tolist())) == sorted(map(str, shuffled.tolist()))
    last = np.where(a.scored, a.positions + 1, 0).max(1)
    for source, shuffled, end in zip(a.tokens, b.tokens, last, strict=True):
        assert np.array_equal(source[end + 1 :], shuffled[end + 1 :])  # padding stays in its place
    assert (a.tokens != b.tokens).any()
    assert np.array_equal(a.positions, b.positions)


def CHECKS_OR_FALSE(name, task, row):
    try:
        return CHECKS[name](task, row)
    except (ValueError, AssertionError, IndexError):
        return False


def test_stack_pushes_more_at_first():
    tokens = make_task("stack").batch(4000, "train", 0).tokens[:, :20]
    pushes = (tokens > 0).mean(0)
    assert abs(pushes[5:13].mean() - 0.75) < 0.06
    assert pushes[15:19].mean() < 0.45


def test_dyck_best_possible_depths_vary():
    tokens = make_task("dyck", k=2, brackets=20).batch(500, "train", 0).tokens
    runs = {max(len(list(g)) for key, g in groupby(row < 2) if key) for row in tokens}
    assert len(runs) > 4


@pytest.mark.parametrize(
    "name, bad, words",
    [
        ("dyck", dict(k=0), "k must be between 1"),
        ("dyck", dict(brackets=7), "brackets must be even"),
        ("eca", dict(rule=256), "rule must be between 0 and 255"),
        ("haystack", dict(pairs=80), "vocab_size must be at least 288"),
        ("addition", dict(digits=14), "digits must be between 1 and 11"),
        ("identity", dict(lengths="some"), "lengths must be 'fixed'"),
        ("identity", dict(list_length=1.5), "list_length must be a whole number"),
        ("stack", dict(symbols=True), "symbols must be a whole number"),
        ("sorting", dict(items=60), "items must be between 2 and 49"),
        ("set", dict(size=3), "there is no parameter 'size'"),
        ("nothing", {}, "task must be one of"),
        ("identity+set", dict(list_length=4), "a mixture has no parameters, got 'list_length'"),
        ("identity+set+sort", {}, "task must mix two sources, as in identity+set"),
    ],
)
def test_bad_parameters_are_named(name, bad, words):
    with pytest.raises(ValueError) as error:
        make_task(name, **bad)
    assert words in str(error.value)
    assert str(error.value).count("\n") == 0


def test_automaton_equals_the_rule_bit_by_bit():
    from procmod_lib.tasks.automaton import evolve, pack_bits, unpack_bits

    for rule in range(256):
        for cells in (3, 63, 64, 65, 130):
            bits = stream("automaton", rule, cells).integers(0, 2, (2, cells))
            slow = [
                [
                    rule >> (4 * row[i - 1] + 2 * row[i] + row[(i + 1) % cells]) & 1
                    for i in range(cells)
                ]
                for row in bits
            ]
            assert unpack_bits(evolve(pack_bits(bits), rule, cells), cells).tolist() == slow


def test_bounds_are_what_the_rules_allow():
    """The best next-bracket accuracy, from counting: the frequency of the likeliest continuation of
    every prefix of short sequences.
    """
    for name in ("dyck", "dyck_shuffle"):
        task = make_task(name, k=2, brackets=6)
        batch = task.build(
            stream("bounds").random((60_000, task.draws))
        )  # all splits: so small a space is not the same in each
        tokens = batch.tokens
        right = 0
        for t in range(1, 6):
            prefix = (tokens[:, :t] * 4 ** np.arange(t)).sum(1)
            table = np.zeros((prefix.max() + 1, 4))
            np.add.at(table, (prefix, tokens[:, t]), 1)
            right += table.max(1).sum()
        assert right / (60_000 * 5) == pytest.approx(task.best(batch), abs=0.003)
    assert bounds.best(make_task("identity")) == 1
    assert bounds.guess(make_task("identity")) == pytest.approx(1 / 20, abs=0.01)
    eca = make_task("eca", cells=8, universe=8, rows=4, steps=9)
    assert bounds.best(eca) == 1
    assert bounds.best(eca.with_(universe=30)) == pytest.approx(7 / 8, abs=0.12)


def test_way_goes_from_guessing_to_what_can_be_reached():
    task = make_task("identity")
    assert bounds.way(task, 16, bounds.guess(task)) == 0
    assert bounds.way(task, 16, 1.0) == 1
    eca = make_task("eca", steps=60)
    low, high = bounds.guess(eca), bounds.best(eca)
    assert bounds.way(eca, 16, low + 0.16 * (high - low)) == pytest.approx(1)


def test_mixture_holds_half_of_each():
    task = make_task("identity+reverse")
    batch = task.batch(2000, "train", 0)
    same = [check_identity(task.first, row) for row in batch.tokens]
    back = [check_reverse(task.first, row) for row in batch.tokens]
    assert all(a or b for a, b in zip(same, back))
    assert 0.44 < np.mean(same) < 0.62
    wide = make_task("dyck+stack")
    both = wide.batch(400, "train", 1)
    rows, columns = np.nonzero(both.targets >= 0)
    assert np.array_equal(
        both.tokens[rows, both.positions[rows, columns] + 1], both.targets[rows, columns]
    )
    assert bounds.best(make_task("identity+reverse")) == 1
    alone = bounds.best(make_task("dyck_shuffle"))
    assert alone < bounds.best(make_task("identity+dyck_shuffle")) < 1
    with pytest.raises(ValueError, match="identity.eca: rows of bits"):
        make_task("identity+eca")


@pytest.mark.parametrize(
    "name", [n for n in SOURCES | DIAGNOSTICS if n not in ("eca", "language_modeling")]
)
def test_every_token_can_be_written_in_a_figure(name):
    task = make_task(name, **(SOURCES | DIAGNOSTICS)[name].example)
    tokens = task.batch(50, "train", 0).tokens.reshape(-1).tolist()
    words = [task.spell(token) for token in tokens]
    assert all(isinstance(word, str) and len(word) < 5 for word in words)
    assert len(set(words)) > 3


@pytest.mark.parametrize("name", ["union", "delete"])
def test_a_curriculum_begins_with_lists_that_the_source_has(name):
    task = make_task(name, lengths="curriculum")
    batch = task.at_length(task.first_length).batch(5, "train", 0)
    assert (batch.targets != IGNORE).any(axis=1).all()


def test_a_control_is_pretrained_as_its_source_is():
    for name in ("eca", "identity"):
        source, control = make_task(name), make_task(f"{name}_tokens_shuffled")
        for field in ("released", "reference", "has_lengths", "full_length", "positions"):
            assert getattr(control, field) == getattr(source, field)
    grown = make_task("identity_tokens_shuffled").with_(lengths="curriculum")
    assert grown.first_length == 2
    assert grown.at_length(4).length == grown.task.at_length(4).length
    assert np.isnan(bounds.best(grown))


def test_the_one_cell_of_a_narrow_automaton_is_counted_once():
    eca = make_task("eca", cells=1)
    assert bounds.guess(eca) <= bounds.best(eca) <= 1
