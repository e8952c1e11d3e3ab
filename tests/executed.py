"""Notebooks of a copy of the project, run by papermill in a process of their own."""

import os
import shlex
import subprocess
import sys


def importing(folder):
    """An environment whose processes import the library of a folder."""
    return os.environ | {"PYTHONPATH": str(folder)}


def run(notebook, out, *arguments):
    """A notebook of a copy, with the library of that copy."""
    words = [w for a in arguments for w in shlex.split(a)]
    return subprocess.run(
        [sys.executable, "-m", "papermill", str(notebook), str(out), "--no-progress-bar", *words],
        capture_output=True,
        text=True,
        env=importing(notebook.parent.parent),
    )
