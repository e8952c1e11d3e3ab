"""Each task against an independent, slow statement of its rule; masks and splits counted."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from math import perm

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from procmod_lib.randomness import fingerprint, stream
from procmod_lib.tasks import DIAGNOSTICS, SOURCES, bounds, make_task
from procmod_lib.tasks.lists import ListTask
from procmod_lib.tasks.task import IGNORE


def split_list(task, row):
    """(payload, output) of a list task's row, checked to be payload, separator, output, padding."""
    row, pad = list(row), task.symbols + 1
    cut = row.index(task.symbols)
    tail = row[cut + 1 :]
    output = [t for t in tail if t != pad]
    assert tail == output + [pad] * (len(tail) - len(output))
    assert all(1 <= t < task.symbols for t in row[:cut] if t)
    assert len(row) == task.length
    return row[:cut], output


def check_identity(task, row):
    payload, output = split_list(task, row)
    return output == payload


def check_set(task, row):
    payload, output = split_list(task, row)
    return output == list(dict.fromkeys(payload))


def check_reverse(task, row):
    payload, output = split_list(task, row)
    return output == payload[::-1]


def check_sort(task, row):
    payload, output = split_list(task, row)
    return output == sorted(payload)


def check_union(task, row):
    payload, output = split_list(task, row)
    middle = payload.index(0)
    return middle == len(payload) // 2 and output == list(
        dict.fromkeys(payload[:middle] + payload[middle + 1 :])
    )


def check_delete(task, row):
    payload, output = split_list(task, row)
    *before, divider, gone = payload
    return divider == 0 and 0 not in before and output == [t for t in before if t != gone]


def check_stack(task, row):
    payload, output = split_list(task, row)
    stack = []
    for i, token in enumerate(payload):
        must_push = len(stack) <= 1
        if token == 0:
            if must_push:
                return False
            stack.pop()
        else:
            if token in stack or (i == len(payload) - 1 and not must_push):
                return False
            stack.append(token)
    return output == stack[::-1] and len(payload) == task.operations


def check_dyck(task, row):
    stack = []
    for token in row:
        if token < task.k:
            stack.append(token)
        elif not stack or stack.pop() != token - task.k:
            return False
    return not stack


def check_dyck_shuffle(task, row):
    count = [0] * task.k
    for token in row:
        count[token % task.k] += 1 if token < task.k else -1
        if min(count) < 0 or sum(count) > task.max_depth:
            return False
    return True


def check_eca(task, rows):
    """Inside the crop every bit follows from the three above it; the crop's edges see cells that
    are not shown.
    """
    for above, row in zip(rows, rows[1:]):
        for i in range(1, task.cells - 1):
            if row[i] != task.rule >> int(4 * above[i - 1] + 2 * above[i] + above[i + 1]) & 1:
                return False
    return True


def check_haystack(task, row):
    row = list(row)
    while row[-1] == 0:
        row.pop()
    *pairs, query, value = row
    context = dict(zip(pairs[::2], pairs[1::2]))
    good = all(
        task.values < k <= task.values + task.pairs and 1 <= v <= task.values
        for k, v in context.items()
    )
    return (
        good
        and len(context) == len(pairs) // 2
        and len(row) % 2 == 0
        and context.get(query - task.pairs) == value
    )


def check_arithmetic(task, row):
    text = "".join("0123456789+=_"[t] if t < 13 else "." if t == 30 else str(t - 20) for t in row)
    body, _, rest = text.partition(".")
    left, answer = body.split("=")
    a, b = left.split("+")
    order = -1 if task.name == "reversed_addition" else 1
    x, y, z = (int(n[::order]) for n in (a, b, answer))
    right = x * y if task.name == "multiplication" else x + y
    exact = all(len(n) == task.digits and n[::order][0] != "0" for n in (a, b))
    return (
        exact
        and z == right
        and len(answer) == len(str(right))
        and set(rest) <= {"_"}
        and all(t >= 20 for t in row[2 * task.digits + 2 :][: len(answer)])
    )


