"""The sessions, solved and as students get them; the folder that is handed out."""

import os
import re
import shutil
import subprocess
import sys
import zipfile

import handout
import nbformat
import papermill
import pytest
from conftest import ROOT

from procmod_lib.runs.store import Store
from procmod_lib.workshop.outcomes import RUNS, workshop_runs

SESSIONS = sorted((ROOT / "notebooks" / "workshop").glob("*.ipynb"))
SMALL = {"preset": "smoke", "seeds": 1, "steps": 20, "first_seed": 21}  # laptop number 7


@pytest.fixture(scope="module")
def made(html, tmp_path_factory):
    """Where ``make workshop`` puts what it makes."""
    place = tmp_path_factory.mktemp("made")
    handout.make(html, place / "workshop")
    return place


@pytest.fixture(scope="module")
def folder(made, tmp_path_factory):
    """Both zips, unpacked elsewhere; the first alone holds no page, so no solution."""
    place = tmp_path_factory.mktemp("student")
    for name in ("workshop", "workshop_book"):
        with zipfile.ZipFile(made / f"{name}.zip") as archive:
            archive.extractall(place)
        assert (place / "workshop" / "pages").exists() == (name == "workshop_book")
    return place / "workshop"


@pytest.mark.parametrize("path", SESSIONS, ids=lambda p: p.stem)
def test_papermill_reads_every_parameter_of_a_session(path):
    cells = nbformat.read(path, 4).cells
    (cell,) = [c for c in cells if "parameters" in c.metadata.get("tags", [])]
    known = papermill.inspect_notebook(str(path))
    assert len(known) == len(cell.source.strip().splitlines())
    assert all(parameter["help"] for parameter in known.values())


def execute(path, out, store):
    papermill.execute_notebook(
        str(path), str(out), SMALL | {"store": str(store)}, progress_bar=False, cwd=str(ROOT)
    )
    cells = nbformat.read(out, 4).cells
    outputs = [o for c in cells if c.cell_type == "code" for o in c.outputs]
    return [o.data["text/plain"] for o in outputs if "text/plain" in o.get("data", {})]


@pytest.mark.parametrize("path", SESSIONS, ids=lambda p: p.stem)
def test_every_solution_passes_its_check(path, tmp_path):
    said = execute(path, tmp_path / "out.ipynb", tmp_path / "store")
    checks = path.read_text().count(".check_")
    assert checks >= 1
    assert sum(text.startswith("Right. ") for text in said) == checks
    assert not any("Not yet" in text for text in said)


@pytest.mark.parametrize("name", [p.name for p in SESSIONS])
def test_a_student_gets_no_solution_and_a_notebook_that_runs(folder, name, tmp_path):
    path = folder / "notebooks" / name
    student = nbformat.read(path, 4)
    assert not [c for c in student.cells if "solution" in c.metadata.get("tags", [])]
    links = [w for c in student.cells for w in re.findall(r"\]\((\.\.[^)]*)\)", c.source)]
    assert all((path.parent / link).exists() for link in links)
    solved = nbformat.read(ROOT / "notebooks" / "workshop" / name, 4)
    for cell in solved.cells:
        if "solution" in cell.metadata.get("tags", []):
            body = cell.source.split("\n", 1)[1]
            assert body not in path.read_text()
    said = execute(path, tmp_path / "out.ipynb", tmp_path / "store")
    unwritten = [text for text in said if "not written yet" in text]
    assert len(unwritten) == path.read_text().count(".check_")


