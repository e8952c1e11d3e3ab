"""The compiled kernel equals the PyTorch path, and numbers do not depend on threads or on where the
compiled code comes from.
"""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from procmod_lib.network import dropout, gpt2, kernel, vector
from procmod_lib.network.engines import make_engine
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.training import State, train
from procmod_lib.tasks import make_task

CASES = [
    ("haystack", 203, {}, {}),
    ("addition", 64, {}, {}),
    ("reversed_addition", 33, {}, {}),
    ("sorting", 17, {}, {}),
    ("dyck", 16, {}, dict(tied=True)),
    ("identity", 40, {}, dict(tied=True)),
    ("stack", 9, {}, dict(layers=3, heads=2, width=24)),
    ("set", 1, {}, dict(layers=1, heads=1, width=8)),
    ("identity", 21, dict(symbols=3, list_length=4), {}),
    ("haystack", 20, dict(pairs=3, values=9, vocab_size=17), dict(heads=2, width=32)),
    ("eca", 19, dict(rows=10, cells=13, universe=20, steps=20), dict(inputs="bits")),
]


@pytest.mark.parametrize("name, n, parameters, shape", CASES)
def test_loss_gradient_and_scores_equal_pytorch(name, n, parameters, shape):
    task = make_task(name, **parameters)
    arch = Architecture(task.vocab, max(100, task.length), **shape)
    flat = torch.from_numpy(gpt2.fresh(arch, "test", n)[None] * 3)
    full = task.batch(n, "train", n)
    batch = full.trained_on("reference")
    fast, reference = (make_engine(e, arch, 0.0, "cpu", 1) for e in ("kernel", "torch"))
    ours, theirs = (e.gradient(flat, [batch], 0.0, []).numpy() for e in (fast, reference))
    assert np.abs(ours - theirs).max() <= 2e-6 * np.abs(theirs).max() + 1e-9
    for a, b in zip(fast.scores(flat, full), reference.scores(flat, full)):
        assert np.abs(a - b).max() <= 2e-5


def test_equal_logits_are_not_all_right():
    """With one logit for all tokens the first token is the answer, not the target."""
    task = make_task("haystack")
    arch = Architecture(task.vocab, 100)
    compute = make_engine("kernel", arch, 0.0, "cpu", 1)
    loss, hit = compute.scores(torch.zeros(1, arch.size), task.batch(50, "train", 0))
    assert hit.sum() == 0
    assert np.allclose(loss, np.log(task.vocab), rtol=1e-5)


@pytest.mark.parametrize("name", ["haystack", "addition"])
def test_same_trajectory_as_pytorch(name):
    """100 steps from the same weights on the same batches: losses within 1e-4."""
    task = (
        make_task("haystack", pairs=5, values=20, vocab_size=40)
        if name == "haystack"
        else make_task(name, digits=2)
    )
    arch, budget = (
        Architecture(task.vocab, 40),
        Budget(steps=100, batch=64, warmup=20, evaluate_every=10, test_samples=256),
    )
    states = []
    for engine in ("kernel", "torch"):
        state = State.start(gpt2.fresh(arch, "test", 0)[None], "cpu", task)
        states.append(train(task, arch, budget, [0], state, engine=engine, threads=1))
    a, b = (np.array([e["loss"] for e in s.curves[0]]) for s in states)
    assert len(a) == 11
    assert np.abs(a - b).max() < 1e-4


def test_threads_do_not_change_numbers():
    task = make_task("identity")
    arch, budget = (
        Architecture(task.vocab, 100, tied=True),
        Budget(steps=5, batch=50, test_samples=64, evaluate_every=5),
    )
    ends = [
        train(
            task,
            arch,
            budget,
            [1],
            State.start(gpt2.fresh(arch, "t")[None], "cpu", task),
            engine="kernel",
            threads=n,
        ).weights
        for n in (1, 2, 4)
    ]
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[0], ends[2])