def check_sorting(task, row):
    payload, separator, output = (
        list(row[: task.items]),
        row[task.items],
        list(row[task.items + 1 :]),
    )
    return (
        separator == 0 and output == sorted(payload) and all(1 <= t <= task.values for t in payload)
    )


check_addition = check_reversed_addition = check_multiplication = check_arithmetic
NAMES = [n for n in [*SOURCES, *DIAGNOSTICS] if n != "language_modeling"]
CHECKS = {n: globals()[f"check_{n}"] for n in NAMES if f"check_{n}" in globals()}


def test_every_task_has_an_independent_checker():
    missing = [f"check_{name}" for name in NAMES if name not in CHECKS]
    assert missing == [], "write these functions in tests/tasks/test_tasks.py: task, row -> bool"


integers = st.integers
PARAMETERS = {
    "identity": dict(
        symbols=integers(9, 40),
        list_length=integers(4, 25),
        lengths=st.sampled_from(["fixed", "all", "curriculum"]),
    ),
    "stack": dict(symbols=integers(6, 40), operations=integers(5, 30)),
    "dyck": dict(k=integers(2, 20), brackets=integers(5, 40).map(lambda n: 2 * n)),
    "dyck_shuffle": dict(
        k=integers(2, 20), brackets=integers(5, 40).map(lambda n: 2 * n), max_depth=integers(1, 20)
    ),
    "eca": dict(
        rule=integers(0, 255),
        rows=integers(3, 12),
        cells=integers(12, 20),
        universe=integers(20, 30),
        steps=integers(12, 30),
    ),
    "haystack": dict(pairs=integers(3, 30), values=integers(20, 127), vocab_size=st.just(256)),
    "addition": dict(digits=integers(2, 11)),
    "reversed_addition": dict(digits=integers(2, 11)),
    "multiplication": dict(digits=integers(2, 7)),
    "sorting": dict(items=integers(3, 30), values=integers(9, 200)),
}
for _name in ("set", "reverse", "sort", "union", "delete"):
    PARAMETERS[_name] = PARAMETERS["identity"]


@pytest.mark.parametrize("name", CHECKS)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_independent_checker_accepts_every_sample(name, data):
    """1,000 samples at each of ten random sets of parameters."""
    task = make_task(name, **{k: data.draw(v) for k, v in PARAMETERS.get(name, {}).items()})
    batch = task.batch(1000, "train", data.draw(integers(0, 9)))
    assert batch.tokens.shape[:2] == (1000, task.length)
    assert batch.tokens.min() >= 0
    assert batch.tokens.max() < max(2, task.vocab)
    for row in batch.tokens:
        assert CHECKS[name](task, row), row.tolist()
    scored = batch.targets.reshape(1000, batch.positions.shape[1], -1)[:, :, 0] >= 0
    row, column = np.nonzero(scored)
    after = batch.tokens[row, batch.positions[row, column] + 1]
    assert np.array_equal(after, batch.targets[row, column])
    assert np.array_equal(scored, batch.reference | batch.answer)
    assert scored.any(1).all()


@pytest.mark.parametrize("name", CHECKS)
def test_independent_checker_rejects_mutated_samples(name):
    """A wrong token among the scored ones breaks the rule (brackets: any wrong token)."""
    task = (
        make_task(name)
        if name != "eca"
        else make_task(name, rows=8, cells=12, universe=16, steps=20)
    )
    batch, rng = task.batch(300, "train", 5), stream("mutation", name)
    caught = 0
    for tokens, positions, targets in zip(
        batch.tokens.copy(),
        batch.positions,
        batch.targets.reshape(300, batch.positions.shape[1], -1),
    ):
        at = rng.choice(positions[targets[:, 0] >= 0]) + 1
        if name == "eca":
            tokens[at, 5] ^= 1
        else:
            tokens[at] = (tokens[at] + 1 + rng.integers(task.vocab - 1)) % task.vocab
        try:
            caught += not CHECKS[name](task, tokens)
        except (ValueError, AssertionError, IndexError, KeyError):
            caught += 1
    limit = {
        "dyck_shuffle": 60,
        "addition": 270,
        "reversed_addition": 280,
        "multiplication": 270,
    }.get(name, 300)
    assert caught >= limit, (
        caught
    )  # the pad after the stop may be any pad; a shuffle language forgives many changes


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


