"""The house: which room may import which, how long things may be, one place for each thing."""

import ast
import importlib
import os
import re
import subprocess
import sys

import contents
import jupytext
import nbformat
import pytest
from conftest import ROOT
from rooms import ROOMS

LIBRARY = ROOT / "procmod_lib"
FILES = sorted(LIBRARY.rglob("*.py"))
APART = {("report", "experiments")}
"""Of two rooms the higher could import from the lower, and does not."""
LONGEST_FILE, LONGEST_BODY, LONGEST_CELL = 300, 40, 12
OPTIONAL = {  # packages that a machine without Jupyter, a cluster or transformers may lack
    "dask_jobqueue",
    "matplotlib_inline.backend_inline",
    "datasets",
    "distributed",
    "myst_nb",
    "procmod_lib.network.huggingface",
    "pydoc_data.topics",
    "tokenizers",
    "tqdm",
    "transformers",
}


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(tree):
    """Names of the modules that the nodes of a tree import; ``from x import y`` counts as x and
    x.y.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(module):
    return (module.split(".") + ["cli"])[1]


def test_imports_go_down_only():
    wrong = []
    for path in FILES:
        here = room_of(module_of(path))
        for name in imports_of(ast.parse(path.read_text())):
            if name.startswith("procmod_lib.") and here in ROOMS:
                there = room_of(name)
                if ROOMS.index(there) > ROOMS.index(here) or (here, there) in APART:
                    wrong.append(f"{module_of(path)} imports {name}")
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle():
    """Packages only pass on what is in them, so the circle is looked for among the files
    themselves.
    """
    files = {module_of(p): ast.parse(p.read_text()) for p in FILES if p.name != "__init__.py"}
    uses = {name: {i for i in imports_of(tree) if i in files} for name, tree in files.items()}
    while free := [name for name, others in uses.items() if not others & set(uses)]:
        for name in free:
            del uses[name]
    assert uses == {}


def test_imports_inside_functions_are_of_optional_packages():
    wrong = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                inner = (n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom))
                found = {next(imports_of(n)) for n in inner}
                wrong += [f"{path.name}: {name}" for name in found - OPTIONAL]
    assert wrong == []


def test_the_store_does_not_know_training_nor_the_sweep_parquet():
    for name, forbidden in {
        "store": {"training", "fleet", "passes", "sweep", "engines"},
        "packs": {"training", "fleet", "passes", "sweep", "store"},
        "sweep": {"packs", "pyarrow"},
        "passes": {"packs", "pyarrow", "sweep"},
        "cluster": {"store", "training", "passes", "sweep"},
    }.items():
        used = set(imports_of(ast.parse((LIBRARY / "runs" / f"{name}.py").read_text())))
        assert not {part for each in used for part in each.split(".")} & forbidden, name
    for path in (LIBRARY / "report").rglob("*.py"):
        used = " ".join(imports_of(ast.parse(path.read_text())))
        assert "training" not in used, path.name
        assert "sweep" not in used, path.name


def body_length(node):
    """Lines of a function from its first statement on, without signature and docstring."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return node.end_lineno - body[0].lineno + 1


def test_files_and_functions_are_of_one_screen():
    rooms = ("tests", "bench", "book")
    sources = [*FILES, *(path for room in rooms for path in (ROOT / room).rglob("*.py"))]
    sources = [path for path in sources if "_build" not in path.parts]
    long = [str(p) for p in sources if len(p.read_text().splitlines()) > LONGEST_FILE]
    long += [
        f"{path.name}: {node.name}"
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and body_length(node) > LONGEST_BODY
    ]
    assert long == []


