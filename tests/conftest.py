"""Shared helpers: small batches, and the reference loss computed by Hugging Face on whole
sequences.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import filelock
import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "book"))
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
    from procmod_lib.runs.keep import Keep
    from procmod_lib.runs.machine import Machine
    from procmod_lib.runs.sweep import ensure

    keep = Keep(keep_weights, tuple(snapshots))
    return ensure(runs, store, Machine(**machine), keep=keep, progress=progress)


@pytest.fixture
def store(tmp_path):
    from procmod_lib.runs.store import Store

    return Store(tmp_path / "store", published=None)


@pytest.fixture(scope="session")
def html(tmp_path_factory):
    """The book, made at the smoke preset in a copy of the sources, so that a reader's own build is
    left alone. PROCMOD_HTML names a built book to look at instead, while pages are being written.
    """
    if os.environ.get("PROCMOD_HTML"):
        return Path(os.environ["PROCMOD_HTML"])
    mine = tmp_path_factory.getbasetemp()
    shared = mine.parent if os.environ.get("PYTEST_XDIST_WORKER") else mine
    copy = shared / "copy"
    with filelock.FileLock(shared / "copy.lock"):  # whichever process comes first makes it
        if not (copy / "made").exists():  # one that failed is made again, and says so again
            make_book(copy)
            (copy / "made").touch()
    return copy / "book" / "_build" / "html"


def make_book(copy):
    """Make the book at the smoke preset from a copy of its sources; a half-made one goes."""
    shutil.rmtree(copy, ignore_errors=True)
    for name in ("book", "notebooks"):
        left_out = shutil.ignore_patterns("_build", "generated", "results")
        shutil.copytree(ROOT / name, copy / name, ignore=left_out)
    for name in ("CONTRIBUTING.md", "pyproject.toml"):
        shutil.copy(ROOT / name, copy)
    command = [sys.executable, str(copy / "book" / "build.py"), "--preset", "smoke"]
    command += ["--store", str(copy / "store")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


NEEDED = shutil.which("chromium") and shutil.which("chromedriver")


@pytest.fixture(scope="session")
def browser():
    if not NEEDED:
        if os.environ.get("CI"):
            pytest.fail(
                "Chromium and chromedriver are needed in CI (Debian: apt-get install chromium "
                "chromium-driver)"
            )
        pytest.skip(
            "no Chromium here: the page was not opened in a browser (Debian: apt-get install "
            "chromium chromium-driver)"
        )
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1200,1600",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    """A copy without results, whose chapters have little to draw."""
    folder = tmp_path_factory.mktemp("bare")
    for name in ("procmod_lib", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "book" / "results").mkdir(parents=True)
    return folder
