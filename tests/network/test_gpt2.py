"""The network equals Hugging Face's GPT-2: logits, loss and every gradient."""

import numpy as np
import pytest
import torch
from conftest import huggingface_loss

from procmod_lib.network import gpt2, huggingface
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.tasks import SOURCES, make_task

SIZES = {"2_4_16": {}, "4_8_512": dict(layers=4, heads=8, width=512)}


def tensors(batch, s=1):
    return [
        torch.from_numpy(getattr(batch, n)).long().expand(s, *getattr(batch, n).shape)
        for n in ("tokens", "positions", "targets")
    ]


def loss_and_gradient(flat, arch, batch):
    flat = torch.from_numpy(flat[None]).requires_grad_(True)
    loss = gpt2.losses(flat, arch, *tensors(batch))[0].sum() / (batch.targets >= 0).sum()
    loss.backward()
    return loss.item(), flat.grad[0].numpy()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("task", ["haystack", "addition", "identity", "dyck"])
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_huggingface(size, task, seed):
    task = make_task(task)
    batch = task.batch(6 if size != "2_4_16" else 24, "train", seed).trained_on("reference")
    arch = Architecture(
        task.vocab, max(100, task.length), tied=task.name in ("identity", "dyck"), **SIZES[size]
    )
    flat = gpt2.fresh(arch, "test", seed) * (3 if size == "2_4_16" else 1)
    reference = huggingface.to_huggingface(flat, arch)
    expected, logits = huggingface_loss(reference, batch)
    expected.backward()
    ours, gradient = loss_and_gradient(flat, arch, batch)
    z = gpt2.logits(torch.from_numpy(flat[None]), arch, *tensors(batch)[:2])[0]
    at = torch.gather(
        logits, 1, torch.from_numpy(batch.positions).long()[..., None].expand(-1, -1, arch.vocab)
    )
    assert (z - at).abs().max() <= 1e-5 * at.abs().max()
    assert ours == pytest.approx(expected.item(), rel=1e-5)
    names = dict(reference.named_parameters())
    for name, view in gpt2.views(gradient, arch).items():
        theirs = names[name if name.startswith("lm_head") else "transformer." + name].grad.numpy()
        assert np.abs(view - theirs).max() <= 1e-5 * max(
            np.abs(theirs).max(), 1e-3 * np.abs(gradient).max()
        ), name


def test_fleet_equals_single_models():
    task = make_task("haystack", pairs=5, values=20, vocab_size=40)
    arch = Architecture(task.vocab, 100)
    flats = np.stack([gpt2.fresh(arch, "test", s) * 3 for s in range(5)])
    batches = [task.batch(16, "train", s) for s in range(5)]
    stacked = [torch.stack([tensors(b)[i][0] for b in batches]) for i in range(3)]
    fleet = torch.from_numpy(flats).requires_grad_(True)
    gpt2.losses(fleet, arch, *stacked)[0].sum().backward()
    for s, batch in enumerate(batches):
        _, one = loss_and_gradient(flats[s], arch, batch)
        assert np.allclose(fleet.grad[s].numpy() / 16, one, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("tied", [True, False])
def test_every_parameter_in_exactly_one_part(tied):
    arch = Architecture(31, 40, layers=3, tied=tied)
    parts = [gpt2.part_of(n) for n in arch.shapes]
    assert set(parts) == set("EAFN")
    covered = np.zeros(arch.size, int)
    for columns in arch.slices.values():
        covered[columns] += 1
    assert (covered == 1).all()
    with pytest.raises(ValueError, match="wte.attn.weight"):
        gpt2.part_of("wte.attn.weight")


@pytest.mark.parametrize("tied", [True, False])
def test_save_pretrained_loads_both_ways(tmp_path, tied):
    arch = Architecture(31, 40, tied=tied)
    flat = gpt2.fresh(arch, "test", 3)
    huggingface.to_huggingface(flat, arch).save_pretrained(tmp_path)
    back, shape = huggingface.from_huggingface(tmp_path)
    assert shape == arch
    assert np.array_equal(back, flat)


@pytest.mark.parametrize(
    "field, value",
    [
        ("n_inner", 16),
        ("activation_function", "relu"),
        ("layer_norm_epsilon", 1e-3),
        ("scale_attn_weights", False),
        ("scale_attn_by_inverse_layer_idx", True),
    ],
)
def test_a_foreign_gpt2_is_refused_by_the_field_that_differs(field, value):
    from transformers import GPT2LMHeadModel

    config = huggingface.config_of(Architecture(31, 40))
    setattr(config, field, value)
    with pytest.raises(ValueError, match=f"^{field} must be"):
        huggingface.from_huggingface(GPT2LMHeadModel(config))


@pytest.mark.parametrize(
    "name", [*SOURCES, "haystack", "addition", "identity+reverse", "stack_tokens_shuffled"]
)
def test_causal(name):
    """Changing any later token or row leaves earlier outputs as they were."""
    task = (
        make_task(name)
        if name != "eca"
        else make_task(name, rows=8, cells=12, universe=16, steps=20)
    )
    arch = Architecture(task.vocab, max(100, task.length), inputs=task.kind)
    flat = torch.from_numpy(gpt2.fresh(arch, "test", 0)[None] * 3)
    batch = task.batch(4, "train", 0)
    cut = task.length // 2
    tokens = torch.from_numpy(batch.tokens)[None]
    changed = tokens.clone()
    changed[:, :, cut + 1 :] = (1 - changed if task.kind == "bits" else (changed + 1) % task.vocab)[
        :, :, cut + 1 :
    ]
    positions = torch.arange(task.length - 1).expand(1, 4, -1)
    kind = torch.float32 if task.kind == "bits" else torch.int64
    a, b = (gpt2.logits(flat, arch, t.to(kind), positions) for t in (tokens, changed))
    assert torch.equal(a[:, :, : cut + 1], b[:, :, : cut + 1])
    assert not torch.equal(a[:, :, cut + 1 :], b[:, :, cut + 1 :])


@pytest.mark.parametrize(
    "bad", [dict(vocab=0), dict(positions=-1), dict(heads=3), dict(layers=True), dict(width=1.5)]
)
def test_bad_shapes_are_named(bad):
    with pytest.raises(
        ValueError,
        match=next(iter(bad)) if "heads" not in bad else "width must be a multiple of heads",
    ):
        Architecture(**({"vocab": 10, "positions": 10} | bad))
