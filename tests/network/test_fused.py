"""The GPU's layers, run here by g++ with a thread for a thread, against PyTorch's gradients."""

import numpy as np
import pytest
import torch

from procmod_lib.network import fused, gpt2
from procmod_lib.network.engines import CheckedEngine, TorchEngine, make_engine
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.tasks import make_task

CASES = {
    "one scored position": ("haystack", {}),
    "several, some of them padding": ("addition", {}),
    "four layers": ("sorting", dict(layers=4)),
    "one layer of width 8": ("sorting", dict(layers=1, width=8, heads=2)),
    "tied embeddings, every position scored": ("dyck", dict(tied=True)),
}


def fleet(name, models=3, batch=9, **shape):
    """Return (arch, weights (S, P), one batch a model: the first two models share theirs)."""
    task = make_task(name)
    arch = Architecture(task.vocab, max(100, task.length), **shape)
    weights = 5 * np.stack([gpt2.fresh(arch, "fused", s) for s in range(models)])
    drawn = [task.batch(batch, "train", seed).trained_on("reference") for seed in (0, 1)]
    return arch, torch.from_numpy(weights), [drawn[max(0, s - 1)] for s in range(models)]


@pytest.mark.parametrize("case", CASES)
def test_gradients_and_scores_are_those_of_pytorch(case):
    name, shape = CASES[case]
    arch, weights, batches = fleet(name, **shape)
    ours, theirs = fused.FusedEngine(arch, "cpu"), TorchEngine(arch, "cpu")
    a, b = (engine.gradient(weights, batches, 0.0, []) for engine in (ours, theirs))
    for parameter, columns in arch.slices.items():
        apart = (a[:, columns] - b[:, columns]).norm() / b[:, columns].norm()
        assert apart < 2e-5, parameter
    (loss, hit), (wanted, hits) = (e.scores(weights, batches[0]) for e in (ours, theirs))
    assert np.allclose(loss, wanted, rtol=1e-4, atol=1e-5)
    assert (hit == hits).all()


def test_a_model_s_gradient_does_not_depend_on_the_fleet():
    arch, weights, batches = fleet("haystack")
    engine = fused.FusedEngine(arch, "cpu")
    together = engine.gradient(weights, batches, 0.0, [])
    alone = engine.gradient(weights[1:2], batches[1:2], 0.0, [])
    assert (together[1] - alone[0]).norm() < 1e-5 * alone[0].norm()


@pytest.mark.parametrize("wrong", ["differs by 1.0e", "CUDA error 700"])
def test_a_kernel_that_is_wrong_or_fails_is_left_behind(monkeypatch, wrong):
    """PyTorch goes on, with a warning; a right one is compared once and then trusted."""
    arch, weights, batches = fleet("haystack")
    engine = CheckedEngine(arch, "cpu")
    wanted = TorchEngine(arch, "cpu").gradient(weights, batches, 0.0, [])
    assert (engine.gradient(weights, batches, 0.0, []) - wanted).norm() < 1e-4 * wanted.norm()
    assert engine.kernel is not None
    assert engine.seen == {(63, 1)}

    def broken(self, weights, *rest):
        if "error" in wrong:
            raise RuntimeError(f"the GPU refused the kernel 'backward': {wrong}")
        return torch.zeros_like(weights)

    monkeypatch.setattr(fused.FusedEngine, "gradient", broken)
    engine = CheckedEngine(arch, "cpu")
    with pytest.warns(UserWarning, match=wrong):
        gradient = engine.gradient(weights, batches, 0.0, [])
    assert torch.equal(gradient, wanted)
    assert engine.kernel is None
    assert engine.scores(weights, batches[0])[0].shape == (3, 9, 1)


def test_a_gpu_takes_the_fused_layers_where_they_apply(monkeypatch):
    monkeypatch.setattr(fused.shutil, "which", lambda name: "/usr/bin/nvcc")
    small = Architecture(256, 100)
    assert isinstance(make_engine("auto", small, 0.0, "cuda", 1), CheckedEngine)
    assert fused.supports(small)
    assert not fused.supports(Architecture(256, 100, width=32, heads=8))
    assert not fused.supports(Architecture(256, 512))
    assert not fused.supports(Architecture(50_257, 100))
    monkeypatch.setattr(fused.shutil, "which", lambda name: None)
    assert not fused.supports(small)


def test_what_the_compiler_cannot_do_is_said_in_its_words():
    sizes = fused.Sizes(16, 4, 10, 1, 20, team=8, teams=1, first=1, full=0)
    with pytest.raises(RuntimeError, match="(?s)could not compile layer.cu: .*too few threads"):
        fused.build(sizes, "cpu")
