"""Each parameter changes what it names."""

import nbformat
import pandas as pd
import pytest
from executed import run


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