def stray_strings(path):
    """Lines where a string stands alone among a function's statements, behind its docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        for statement in node.body[1:] if isinstance(node, ast.FunctionDef) else ():
            for inner in ast.walk(statement):
                value = getattr(inner, "value", None) if isinstance(inner, ast.Expr) else None
                is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
                if is_text or isinstance(value, ast.JoinedStr):
                    yield f"{path.name}:{inner.lineno}"


def test_no_part_of_a_sentence_is_left_behind_as_a_statement():
    rooms = ("procmod_lib", "tests", "bench", "book")
    paths = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    assert [line for path in paths for line in stray_strings(path)] == []


def test_no_ten_lines_stand_twice():
    seen, twice = {}, []
    for path in FILES:
        lines = [line.strip() for line in path.read_text().splitlines() if line.strip()]
        for i in range(len(lines) - 9):
            block = tuple(lines[i : i + 10])
            if block in seen and "import" not in block[0]:
                twice.append((path.name, seen[block][0].name, block[0]))
            seen.setdefault(block, (path, i))
    assert twice == []


def code_cells():
    for path in sorted((ROOT / "notebooks").glob("**/*.ipynb")):
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "code":
                yield path.stem, cell


LOGIC = {ast.FunctionDef, ast.For, ast.While, ast.If, ast.Try, ast.ClassDef}


def test_notebooks_hold_no_logic():
    wrong = []
    for name, cell in code_cells():
        tree = ast.parse(cell.source)
        kinds = {type(node) for node in ast.walk(tree)}
        tags = set(cell.metadata.get("tags", []))
        is_parameters = "parameters" in tags
        may_have = tags & {"exercise", "solution"}  # of the workshop, written by students
        if kinds & LOGIC and not may_have:
            wrong.append((name, "logic", cell.source))
        if len(cell.source.splitlines()) > LONGEST_CELL + 5 * (
            is_parameters or "page.open(" in cell.source
        ):
            wrong.append((name, "long", cell.source))
        if not is_parameters and any(len(line) > 100 for line in cell.source.splitlines()):
            wrong.append((name, "wide", cell.source))
    assert wrong == []


@pytest.mark.parametrize(
    "text", sorted((ROOT / "notebooks" / "text").glob("**/*.md")), ids=lambda p: p.stem
)
def test_a_notebook_is_what_its_text_says(text):
    sys.path.insert(0, str(ROOT / "notebooks"))
    import sync

    assert sync.target_of(text).read_text() == sync.content_of(text), "run: make notebooks"
    assert jupytext.read(text).cells


def test_chapters_are_what_the_table_of_contents_says():
    there = {
        str(path.relative_to(ROOT / "notebooks").with_suffix(""))
        for path in (ROOT / "notebooks").glob("**/*.ipynb")
    }
    listed, readme = set(contents.notebooks()), (ROOT / "README.md").read_text()
    assert there - listed == set(), "notebooks that are missing in book/_toc.yml"
    assert listed - there == set(), "chapters of book/_toc.yml that have no notebook"
    unnamed = {name for name in listed if f"`{name}`" not in readme}
    assert unnamed == set(), "chapters that are missing in README.md's table"


TOYS = '''
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from procmod_lib.initial import vocabulary, words
from procmod_lib.tasks import Task, diagnostic, source
from procmod_lib.tasks.lists import ListTask
from procmod_lib.tasks.task import below, scored_span


@source
@dataclass(frozen=True)
class Doubled(ListTask):
    """DOUBLED: write the first half of the list twice."""

    name: ClassVar[str] = "toy_doubled"
    label: ClassVar[str] = "Toy doubled"
    presets: ClassVar[dict] = {"smoke": {"list_length": 4}}

    def output(self, payload, lengths):
        half = np.arange(payload.shape[1]) % np.maximum(lengths[:, None] // 2, 1)
        return np.take_along_axis(payload, half, 1), lengths // 2 * 2


@diagnostic
@dataclass(frozen=True)
class Majority(Task):
    """MAJORITY: the commonest token of a list."""

    name: ClassVar[str] = "toy_majority"
    label: ClassVar[str] = "Toy majority"
    items: int = 9

    vocab = property(lambda self: 4)
    length = property(lambda self: self.items + 2)
    draws = property(lambda self: self.items)

    def build(self, uniforms):
        payload = 1 + below(uniforms, 3)
        answer = 1 + np.stack([(payload == v).sum(1) for v in (1, 2, 3)]).argmax(0)
        separator = np.zeros((len(payload), 1), int)
        tokens = np.concatenate([payload, separator, answer[:, None]], 1).astype(np.int32)
        return scored_span(tokens, np.full(len(tokens), self.items), np.ones(len(tokens), int), 1)


words.register(words.Copy(name="toy_norms", noun="norms", parts="N", about="Copies the norms."))
words.register(words.Change(
    name="toy_flip", default=False, about="Turns every sign.", label=lambda value: "signs turned",
    apply=lambda copied, value, fresh, rng: -copied))
'''

USE = """
import sys
from procmod_lib.cli import main
from procmod_lib.initial import parse
start = "attention=toy_doubled toy_flip"
assert parse(start).label == "attention only from Toy doubled, signs turned"
where = ["--preset", "smoke", "--store", sys.argv[1], "--seeds", "1"]
arms = ["--transfers", "attention=toy_doubled,toy_norms=toy_doubled", "--perturbations", "toy_flip"]
arms += ["--diagnostics", "toy_majority"]
assert main(["sweep", "perturbation", *arms, *where]) == 0
from procmod_lib.experiments.grids import perturbation
from procmod_lib.report import figures
from procmod_lib.report.section import Section
from procmod_lib.runs.store import Store
both = "attention=toy_doubled,toy_norms=toy_doubled"
runs = perturbation("smoke", both, "toy_flip", "toy_majority", seeds=1)
store = Store(sys.argv[1])
section = Section(runs, store.load(runs), store)
assert len(section.conditions) == 5 and section.draw_ends() and section.draw_curves()
assert "Toy majority" in section.results(with_diagnostic=True).data
figures.draw_strips(["toy_majority", "toy_doubled"])
"""


def test_a_source_a_diagnostic_and_a_word_of_your_own_need_no_other_file(tmp_path):
    """The recipes of CONTRIBUTING.md, followed from outside the library."""
    (tmp_path / "toys.py").write_text(TOYS)
    (tmp_path / "use.py").write_text("import toys\n" + USE)
    command = [sys.executable, str(tmp_path / "use.py"), str(tmp_path / "store")]
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("room", ["experiments", "findings"])
def test_a_room_says_of_each_of_its_modules_what_it_is_for(room):
    told = importlib.import_module(f"procmod_lib.{room}").__doc__
    modules = {path.stem for path in (LIBRARY / room).glob("*.py")} - {"__init__"}
    assert modules <= set(re.findall(r"``([a-z_]+)", told))
