"""The lines that a reader can paste behind GPT2LMHeadModel(config), run as they stand there."""

import json
import re

import torch
from conftest import ROOT
from transformers import GPT2Config, GPT2LMHeadModel


def test_the_recipe_of_the_page_makes_one_head_of_the_last_layer_loud_and_nothing_else():
    text = (ROOT / "notebooks" / "text" / "by_hand.md").read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", text, re.S)
    config = GPT2Config(vocab_size=256, n_positions=100, n_embd=16, n_layer=2, n_head=4)
    model = GPT2LMHeadModel(config)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    exec(lines, {"model": model, "config": config, "torch": torch})
    changed = {n: t != before[n] for n, t in model.state_dict().items() if not t.equal(before[n])}
    projection, output = (f"transformer.h.1.attn.{name}.weight" for name in ("c_attn", "c_proj"))
    assert set(changed) == {projection, output}
    columns = [block * 16 + i for block in range(3) for i in range(4)]
    assert changed[projection].all(0).nonzero().flatten().tolist() == columns
    assert changed[projection].any(0).sum() == 12
    assert changed[output][:4].all()
    assert not changed[output][4:].any()
    loud = model.state_dict()[projection][:, columns]
    assert abs(float(loud.std()) / 0.3 - 1) < 0.2


def test_the_example_of_the_architecture_page_runs_as_it_stands(tmp_path):
    text = (ROOT / "book" / "library" / "architecture.md").read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", text, re.S)
    lines = lines.replace('"quick"', '"smoke"').replace('Store("store")', f'Store("{tmp_path}")')
    names = {}
    exec(lines, names)
    assert len(names["section"]) > 0
    assert {str(c) for c in names["section"].conditions} == {"scratch", "loud=0.3 head=1.0"}


def test_a_plain_transformers_loop_learns_with_the_lines_and_not_without(monkeypatch):
    """One seed of each arm of ``bench/plain.py`` with a third of its steps, which are enough."""
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import plain

    assert plain.train(0, plain.recipe(), steps=700) > 0.9
    assert plain.train(0, "", steps=700) < 0.4
    published = json.loads(plain.TARGET.read_text())
    assert published["settings"]["steps"] == plain.STEPS
    assert [len(arm) for arm in published["accuracy"].values()] == [3, 3]
    assert not published["provenance"]["dirty"]
