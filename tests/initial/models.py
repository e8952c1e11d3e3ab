"""Small models on which the surgery is tried."""

import numpy as np

from procmod_lib.initial import initialise, parse
from procmod_lib.network import gpt2
from procmod_lib.network.gpt2 import Architecture, views

ARCH = Architecture(50, 40)


FRESH = gpt2.fresh(ARCH, "fresh")


def donor(name):
    """A model whose biases differ from one another, as after training."""
    arch = Architecture(23, 60, tied=True)
    spread = np.random.default_rng(len(name)).normal(0.5, 0.01, arch.size)
    return gpt2.fresh(arch, name) + spread.astype(np.float32), arch


DONORS = {name: donor(name) for name in ("identity", "set")}


def start(text, donors=DONORS):
    before = FRESH.copy(), {n: w.copy() for n, (w, _) in donors.items()}
    flat, frozen, report = initialise(parse(text), FRESH, ARCH, donors, 0)
    assert np.array_equal(FRESH, before[0])
    assert all(np.array_equal(donors[n][0], w) for n, w in before[1].items())
    return views(flat, ARCH), frozen, report


def changed(new):
    return {n for n, v in new.items() if not np.array_equal(v, views(FRESH, ARCH)[n])}


def head_columns(head, width=16, size=4):
    """Columns of the joint projection that belong to a head: its queries, keys and values."""
    return [block * width + head * size + i for block in range(3) for i in range(size)]