@pytest.mark.parametrize("name", [p.name for p in SESSIONS])
def test_nbval_on_both_versions(folder, name, tmp_path):
    for i, path in enumerate((ROOT / "notebooks" / "workshop" / name, folder / "notebooks" / name)):
        copy = tmp_path / f"{i}_{name}"
        parameters = SMALL | {"store": str(tmp_path / "store")}
        papermill.execute_notebook(str(path), str(copy), parameters, prepare_only=True)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["--nbval-lax", "--nbval-current-env", "--rootdir", str(tmp_path), str(copy)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stdout


def test_the_folder_is_light_and_works_where_it_was_unpacked(made, folder, tmp_path):
    assert (made / "workshop.zip").stat().st_size < 10e6
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "check_install.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr
    assert "All that the sessions need is there" in done.stdout
    command = [
        sys.executable,
        "-m",
        "papermill",
        "notebooks/rules.ipynb",
        str(tmp_path / "a.ipynb"),
    ]
    command += ["-p", "preset", "smoke", "-p", "seeds", "1", "-p", "steps", "20"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr
    assert (folder / "store" / "runs").is_dir()


def test_a_machine_that_lacks_something_is_told_what(folder, tmp_path):
    copy = tmp_path / "check_install.py"
    shutil.copy(folder / "check_install.py", copy)
    hidden = "import sys; sys.modules['torch'] = None; import runpy; runpy.run_path(sys.argv[1], "
    command = [sys.executable, "-c", hidden + "run_name='__main__')", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "A package is missing (torch) for " in done.stderr


def test_what_is_handed_out_can_be_read_and_printed(made, folder):
    """The pages, the hand-out on one page, a page a slide; nothing is asked of another machine."""
    assert (folder / "pages" / "index.html").exists()
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        assert not (made / "slides.pdf").exists()
        pytest.skip("no Chromium here: nothing was printed")
    assert pages_of(folder / "handout.pdf") == 1
    text = (ROOT / "book" / "slides" / "index.md").read_text()
    slides = sum(line.startswith(("# ", "## ")) for line in text.splitlines())
    assert pages_of(made / "slides.pdf") == slides


def pages_of(pdf):
    """How many pages a PDF has."""
    return max(map(int, re.findall(rb"/Type /Pages\s*/Count (\d+)", pdf.read_bytes())))


def test_the_slides_load_nothing_from_elsewhere(html):
    page = (html / "slides" / "index.html").read_text()
    linked = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert len(linked) > 10
    for link in linked:
        assert "//" not in link, link
        assert (html / "slides" / link.split("?")[0]).exists(), link


def test_a_session_trains_its_own_runs(folder):
    """The class sees training: what the sessions train is not among the results handed out."""
    mine = Store(folder / "book" / "results", None)
    assert not any(mine.has(run) for name in RUNS for run in workshop_runs(name, 3))
    assert len(mine.view()) > 0


def test_the_commands_for_marking_count_what_is_right(folder, tmp_path):
    """As the instructor's guide writes them: one student who left all out, one who solved all."""
    collected = tmp_path / "collected"
    shutil.copytree(folder / "notebooks", collected / "ann")
    (collected / "ann" / "by_hand.ipynb").unlink()
    (collected / "bob").mkdir()
    for path in SESSIONS:
        shutil.copy(path, collected / "bob")
    guide = (ROOT / "book" / "workshop.md").read_text().split("## Marking")[1]
    (commands,) = re.findall(r"```sh\n(.*?)```", guide, re.S)
    tools = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", commands],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(folder), "PATH": tools},
    )
    right = dict(line.split("/", 1)[1].split("_run.ipynb:") for line in done.stdout.split())
    most = {"rules": "4", "surgery": "3", "loud_head": "1"}
    expected = {f"ann/{name}": "0" for name in most} | {f"bob/{n}": c for n, c in most.items()}
    assert right == expected, done.stderr


def test_the_slides_that_the_guide_names_are_there():
    guide = (ROOT / "book" / "workshop.md").read_text().split("## Forty-five minutes")[1]
    titles = (ROOT / "book" / "slides" / "index.md").read_text()
    named = re.findall(r'"([^"]+)" \|$', guide.split("## Old laptops")[0], re.M)
    assert named
    assert all(f"## {name}\n" in titles for name in named)
