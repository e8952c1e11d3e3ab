"""The same samples everywhere, and no sample in two splits or seeds."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from math import perm

import numpy as np
import pytest
from checkers import CHECKS
from conftest import ROOT

from procmod_lib.randomness import fingerprint, stream
from procmod_lib.tasks import make_task
from procmod_lib.tasks.lists import ListTask

DIGEST = """
import hashlib, sys
from procmod_lib.tasks import make_task
for name in sys.argv[1].split(","):
    batch = make_task(name).batch(20 if name == "eca" else 500, "train", 3, 7)
    print(hashlib.sha256(batch.tokens.tobytes()).hexdigest())
"""


@pytest.mark.parametrize("name", [n for n in CHECKS if n != "eca"])
def test_same_samples_on_another_batch_split(name):
    task = make_task(name)
    whole, rng = task.sample(300, stream("x"), "train"), stream("x")
    parts = [task.sample(n, rng, "train") for n in (1, 99, 200)]
    assert np.array_equal(whole.tokens, np.concatenate([p.tokens for p in parts]))


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


@pytest.mark.slow
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


@pytest.mark.slow
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
