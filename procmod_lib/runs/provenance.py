"""Which commit, versions and machine results come from."""

import platform
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import torch

from procmod_lib.runs.machine import cores
from procmod_lib.runs.run import SCHEMA

PROJECT = Path(__file__).resolve().parent.parent.parent
VERSIONS_OF = ("torch", "numpy", "pandas", "numba")


@lru_cache
def provenance(device: str) -> dict:
    """Return the facts behind results of this process on a device.

    Asked once, before anybody edits the code that runs. ``dirty`` says whether that code was
    committed, None where git cannot say.
    """
    changes = _git("status", "--porcelain", "--", "procmod_lib")
    modules = {name: sys.modules[name].__version__ for name in VERSIONS_OF if sys.modules.get(name)}
    return {
        "schema": SCHEMA,
        "commit": _git("rev-parse", "HEAD") or "unknown",
        "dirty": None if changes is None else bool(changes),
        "versions": {"python": platform.python_version(), **modules},
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else platform.machine(),
        "cores": cores(),
    }


def gone_on(begun: dict, now: dict) -> dict:
    """The facts behind a run that one process began and another finished.

    It counts as dirty where either was, and names the process that began it and the last one.

    Args:
        begun: what its checkpoint says, which may itself have gone on from an earlier process.
        now: of this process.
    """
    first = begun.get("begun", begun)
    both = [begun["dirty"], now["dirty"]]
    dirty = True if True in both else None if None in both else False
    return now | {"dirty": dirty} | ({"begun": first} if first != now else {})


def _git(*words: str) -> str | None:
    """What git says in the project's folder; None where there is no git or no repository."""
    try:
        command = ["git", "-C", str(PROJECT), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def lost() -> dict:
    """What stands in place of a record that is damaged or missing."""
    return {
        "schema": SCHEMA,
        "commit": "unknown: its record is damaged or missing",
        "dirty": None,
        "versions": {"torch": "unknown"},
        "device": "unknown",
        "cores": 0,
    }
