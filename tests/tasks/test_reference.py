"""The sources in the released code's form, beside independent statements of its rules.

Each statement below is written from the facts alone, one sample at a time, with Python's own random
numbers.
"""

import random
from collections import Counter

import numpy as np
import pytest

from procmod_lib.tasks import SOURCES, Mixture, make_task
from procmod_lib.tasks.control import Shuffled
from procmod_lib.tasks.task import IGNORE

N = 4000
PAYLOAD, SEPARATOR, PAD = range(1, 21), 21, 22


def reference(name, **parameters):
    task = make_task(name, **parameters)
    return (task.with_(lengths="fixed") if task.has_lengths else task).as_reference()


def scored(batch):
    """The scored targets of each row, as tuples."""
    return [tuple(row[row != IGNORE].tolist()) for row in batch.targets]


def one_stack(rng):
    """Operations and what is left on the stack, from the top down."""
    stack, operations = [], []
    for step in range(20):
        pushes = len(stack) <= 1 or rng.random() < (0.75 if step < 13 else 0.25)
        if step == 19 and len(stack) > 1:
            pushes = False
        if pushes:
            stack.append(rng.choice([token for token in PAYLOAD if token not in stack]))
            operations.append(stack[-1])
        else:
            stack.pop()
            operations.append(0)
    return operations, stack[::-1]


def one_shuffle(rng, k=16, most=16, length=128):
    """Brackets; a closing one is of a type chosen evenly among those that are open."""
    counts, out = Counter(), []
    while len(out) < length:
        kinds, depth = [kind for kind in counts if counts[kind]], sum(counts.values())
        if depth < most and (depth == 0 or rng.random() < 0.5):
            out.append(rng.randrange(k))
            counts[out[-1]] += 1
        else:
            out.append(k + rng.choice(kinds))
            counts[out[-1] - k] -= 1
    return out


def test_stack_pops_from_operation_13_on_and_scores_no_pad():
    batch, rng = reference("stack").batch(N, "train", 0), random.Random(0)
    theirs = [one_stack(rng) for _ in range(N)]
    pops = np.mean([[token == 0 for token in operations] for operations, _ in theirs], 0)
    assert np.abs((batch.tokens[:, :20] == 0).mean(0) - pops).max() < 0.04
    ours, left = [len(row) for row in scored(batch)], [len(rest) for _, rest in theirs]
    assert abs(np.mean(ours) - np.mean(left)) < 0.1
    assert set(ours) == set(left)
    assert batch.tokens.shape[1] == 41
    assert (batch.targets != PAD).all()
    for row, targets in zip(batch.tokens[:200].tolist(), scored(batch), strict=False):
        stack = []
        for token in row[:20]:
            if token:
                stack.append(token)
            else:
                stack.pop()
        assert row[20] == SEPARATOR
        assert list(targets) == stack[::-1]
    edition1 = make_task("stack").batch(N, "train", 0)
    assert np.mean([len(row) for row in scored(edition1)]) > np.mean(ours) + 1.5


def test_set_and_union_score_their_elements_and_no_pad():
    batch = reference("set").batch(N, "train", 0)
    for row, targets in zip(batch.tokens[:500].tolist(), scored(batch), strict=False):
        assert row[20] == SEPARATOR
        assert list(targets) == list(dict.fromkeys(row[:20]))
    rng = random.Random(0)
    sizes = [len({rng.choice(PAYLOAD) for _ in range(20)}) for _ in range(N)]
    assert abs(np.mean([len(row) for row in scored(batch)]) - np.mean(sizes)) < 0.1
    union = reference("union").batch(500, "train", 0)
    for row, targets in zip(union.tokens.tolist(), scored(union), strict=True):
        assert row[10] == row[21] == SEPARATOR
        assert set(row[:10] + row[11:21]) <= set(PAYLOAD)
        assert list(targets) == list(dict.fromkeys(row[:10] + row[11:21]))
    assert union.tokens.shape[1] == reference("union").positions == 42


@pytest.mark.parametrize("name", ["identity", "reverse", "sort"])
def test_lists_without_a_pad_are_what_they_were_but_for_their_positions(name):
    plain, task = make_task(name, lengths="fixed"), reference(name)
    ours, theirs = (each.batch(200, "train", 0) for each in (plain, task))
    for field in ("tokens", "positions", "targets"):
        assert (getattr(ours, field) == getattr(theirs, field)).all()
    assert (task.positions, plain.positions) == (41, 100)


def test_brackets_have_one_id_more_and_close_an_open_type_chosen_evenly():
    dyck = reference("dyck")
    ours, theirs = (task.batch(50, "train", 0) for task in (make_task("dyck"), dyck))
    assert (ours.tokens == theirs.tokens).all()
    assert (dyck.vocab, dyck.positions) == (33, 128)
    task, rng = reference("dyck_shuffle"), random.Random(0)
    batch = task.batch(N // 4, "train", 0)
    samples = [one_shuffle(rng) for _ in range(N // 4)]

    def crowded(rows):  # how often a closing bracket is of a type of which most are open
        found = []
        for row in rows:
            counts = Counter()
            for token in row:
                if token >= 16:
                    most = max(counts.values())
                    if most > 1:
                        found.append(counts[token - 16] == most)
                counts[token % 16] += 1 if token < 16 else -1
        return np.mean(found)

    ours = make_task("dyck_shuffle").batch(N // 4, "train", 0)
    assert abs(crowded(batch.tokens.tolist()) - crowded(samples)) < 0.02
    assert crowded(ours.tokens.tolist()) > crowded(samples) + 0.05
    assert task.best(batch) < make_task("dyck_shuffle").best(ours)


def test_the_automaton_runs_for_as_many_rows_as_it_has_cells():
    assert reference("eca", steps=300).steps == 1000
    assert make_task("eca", rows=6, cells=8, universe=16, steps=12).as_reference().steps == 16


def test_other_tasks_say_what_their_reference_form_is():
    assert make_task("delete").as_reference() == make_task("delete")
    with pytest.raises(ValueError, match="delete: form must be 'ours'"):
        make_task("delete", form="reference")
    with pytest.raises(ValueError, match="stack: form must be 'ours' or 'reference', got 'theirs'"):
        make_task("stack", form="theirs")
    with pytest.raises(ValueError, match="stack: lengths must be 'fixed' or 'curriculum'"):
        make_task("stack", lengths="all")
    mixed = Mixture(make_task("set"), make_task("stack")).as_reference()
    assert mixed.first.is_reference
    assert mixed.second.is_reference
    shuffled = Shuffled(make_task("set")).as_reference()
    assert shuffled.task.is_reference
    assert shuffled.positions == 41
    haystack = make_task("haystack")
    assert haystack.as_reference() is haystack


@pytest.mark.parametrize("name", SOURCES)
def test_the_form_is_part_of_a_key_only_where_it_is_not_ours(name):
    task = make_task(name)
    assert "form" not in task.spec()
    assert task.is_reference is False
    if task.as_reference().is_reference:
        assert task.as_reference().spec()["form"] == "reference"
