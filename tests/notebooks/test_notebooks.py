"""Every notebook: one parameters cell, no committed output; runs under papermill and nbval; refuses
bad values in one sentence.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest
from click.testing import CliRunner
from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BAD = [
    ("-p sede 3", "there is no parameter 'sede'; this notebook has preset, sources, diagnostics"),
    ("-p preset slow", "preset must be one of smoke, quick, small, standard, paper, got 'slow'"),
    ("-p preset 3", "preset must be one of"),
    ("-p seeds 0", "seeds must be a whole number above 0, got 0"),
    ("-p seeds -2", "seeds must be a whole number above 0, got -2"),
    ("-p seeds 1.5", "seeds must be a whole number"),
    ("-p seeds many", "seeds must be a whole number"),
    ("-p seeds True", "seeds must be a whole number"),
    ("-p sources music", "sources must be one of identity"),
    ("-p sources identity,music", "sources must be one of"),
    ("-y 'sources: []'", "sources must be a list of at least one name"),
    ("-y 'sources: [1]'", "sources must be a list"),
    ("-p sources 7", "sources must be a list"),
    ("-p diagnostics spelling", "diagnostics must be one of haystack"),
    ("-y 'diagnostics: []'", "diagnostics must be a list"),
    ("-p initial_conditions atention", "'atention' is not understood"),
    ("-p initial_conditions attention=music", "must be one of identity"),
    (
        "-p initial_conditions 'attention=identity noise=-1'",
        "noise and relative_noise must be 0 or more",
    ),
    ("-p steps 0", "steps must be a whole number above 0"),
    ("-p lr -1", "lr must be a number above 0"),
    ("-p settings fast", "settings must be one of large_rate, released, one_length, curriculum"),
    ("-p device gpu", "device must be 'cpu'"),
    ("-p time_budget -1", "time_budget must be a number of seconds"),
    ("-p store /proc/no", "store must be a folder that can be written, got '/proc/no'"),
    ("-p store ''", "store must be the path of a folder"),
]


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


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    """A copy without results, whose chapters have little to draw."""
    folder = tmp_path_factory.mktemp("bare")
    for name in ("procmod_lib", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "book" / "results").mkdir(parents=True)
    return folder


def refusal(name, out, *arguments):
    """What the first cells of a notebook say to parameters, read as papermill's own command line
    reads them; nothing where they are taken.
    """
    from papermill import cli

    given = {}
    words = [w for a in arguments for w in shlex.split(a)]
    path = ROOT / "notebooks" / f"{name}.ipynb"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "execute_notebook", lambda **options: given.update(options))
        done = CliRunner().invoke(cli.papermill, [str(path), str(out), *words])
    assert done.exit_code == 0, done.output
    namespace, is_open = {}, False
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "code" and not is_open:
            is_open = "page.open(" in cell.source
            try:
                exec(cell.source, namespace)
            except Exception as refused:
                return f"{type(refused).__name__}: {refused}"
            if "parameters" in cell.metadata.get("tags", []):
                namespace.update(given["parameters"])
    assert is_open
    return ""


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


@pytest.mark.parametrize("arguments, sentence", BAD[:3], ids=[a for a, _ in BAD[:3]])
def test_bad_values_stop_in_the_first_cell(arguments, sentence, bare, tmp_path):
    done = run(
        bare / "notebooks" / "selective_transfer.ipynb",
        tmp_path / "out.ipynb",
        "-p preset smoke" if "preset" not in arguments else "",
        arguments,
        f"-p store {tmp_path / 'store'}",
    )
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("BadParameter: ")]
    assert said
    assert sentence in said[-1]
    assert not (tmp_path / "store").exists()
    executed = json.loads(Path(tmp_path / "out.ipynb").read_text())
    counts = [cell.get("execution_count") for cell in executed["cells"]]
    assert len([n for n in counts if n is not None]) <= 6  # marker, begin, parameters, open


@pytest.mark.parametrize("arguments, sentence", BAD, ids=[a for a, _ in BAD])
def test_bad_values_are_named_before_any_work(arguments, sentence, tmp_path):
    store = () if "store" in arguments else (f"-p store {tmp_path / 'store'}",)
    preset = "" if "preset" in arguments else "-p preset smoke"
    said = refusal("selective_transfer", tmp_path / "out.ipynb", preset, arguments, *store)
    assert said.startswith("BadParameter: ")
    assert sentence in said
    assert not (tmp_path / "store").exists()


def test_good_values_are_taken(tmp_path):
    store = f"-p store {tmp_path / 'store'}"
    assert refusal("selective_transfer", tmp_path / "out.ipynb", "-p preset smoke", store) == ""


OTHER_BAD = [
    ("procedural_data", "-p diagnostics spelling", "diagnostics must be one of haystack"),
    ("procedural_data", "-p preset slow", "preset must be one of"),
    ("pretraining", "-p settings fast", "settings must be one of large_rate, released"),
    ("pretraining", "-p sources music", "sources must be one of"),
    (
        "pretraining",
        "-p scheduler here",
        "scheduler must be tcp://HOST:PORT, local:N or slurm:FILE, got 'here'",
    ),
    ("perturbation", "-p transfers scratch", "transfers must name what is copied"),
    ("perturbation", "-p perturbations blur", "perturbations: initial_condition"),
    ("localisation", "-p pieces head=0", "pieces: initial_condition"),
    ("localisation", "-p transfers scratch", "transfers must name what is copied"),
    ("by_hand", "-p model 1_4_16", "model must be layers_heads_width, for example 2_4_16"),
    ("by_hand", "-p recipes attention=identity", "recipes must be written by hand"),
    ("by_hand", "-p recipes 'loud=0.3 head=2.0'", "layer must be below 2"),
    ("composition", "-p attention music", "attention must be one of"),
    ("composition", "-p mixtures 3", "mixtures must be True or False"),
    (
        "composition",
        "-p mpl set",
        "there is no parameter 'mpl'; this notebook has preset, attention, mlp",
    ),
    ("settings", "-p factors colour", "factors must be one of rate, lengths, size, repeats"),
    ("scorecard", "-p draws 0", "draws must be a whole number above 0"),
    ("scorecard", "-p published maybe", "published must be True or False"),
]


@pytest.mark.parametrize(
    "name, arguments, sentence", OTHER_BAD, ids=[f"{n} {a}" for n, a, _ in OTHER_BAD]
)
def test_bad_values_of_the_other_chapters(name, arguments, sentence, tmp_path):
    preset = "" if "preset" in arguments else "-p preset smoke"
    store = f"-p store {tmp_path / 'store'}"
    said = refusal(name, tmp_path / "out.ipynb", preset, arguments, store)
    assert said.startswith("BadParameter: ")
    assert sentence in said
    assert not (tmp_path / "store").exists()


def text_of(path):
    return "".join(
        str(o.get("data", {}).get("text/markdown", ""))
        for c in nbformat.read(path, 4).cells
        if c.cell_type == "code"
        for o in c.outputs
    )


def arms(table):
    return {c for c in table.initial_condition if c != "scratch"}


CHANGES = [
    ("selective_transfer", "-p seeds 1", lambda t, _: set(t.seed) == {0}),
    (
        "selective_transfer",
        "-p steps 10",
        lambda t, _: t[t.diagnostic == "haystack"].step.max() == 10,
    ),
    (
        "selective_transfer",
        "-p diagnostics addition",
        lambda t, _: "addition" in set(t.diagnostic) and "haystack" not in set(t.diagnostic),
    ),
    (
        "selective_transfer",
        "-p initial_conditions scratch,attention",
        lambda t, _: arms(t) == {"attention=identity"},
    ),
    ("selective_transfer", "-p sources set", lambda t, _: "full=set" in arms(t)),
    ("selective_transfer", "-p scheduler local:2", lambda t, _: len(t.key.unique()) == 10),
    (
        "selective_transfer",
        "-p answer_mask full",
        lambda t, _: t[t.diagnostic == "haystack"].spec.str.contains('"answer_mask": "full"').all(),
    ),
    (
        "selective_transfer",
        "-p items 4 -p diagnostics sorting",
        lambda t, _: t[t.diagnostic == "sorting"].spec.str.contains('"items": 4').all(),
    ),
    (
        "selective_transfer",
        "-p lr 0.003",
        lambda t, _: t[t.diagnostic == "haystack"].spec.str.contains('"lr": 0.003').all(),
    ),
    (
        "selective_transfer",
        "-p settings one_length",
        lambda t, _: t[t.diagnostic == "identity"].spec.str.contains('"lengths": "fixed"').all(),
    ),
    (
        "procedural_data",
        "-p diagnostics multiplication",
        lambda t, x: set(t.diagnostic) == {"multiplication"} and "Multiplication | full mask" in x,
    ),
    ("procedural_data", "-p steps 10", lambda t, _: t.step.max() == 10),
    ("procedural_data", "-p seeds 1", lambda t, _: set(t.seed) == {0}),
    ("pretraining", "-p sources stack,eca", lambda t, _: set(t.diagnostic) == {"stack", "eca"}),
    (
        "pretraining",
        "-p settings released",
        lambda t, _: t.spec.str.contains('"dropout": 0.1').all(),
    ),
    ("pretraining", "-p seeds 1", lambda t, _: set(t.seed) == {0}),
    (
        "perturbation",
        "-p transfers mlp=set",
        lambda t, _: all(c.startswith("mlp=set") for c in arms(t)),
    ),
    (
        "perturbation",
        "-p perturbations shuffle",
        lambda t, _: arms(t) == {"attention=identity", "attention=identity shuffle"},
    ),
    (
        "localisation",
        "-p transfers mlp=set -p pieces freeze=mlp",
        lambda t, _: arms(t) == {"mlp=set", "mlp=set freeze=mlp"},
    ),
    (
        "localisation",
        "-p pieces layer=1",
        lambda t, _: arms(t) == {"attention=identity", "attention=identity layer=1"},
    ),
    (
        "by_hand",
        "-p recipes 'loud=0.2 head=1.0'",
        lambda t, _: arms(t) == {"loud=0.2 head=1.0"},
    ),
    ("by_hand", "-p pairs 4", lambda t, _: t.spec.str.contains('"pairs": 4').all()),
    ("by_hand", "-p lr 0.003", lambda t, _: t.spec.str.contains('"lr": 0.003').all()),
    (
        "by_hand",
        "-r model 1_4_32 -p recipes loud=0.3",
        lambda t, _: t.spec.str.contains('"width": 32').all(),
    ),
    ("composition", "-p attention stack", lambda t, _: "attention=stack mlp=set" in arms(t)),
    ("composition", "-p mlp eca", lambda t, _: "attention=identity mlp=eca" in arms(t)),
    ("composition", "-p mixtures True", lambda t, _: "full=identity+set" in arms(t)),
    (
        "settings",
        "-p factors dropout",
        lambda t, _: t.spec.str.contains('"dropout": 0.1').any() and len(t.key.unique()) == 16,
    ),
    ("scorecard", "-p draws 7", lambda _, x: "of 7 studies" in x),
    ("scorecard", "-p published False", lambda _, x: "not yet made" in x and "`smoke`" in x),
]


@pytest.mark.parametrize("name, change, differs", CHANGES, ids=[f"{n} {c}" for n, c, _ in CHANGES])
def test_each_parameter_changes_what_it_names(name, change, differs, bare, tmp_path):
    quick = "-p draws 20" if name == "scorecard" and "draws" not in change else ""
    done = run(
        bare / "notebooks" / f"{name}.ipynb",
        tmp_path / "out.ipynb",
        "-p preset smoke",
        change,
        quick,
        f"-p store {tmp_path / 'store'}",
    )
    assert done.returncode == 0, done.stderr
    tables = [pd.read_parquet(p) for p in (tmp_path / "store" / "runs").glob("*.parquet")]
    assert differs(pd.concat(tables) if tables else None, text_of(tmp_path / "out.ipynb"))
