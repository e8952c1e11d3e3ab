"""Shared helpers: small batches, and the reference loss computed by Hugging Face on whole
sequences.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(ROOT / ".hypothesis"))


def huggingface_loss(model, batch):
    """Mean cross-entropy over the scored outputs, from full-length logits; returns (loss, logits
    (n, T, V)).
    """
    z = model(torch.from_numpy(batch.tokens).long()).logits
    labels = torch.full(batch.tokens.shape, -100)
    row, column = np.nonzero(batch.targets >= 0)
    labels[row, batch.positions[row, column]] = torch.from_numpy(batch.targets[row, column]).long()
    return torch.nn.functional.cross_entropy(z.flatten(0, 1), labels.flatten()), z


SCORES = ["initial_condition", "seed", "step", "token_accuracy", "exact_match", "loss", "key"]


def scores(table):
    """What two computations of the same runs must have in common."""
    return table[SCORES].sort_values(["key", "step"]).reset_index(drop=True)


def ensure_in(store, runs, *, keep_weights=False, snapshots=(), progress=None, **machine):
    """Compute what is missing in a store; the other options are fields of a Machine."""
    from procmod_lib.runs.machine import Machine
    from procmod_lib.runs.sweep import ensure

    kept = dict(keep_weights=keep_weights, snapshots=snapshots)
    return ensure(runs, store, Machine(**machine), **kept, progress=progress)


@pytest.fixture
def store(tmp_path):
    from procmod_lib.runs.store import Store

    return Store(tmp_path / "store", published=None)


@pytest.fixture(scope="session")
def html(tmp_path_factory):
    """The book, made at the smoke preset in a copy of the sources, so that a reader's own build is
    left alone.
    """
    copy = tmp_path_factory.mktemp("copy")
    for name in ("book", "notebooks"):
        shutil.copytree(
            ROOT / name,
            copy / name,
            ignore=shutil.ignore_patterns("_build", "generated", "results"),
        )
    shutil.copy(ROOT / "CONTRIBUTING.md", copy)  # a page of the book
    command = [
        sys.executable,
        str(copy / "book" / "build.py"),
        "--preset",
        "smoke",
        "--store",
        str(copy / "store"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return copy / "book" / "_build" / "html"