@pytest.mark.parametrize("shape", [dict(heads=8), dict(heads=16), dict(vocab=3)])
def test_refuses_what_it_cannot_do(shape):
    with pytest.raises(ValueError, match="engine must be 'torch' or 'auto'"):
        make_engine("kernel", Architecture(**dict(vocab=20, positions=40) | shape), 0.0, "cpu", 1)


ONE_GRADIENT = """
import torch
from procmod_lib.network import gpt2
from procmod_lib.network.engines import make_engine
from procmod_lib.tasks import make_task
task = make_task("addition", digits=2)
arch = gpt2.Architecture(task.vocab, 40)
weights = torch.from_numpy(gpt2.fresh(arch, "x")[None])
batch = task.batch(64, "train", 0, 0).trained_on("reference")
engine = make_engine("kernel", arch, 0.0, "cpu", 1)
print(engine.gradient(weights, [batch], 0.0, []).numpy().tobytes().hex())
"""


def test_just_compiled_and_from_the_cache_give_the_same_bits(tmp_path):
    """A run that is killed in the process that compiled and goes on in one that loads must end with
    the same numbers.
    """
    ends = [
        subprocess.run(
            [sys.executable, "-c", ONE_GRADIENT],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert any(tmp_path.rglob("*.nbc"))
    assert len(ends[0]) > 1000
    assert ends[0] == ends[1]


def test_eight_lanes_and_sixteen_give_the_same_numbers_up_to_rounding(tmp_path):
    """Whatever the machine has, the other number of lanes is tried too; sums over lanes are then
    taken in another order, and nothing else differs.
    """
    other = {8: 16, 16: 8}[vector.LANES]
    done = subprocess.run(
        [sys.executable, "-c", ONE_GRADIENT],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PROCMOD_LANES": str(other)},
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = np.frombuffer(bytes.fromhex(done.stdout), np.float32)
    task = make_task("addition", digits=2)
    arch = Architecture(task.vocab, 40)
    weights = torch.from_numpy(gpt2.fresh(arch, "x")[None])
    batch = task.batch(64, "train", 0, 0).trained_on("reference")
    ours, reference = (
        make_engine(e, arch, 0.0, "cpu", 1).gradient(weights, [batch], 0.0, []).numpy().ravel()
        for e in ("kernel", "torch")
    )
    for found in (ours, theirs):
        assert np.abs(found - reference).max() <= 2e-6 * np.abs(reference).max()
    assert not np.array_equal(ours, theirs)  # the other number was really used


def test_the_parts_are_those_that_the_cache_was_made_with():
    """numba's cache looks at kernel.py alone; kernel.py must change whenever its parts do."""
    room = Path(kernel.__file__).parent
    content = b"".join((room / name).read_bytes() for name in kernel.PARTS)
    assert hashlib.sha256(content).hexdigest()[:12] == kernel.MADE_OF
    imported = re.findall(r"^from procmod_lib\.network\.(\w+) import", kernel_sources(room), re.M)
    assert {f"{name}.py" for name in imported} - {"gpt2.py"} == set(kernel.PARTS)


def kernel_sources(room):
    """The text of the kernel and its parts."""
    return "".join((room / name).read_text() for name in ("kernel.py", *kernel.PARTS))


def test_numbers_too_small_to_matter_are_zero_in_training():
    """Sharp attention makes denormal numbers, each a hundred times slower: training counts them as
    zero, and leaves the caller's arithmetic alone.
    """
    task, tiny = make_task("addition", digits=2), torch.tensor([1e-39])
    arch, seen = Architecture(task.vocab, 40), []
    budget = Budget(steps=1, batch=8, warmup=0, test_samples=8)
    state = State.start(gpt2.fresh(arch, "t")[None], "cpu", task)
    train(
        task,
        arch,
        budget,
        [0],
        state,
        engine="kernel",
        threads=1,
        on_step=lambda s: seen.append(float((tiny * 0.5).sum())),
    )
    assert seen == [0.0]
    assert float((tiny * 0.5).sum()) > 0


def murmur(x):
    """Murmur3's finaliser on uint32."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    return x


def masks(rate, keys, numbers):
    """What dropout multiplies the numbers (...) of rows with these keys (n,) by: (n, ...)."""
    x = np.multiply(numbers.astype(np.uint32), np.uint32(0x9E3779B9), dtype=np.uint32)
    x = murmur(keys.reshape(-1, *[1] * numbers.ndim) ^ x)
    return np.where((x >> np.uint32(8)) >= round(rate * 2**24), 1 / (1 - rate), 0.0)


DROPPED = [
    ("identity", 40, {}, dict(tied=True)),
    ("dyck", 19, dict(brackets=20), dict(tied=True, layers=3)),
    ("haystack", 33, dict(pairs=5), dict(heads=2, width=32)),
    ("eca", 17, dict(rows=10, cells=13, universe=20, steps=20), dict(inputs="bits")),
]


@pytest.mark.parametrize("name, n, parameters, shape", DROPPED)
def test_dropout_equals_pytorch_that_drops_the_same_numbers(name, n, parameters, shape):
    task, rate = make_task(name, **parameters), 0.1
    arch = Architecture(task.vocab, max(100, task.length), **shape)
    flat = torch.from_numpy(gpt2.fresh(arch, "test", n)[None] * 3)
    batch = task.batch(n, "train", n).trained_on("reference")
    keys, longest = dropout.noise_for(rate, n, "a", 0).rows, batch.tokens.shape[1]

    def drop(x, site):
        if x.ndim == 5 and x.shape[2] == arch.heads and x.shape[-1] == longest:
            h, w, s = np.indices(x.shape[2:])
            numbers = (h * longest + w) * longest + s
        else:
            t, i = np.indices(x.shape[2:])
            numbers = t * (arch.width + 1) + i
        mask = masks(rate, keys, site * dropout.PER_SITE + numbers)
        return x * torch.from_numpy(mask[None]).to(x.dtype)

    fast = make_engine("kernel", arch, rate, "cpu", 1)
    ours = fast.gradient(flat, [batch], rate, [("a",)]).numpy()
    wanted = flat.clone().requires_grad_(True)
    tensors = [batch.tokens, batch.positions, batch.targets]
    kind = np.float32 if arch.inputs == "bits" else np.int64
    tensors = [torch.from_numpy(a.astype(k))[None] for a, k in zip(tensors, (kind, "i8", "i8"))]
    loss = gpt2.losses(wanted, arch, *tensors, drop)[0]
    (loss.sum() / batch.loss_mask.sum()).backward()
    theirs = wanted.grad.numpy()
    assert np.abs(ours - theirs).max() <= 2e-6 * np.abs(theirs).max() + 1e-9
    without = fast.gradient(flat, [batch], 0.0, [("a",)]).numpy()
    assert np.abs(ours - without).max() > 1e-2 * np.abs(theirs).max()


def test_dropout_drops_its_share_anew_for_each_row_step_and_place():
    keys = dropout.noise_for(0.1, 400, "a", 1).rows
    mask = masks(0.1, keys, np.arange(500))
    assert abs((mask == 0).mean() - 0.1) < 0.002
    assert set(np.unique(mask)) == {0.0, 1 / 0.9}
    assert np.std((mask == 0).mean(0)) < 0.02
    assert np.std((mask == 0).mean(1)) < 0.02
    gone = (mask == 0).astype(float) - 0.1
    neighbours = [(gone[1:] * gone[:-1]).mean(), (gone[:, 1:] * gone[:, :-1]).mean()]
    assert np.abs(neighbours).max() < 0.09 * 4 / np.sqrt(mask.size)
    assert (dropout.noise_for(0.1, 400, "a", 2).rows != keys).all()
    assert dropout.noise_for(0.0, 400, "a", 1) is None
