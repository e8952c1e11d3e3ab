"""Every notebook: one parameters cell, no committed output; runs under papermill and nbval."""

import re
import subprocess
import sys

import nbformat
import papermill
import pytest
from conftest import ROOT
from executed import importing, run

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_shape(path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert all(
        not c.outputs and c.execution_count is None for c in notebook.cells if c.cell_type == "code"
    )
    known = papermill.inspect_notebook(str(path))
    assert len(known) == len(tagged[0].source.strip().splitlines())
    assert all(p["help"] for p in known.values())
    for cell in notebook.cells:
        figure = cell.metadata.get("mystnb", {}).get("figure")
        if figure:
            assert len(cell.metadata["mystnb"]["image"]["alt"]) > 40
            assert re.search(r"\bn\b", figure["caption"])
            assert "interval" in figure["caption"]
        assert len(cell.source.splitlines()) <= 25


def test_every_named_text_is_shown_on_a_page():
    texts = [path.read_text() for path in (ROOT / "notebooks" / "text").glob("*.md")]
    pages = "".join([*texts, *(path.read_text() for path in (ROOT / "book").glob("*.md"))])
    named = set(re.findall(r'page\.glue\(\s*"([^"]+)"', "".join(texts)))
    shown = set(re.findall(r"::([\w.-]+?)(?::s)?`", pages))
    assert named
    assert named == shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_papermill_at_smoke_with_nothing_published(path, bare, tmp_path):
    """Every published section has to say that nothing was measured; with results the book runs
    it.
    """
    store = f"-p store {tmp_path / 'store'}"
    out = tmp_path / "out.ipynb"
    done = run(bare / "notebooks" / path.name, out, "-p preset smoke", store)
    assert done.returncode == 0, done.stderr
    executed = nbformat.read(tmp_path / "out.ipynb", 4)
    outputs = [o for c in executed.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o for o in outputs if o.output_type == "error"]
    assert any("image/png" in o.get("data", {}) for o in outputs)
    assert (
        path.stem == "procedural_data" or "ot yet measured" in (tmp_path / "out.ipynb").read_text()
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_nbval_at_smoke(path, bare, tmp_path):
    papermill.execute_notebook(
        str(path),
        str(tmp_path / path.name),
        {"preset": "smoke", "store": str(tmp_path / "store")},
        prepare_only=True,
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        "--nbval-lax",
        "--nbval-current-env",
        str(tmp_path / path.name),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=importing(bare)
    )
    assert done.returncode == 0, done.stdout
