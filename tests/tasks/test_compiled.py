"""Compiled or not, a source draws the same samples."""

import numpy as np
import pytest

from procmod_lib.randomness import stream
from procmod_lib.tasks import compiled, make_task

CASES = [
    ("eca", {}),
    ("eca", dict(rows=10, cells=13, universe=20, steps=20)),
    ("eca", dict(rows=10, cells=64, universe=64, steps=30, rule=30)),
    ("eca", dict(rows=7, cells=100, universe=130, steps=7, rule=90)),
    ("eca", dict(rows=5, cells=3, universe=3, steps=9, rule=255)),
    ("dyck_shuffle", {}),
    ("dyck_shuffle", dict(form="reference")),
    ("dyck_shuffle", dict(k=3, max_depth=2, brackets=30, form="reference")),
    ("dyck_shuffle", dict(k=1, max_depth=1, brackets=4)),
]


@pytest.mark.parametrize("name, parameters", CASES)
def test_the_compiled_lines_draw_what_numpy_draws(name, parameters, monkeypatch):
    task = make_task(name, **parameters)
    uniforms = stream("compiled", name).random((200, task.draws))
    assert compiled.is_compiled()
    fast = task.build(uniforms)
    monkeypatch.setattr(compiled, "njit", None)
    slow = task.build(uniforms)
    for field in ("tokens", "positions", "targets", "reference", "answer"):
        assert np.array_equal(getattr(fast, field), getattr(slow, field)), field
    assert fast.tokens.dtype == slow.tokens.dtype
