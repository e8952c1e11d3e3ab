"""The optimiser equals torch.optim.AdamW; freezing, masks and dropout do what they say."""

import time
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from short import ARCH, SHORT, TASK, start

from procmod_lib.network import gpt2
from procmod_lib.network.engines import TorchEngine
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.network.huggingface import to_huggingface
from procmod_lib.runs.batches import drawn_ahead
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.optimiser import adamw
from procmod_lib.runs.training import Interrupted, State, decayed, train


def test_adamw_equals_pytorch():
    """Ten steps of clipped AdamW with decay groups, against torch.optim.AdamW and its clipping."""
    budget = Budget(steps=20, warmup=4, lr=1e-2, weight_decay=0.1, clip=0.5)
    rng = np.random.default_rng(0)
    decay = torch.zeros(ARCH.size)
    for name, columns in ARCH.slices.items():
        decay[columns] = float(gpt2.decays(name))
    state = start(2)
    theirs = [
        [torch.nn.Parameter(row[decay == d].clone()) for d in (1, 0)] for row in state.weights
    ]
    optimisers = [
        torch.optim.AdamW(
            [{"params": [a], "weight_decay": 0.1}, {"params": [b], "weight_decay": 0.0}], lr=1e-2
        )
        for a, b in theirs
    ]
    for step in range(10):
        gradient = torch.from_numpy(
            rng.normal(size=(2, ARCH.size)).astype(np.float32)
        ) * torch.tensor([[1e-4], [1.0]])
        for s, (pair, optimiser) in enumerate(zip(theirs, optimisers)):
            for p, d in zip(pair, (1, 0)):
                p.grad = gradient[s][decay == d].clone()
            torch.nn.utils.clip_grad_norm_(pair, 0.5)
            for group in optimiser.param_groups:
                group["lr"] = budget.rate(step)
            optimiser.step()
        adamw(state, gradient.clone(), budget, decay)
        state.step += 1
    for s, pair in enumerate(theirs):
        for p, d in zip(pair, (1, 0)):
            assert torch.allclose(state.weights[s][decay == d], p.detach(), rtol=2e-5, atol=2e-7)


@pytest.mark.parametrize("engine", ["kernel", "torch"])
def test_training_calls_nothing_of_the_vector_library_that_races(engine):
    """Runs train in threads. The first call of each of these functions, if two threads make it at
    once, may give a wrong result.
    """
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        train(TASK, ARCH, SHORT, [0], start(), engine=engine, threads=1)
    called = {event.key for event in profile.key_averages()}
    assert "aten::rsqrt" in called
    names = "acos asin atan cos erf erfc erfinv exp expm1 lgamma log log10 log1p log2 sin sqrt"
    names += " tan tanh trunc"
    assert not called & {f"aten::{name}{end}" for name in names.split() for end in ("", "_")}


def test_norms_and_biases_do_not_decay():
    assert {n for n in ARCH.shapes if not gpt2.decays(n)} == {
        n for n in ARCH.shapes if "ln_" in n or n.endswith(".bias")
    }


def test_frozen_weights_stay_and_others_move():
    frozen = np.zeros((1, ARCH.size), bool)
    columns = ARCH.slices["h.0.attn.c_attn.weight"]
    frozen[:, columns] = True
    state = train(TASK, ARCH, SHORT, [0], start(), frozen)
    before = start().weights
    assert torch.equal(state.weights[:, columns], before[:, columns])
    moved = state.weights != before
    assert moved[:, ARCH.slices["h.0.mlp.c_fc.weight"]].all()


def test_fleet_trains_as_its_members_do():
    together = train(TASK, ARCH, SHORT, [0, 1, 0], start(3))
    for s, seed in enumerate([0, 1, 0]):
        alone = State.start(gpt2.fresh(ARCH, "test", s)[None], "cpu", TASK)
        train(TASK, ARCH, SHORT, [seed], alone)
        assert torch.allclose(together.weights[s], alone.weights[0], rtol=1e-5, atol=1e-7)


