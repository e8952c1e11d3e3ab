"""Bad values are refused in one sentence that names the parameter, before any work."""

import json
import shlex
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from conftest import ROOT
from executed import run

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
        "noise and relative_noise must be numbers of 0 or more",
    ),
    ("-p steps 0", "steps must be a whole number above 0"),
    ("-p lr -1", "lr must be a number above 0"),
    ("-p settings fast", "settings must be one of large_rate, released, one_length, curriculum"),
    ("-p device gpu", "device must be 'cpu'"),
    ("-p time_budget -1", "time_budget must be a number of seconds"),
    ("-p store /proc/no", "store must be a folder that can be written, got '/proc/no'"),
    ("-p store ''", "store must be the path of a folder"),
]


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
    ("by_hand", "-r model 2_3_16", "model must have a width that is a multiple of heads"),
    ("by_hand", "-p recipes attention=identity", "recipes must be written by hand"),
    ("by_hand", "-p recipes 'loud=0.3 head=2.0'", "layer must be below 2"),
    ("scorecard", "-p time_budget 9m", "there is no parameter 'time_budget'; this notebook has"),
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