@pytest.mark.parametrize("name", [n for n in CHECKS if n != "eca"])
def test_same_samples_on_another_batch_split(name):
    task = make_task(name)
    whole, rng = task.sample(300, stream("x"), "train"), stream("x")
    parts = [task.sample(n, rng, "train") for n in (1, 99, 200)]
    assert np.array_equal(whole.tokens, np.concatenate([p.tokens for p in parts]))


DIGEST = """
import hashlib, sys
from procmod_lib.tasks import make_task
for name in sys.argv[1].split(","):
    batch = make_task(name).batch(20 if name == "eca" else 500, "train", 3, 7)
    print(hashlib.sha256(batch.tokens.tobytes()).hexdigest())
"""


def test_same_samples_in_another_process_and_on_other_threads():
    names = list(CHECKS)
    here = [
        hashlib.sha256(
            make_task(n).batch(20 if n == "eca" else 500, "train", 3, 7).tokens.tobytes()
        ).hexdigest()
        for n in names
    ]
    for threads in ("1", "7"):
        env = {**os.environ, "OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads}
        done = subprocess.run(
            [sys.executable, "-c", DIGEST, ",".join(names)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=env,
        )
        assert done.stdout.split() == here, done.stderr
    with ThreadPoolExecutor(4) as pool:
        again = list(
            pool.map(
                lambda n: make_task(n).batch(20 if n == "eca" else 500, "train", 3, 7).tokens, names
            )
        )
    assert [hashlib.sha256(t.tobytes()).hexdigest() for t in again] == here


MANY = 100_000  # samples of a seed or split whose hashes are compared


@pytest.mark.parametrize("name", list(CHECKS))
def test_no_sample_in_two_splits(name):
    """Slow generators: fewer samples (the splits cannot meet, whatever the number; this looks
    whether that is so).
    """
    task, n = (
        make_task(name),
        {"stack": MANY // 5, "dyck": MANY // 5, "dyck_shuffle": MANY // 10, "eca": 200}.get(
            name, MANY
        ),
    )
    prints = {s: fingerprint(task.batch(n, s, 0).tokens) for s in ("train", "validation", "test")}
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert not np.isin(prints[one], prints[other]).any()


def space_of(name, task, tokens):
    """How many different samples there are of the kind that each row of tokens is (so many pairs,
    so long a list), (n,) floats.
    """
    if name == "haystack":
        pairs = (tokens >= 128).sum(1) - 1
        arrangements = np.array(
            [perm(30, int(p)) * 127 ** int(p) * max(1, int(p)) for p in range(31)], dtype=object
        ).astype(float)
        return arrangements[pairs]
    if isinstance(task, ListTask):  # a divider stands where a token was drawn
        drawn = np.argmax(tokens == task.symbols, 1) - (name in ("union", "delete"))
        return (task.symbols - 1.0) ** drawn
    assert name in SPACES, "say in SPACES how many different samples this task has"
    return np.full(len(tokens), SPACES[name])


SPACES = {
    "addition": 9e4**2,
    "reversed_addition": 9e9**2,
    "multiplication": 9e4**2,
    "sorting": 99.0**16,
    "stack": 4.0**20,
    "dyck": 1e50,
    "dyck_shuffle": 1e50,
    "eca": 1e50,
}


@pytest.mark.parametrize("name", [n for n in CHECKS if n != "eca"])
def test_no_sample_in_two_seeds(name):
    """1e5 samples of each of 20 seeds share none, but for as many as chance allows where the space
    is small (few pairs, short lists, 5-digit sums).
    """
    task, each = (
        make_task(name),
        MANY if name != "dyck_shuffle" else MANY // 10,
    )  # a slow generator: fewer
    prints, spaces = [], []
    for seed in range(20):
        tokens = task.batch(each, "train", seed).tokens
        prints.append(np.unique(fingerprint(tokens), return_index=True)[0])
        spaces.append(space_of(name, task, tokens))
    drawn = np.concatenate(prints)
    shared = len(drawn) - len(np.unique(drawn))
    expected = 0.0
    for space, n in zip(*np.unique(np.concatenate(spaces), return_counts=True)):
        members, draw = space * 14 / 16, n / 20  # training samples of this kind; draws of one seed
        one, all_ = (
            members * -np.expm1(k * np.log1p(-min(1 - 1e-12, 1 / members)))
            if members < 1e12
            else k - k * k / (2 * members)
            for k in (draw, n)
        )
        expected += (
            20 * one - all_
        )  # different ones within each seed, less different ones over all seeds
    assert shared <= 1.05 * expected + 4 * np.sqrt(expected) + 0.5, (shared, expected)
    assert name not in ("reversed_addition", "sorting", "dyck", "dyck_shuffle") or shared == 0


def test_automaton_samples_are_in_two_seeds_only_where_the_universe_has_settled():
    """Rule 110 falls into a background of period 14; a crop that shows nothing else is one of 14
    pictures, wherever it comes from.
    """
    tokens = np.concatenate(
        [make_task("eca").batch(200, "train", seed).tokens for seed in range(20)]
    )
    alike = (tokens[:, :, 14:] == tokens[:, :, :-14]).mean((1, 2))  # 1: background alone
    prints = fingerprint(tokens)
    unique, again, count = np.unique(prints, return_inverse=True, return_counts=True)
    repeated = count[again] > 1
    assert 0 < repeated.mean() < 0.08
    assert alike[repeated].min() > 0.8
    assert (alike < 0.8).mean() > 0.5
    assert len(np.unique(prints[alike == 1])) <= 14
    assert repeated[alike == 1].all()


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


def test_a_split_that_is_not_there_is_named():
    with pytest.raises(
        ValueError, match="split must be one of test, validation, train, got 'tset'"
    ):
        make_task("identity").batch(2, "tset", 0)


def test_language_modeling_splits_by_document(tmp_path):
    from procmod_lib.tasks.language import corpus

    task = make_task("language_modeling", block=32, vocab_size=400)
    texts = corpus("", 400)
    assert sorted(texts) == ["test", "train", "validation"]
    assert all(len(t) > 2000 and t.max() < 400 for t in texts.values())
    pieces = {s: {tuple(t[i : i + 24]) for i in range(len(t) - 24)} for s, t in texts.items()}
    assert len(pieces["train"] & pieces["test"]) < 0.02 * len(
        pieces["test"]
    )  # the reference repeats a few phrases
    batch = task.batch(50, "test", 0)
    windows = {tuple(texts["test"][i : i + 32]) for i in range(len(texts["test"]) - 31)}
    assert all(tuple(row) in windows for row in batch.tokens)
    assert (batch.targets == batch.tokens[:, 1:]).all()
    (tmp_path / "text").write_text(
        "<|endoftext|>".join(f"story {i} was told again and again. " * 9 for i in range(30))
    )
    assert make_task(
        "language_modeling", block=8, vocab_size=260, path=str(tmp_path / "text")
    ).batch(3, "test", 0).tokens.shape == (3, 8)
    with pytest.raises(ValueError, match="language_modeling: path must be"):
        make_task("language_modeling", path="no/such data set").batch(1, "train", 0)
    (tmp_path / "few").write_text("one<|endoftext|>two<|endoftext|>three")
    with pytest.raises(ValueError, match="path must hold 10 documents or more.* with 3"):
        make_task("language_modeling", path=str(tmp_path / "few"))


def test_another_text_is_another_task(tmp_path):
    specs = []
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text(f"{'a' if name == 'three' else 'b'}<|endoftext|>" * 10)
        task = make_task("language_modeling", path=str(tmp_path / name))
        specs.append(task.spec()["text"])
    assert specs[0] == specs[1] != specs[2]
    assert "text" not in make_task("language_modeling").spec()  # the published keys stay


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