def test_compiled_path_equals_the_plain_one():
    """What a GPU runs, exercised here: torch.compile on full-length batches, two steps of a fleet
    of one layer.
    """
    arch = Architecture(TASK.vocab, 40, 1)
    weights = torch.from_numpy(np.stack([gpt2.fresh(arch, "test", s) for s in range(3)]))
    batches = [
        [TASK.batch(16, "train", s, step).trained_on("reference") for s in (0, 1, 0)]
        for step in (0, 1)
    ]
    plain, compiled = TorchEngine(arch, "cpu"), TorchEngine(arch, "cpu", compiled=True)
    for step in (0, 1):
        a, b = (e.gradient(weights, batches[step], 0.0, []) for e in (plain, compiled))
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-6)
    assert compiled.compiled, "it fell back to the plain path"


def test_a_compiler_that_fails_is_left_behind():
    engine = TorchEngine(ARCH, "cpu", compiled=True)
    engine.losses = lambda *a: 1 / 0
    with pytest.warns(UserWarning, match="torch.compile failed .ZeroDivisionError"):
        gradient = engine.gradient(
            start().weights, [TASK.batch(16, "train", 0, 0).trained_on("reference")], 0.0, []
        )
    assert torch.isfinite(gradient).all()


def test_batches_drawn_ahead_are_the_same():
    drawn = []
    early, now = (
        drawn_ahead(lambda length, step: drawn.append(step) or (length, step), "cuda"),
        drawn_ahead(lambda length, step: (length, step), "cpu"),
    )
    asked = [(0, 0), (0, 1), (0, 2), (4, 3), (4, 4), (0, 9)]
    assert [early(*a) for a in asked] == [now(*a) for a in asked] == asked
    for _ in range(500):  # the last one is drawn in the background
        time.sleep(0.0 if 10 in drawn else 0.01)
    assert sorted(set(drawn)) == [0, 1, 2, 3, 4, 5, 9, 10]


@pytest.mark.parametrize("engine", ["kernel", "torch"])
def test_resume_is_exact(engine):
    whole = train(TASK, ARCH, SHORT, [3], start(), engine=engine)
    half = start()
    with pytest.raises(Interrupted):
        train(TASK, ARCH, SHORT, [3], half, engine=engine, should_stop=lambda: half.step == 7)
    half = State.from_tensors(*half.to_tensors(), "cpu")
    train(TASK, ARCH, SHORT, [3], half, engine=engine)
    assert torch.equal(whole.weights, half.weights)
    assert whole.curves == half.curves


def test_each_budget_field_changes_the_result():
    base = train(TASK, ARCH, SHORT, [0], start(), engine="torch").weights
    changes = [
        dict(steps=11),
        dict(batch=17),
        dict(lr=2e-3),
        dict(warmup=0),
        dict(schedule="constant", warmup=3),
        dict(final_lr=0.5),
        dict(weight_decay=0.5),
        dict(clip=0.01),
        dict(dropout=0.1),
        dict(decay_all=True),
        dict(pool=32),
    ]
    for change in changes:
        other = train(TASK, ARCH, replace(SHORT, **change), [0], start(), engine="torch").weights
        assert not torch.equal(base, other), change
    looked_at = {"evaluate_every", "test_samples", "patience", "stop_after"}  # change no weights
    assert {name for change in changes for name in change} | looked_at == set(asdict(SHORT))


def test_answer_mask_changes_what_is_trained():
    a, b = (
        train(TASK, ARCH, SHORT, [0], start(), answer_mask=m).weights for m in ("reference", "full")
    )
    assert not torch.equal(a, b)


def test_exact_match_is_greedy_generation():
    """The share that one teacher-forced pass gives equals the share of answers that Hugging Face
    generates right, digit by digit.
    """
    budget = Budget(steps=300, batch=256, lr=1e-2, warmup=50, evaluate_every=300, test_samples=400)
    state = train(TASK, ARCH, budget, [0], start(), answer_mask="full")
    network, test = to_huggingface(state.weights[0].numpy(), ARCH), TASK.batch(400, "test", 0)
    first = 2 * TASK.digits + 2
    tokens = torch.from_numpy(test.tokens).long()
    written = tokens[:, :first]
    with torch.no_grad():
        for _ in range(TASK.answer_digits + 1):
            written = torch.cat([written, network(written).logits[:, -1:].argmax(-1)], 1)
    size = torch.from_numpy(test.answer.sum(1))
    right = [
        bool((w[first : first + n] == t[first : first + n]).all())
        for w, t, n in zip(written, tokens, size)
    ]
    assert 0.02 < np.mean(right) < 1
    assert state.curves[0][-1]["exact_match"] == pytest.approx(np.mean(right), abs=1e-9)


def test_dropout_is_drawn_anew_for_each_seed_and_step_and_is_the_same_again():
    batch, weights = TASK.batch(8, "train", 0).trained_on("reference"), start().weights
    engine = TorchEngine(ARCH, "cpu")
    first, again, seed, step = (
        engine.gradient(weights, [batch], 0.3, [("addition", *path)])
        for path in ((0, 0), (0, 0), (1, 0), (0, 1))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, seed)
    assert not torch.equal(first, step)


def test_non_finite_is_kept():
    state = start()
    state.weights[:] = float("nan")
    train(TASK, ARCH, SHORT, [0], state)
    assert all(np.isnan(e["loss"]) for e in state.curves[0])
    assert state.step == SHORT.steps


@pytest.mark.parametrize(
    "bad",
    [
        dict(steps=0),
        dict(batch=-1),
        dict(lr=0.0),
        dict(schedule="linear"),
        dict(dropout=1.0),
        dict(clip=0),
        dict(warmup=-1),
        dict(warmup="5"),
        dict(patience=1.5),
        dict(lr=float("inf")),
        dict(weight_decay=True),
    ],
)
def test_bad_budgets_are_named(bad):
    with pytest.raises(ValueError, match=f"budget: {next(iter(bad))} must be"):
        Budget(**bad)


def test_training_does_not_write_into_the_weights_that_it_was_given():
    given = gpt2.fresh(ARCH, "test", 0)[None]
    before = given.copy()
    train(TASK, ARCH, SHORT, [0], State.start(given, "cpu", TASK))
    assert (given == before).all()


def test_weight_decay_everywhere_takes_biases_and_norms_too():
    assert decayed(ARCH, everywhere=True).min() == 1
    assert decayed(ARCH).min() == 0
    plain, everywhere = (
        train(TASK, ARCH, replace(SHORT, weight_decay=0.5, decay_all=each), [0], start()).weights
        for each in (False, True)
    )
    norms = ARCH.slices["ln_f.weight"]
    assert (everywhere[0, norms] < plain[0, norms]).all()


@pytest.mark.parametrize("engine", ["kernel", "torch"])
def test_what_is_dropped_of_a_member_does_not_depend_on_the_others(engine):
    budget = replace(SHORT, steps=30, dropout=0.2, evaluate_every=10)
    seeds, weights = [3, 4, 3], start(3).weights.numpy()
    together = train(
        TASK, ARCH, budget, seeds, State.start(weights.copy(), "cpu", TASK), engine=engine
    )
    for member, seed in enumerate(seeds):
        alone = State.start(weights[member : member + 1].copy(), "cpu", TASK)
        train(TASK, ARCH, budget, [seed], alone, engine=engine)
        assert torch.allclose(alone.weights[0], together.weights[member], rtol=1e-3, atol=1e-5)
    plain = train(
        TASK,
        ARCH,
        replace(budget, dropout=0.0),
        seeds,
        State.start(weights.copy(), "cpu", TASK),
        engine=engine,
    )
    assert (plain.weights - together.weights).abs().max() > 1e-3
