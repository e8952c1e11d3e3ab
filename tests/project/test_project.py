"""The project's own promises: one lock, clean code, every command in the README runs."""

import ast
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
import yaml
from conftest import ROOT

from procmod_lib.cli import main, make_parser, runs_of
from procmod_lib.experiments.make_runs import pretraining_run

LOCK = {
    line.split("==")[0].lower().replace("_", "-")
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if "==" in line
}


def test_environment_installs_the_lock():
    text = (ROOT / "environment.yml").read_text()
    wanted = yaml.safe_load(text)["dependencies"]
    assert "python=3.11" in wanted
    assert {"pip": ["-r requirements.txt", "-e ."]} in wanted


def test_lock_is_complete_and_pinned():
    lines = [
        x
        for x in (ROOT / "requirements.txt").read_text().splitlines()
        if x and not x.startswith("#")
    ]
    assert all(re.fullmatch(r"[\w.-]+==[\w.!-]+", x) for x in lines)
    assert "torch==2.13.0" in lines
    for name in (
        "torch",
        "transformers",
        "jupyter-book",
        "papermill",
        "matplotlib",
        "seaborn",
        "pandas",
        "nbval",
    ):
        assert name in LOCK
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def _modules(node):
    if isinstance(node, ast.Import):
        return [a.name for a in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []


def test_imports_of_the_library_are_in_the_lock():
    imported = set()
    for path in (ROOT / "procmod_lib").rglob("*.py"):
        imported |= {
            n.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            for n in _modules(node)
        }
    third = {m for m in imported if m not in sys.stdlib_module_names and m != "procmod_lib"}
    names = {"myst_nb": "myst-nb", "IPython": "ipython"}
    assert {names.get(m, m).replace("_", "-") for m in third} <= LOCK


def test_ruff_and_format():
    for words in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "."]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr


def test_types():
    command = [sys.executable, "-m", "mypy", "procmod_lib"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def commands_of(page):
    """The lines of a page's shell blocks, and what its tables write after .venv/bin/."""
    text = (ROOT / page).read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.S)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")] + re.findall(
        r"\| `(\.venv/bin/[^`]+)` \|", text
    )


def readme_commands():
    return commands_of("README.md")


def test_readme_names_the_two_commands():
    assert "make book" in readme_commands()
    assert "make test" in readme_commands()


SHELL = ("make", "PRESET")


def here(command, folder):
    """A command of the README with the test's Python, at smoke, and with results in a folder of the
    test.
    """
    small = re.sub(r"(--preset|-p preset) \w+", r"\1 smoke", command.removeprefix(".venv/bin/"))
    small = small.replace("out.ipynb", str(folder / "out.ipynb"))
    small = small.replace("export start", f"export {folder / 'start'}")
    small = small.replace("papermill", f"{sys.executable} -m papermill", 1)
    small = re.sub(r"^procmod ", f"{sys.executable} -m procmod_lib ", small)
    if "papermill" in small and "-p preset" not in small:
        small += " -p preset smoke"
    flag = "-p store" if "papermill" in small else "--store"
    return f"{small} {flag} {folder / 'store'}"


COMMANDS = dict.fromkeys(readme_commands() + commands_of("book/run.md"))


@pytest.mark.parametrize("command", [c for c in COMMANDS if not c.startswith(SHELL)])
def test_a_command_of_the_readme_and_of_run_it_runs(command, tmp_path):
    """Commands run as written but for the preset and the place of results, which a test keeps
    small.
    """
    done = subprocess.run(
        here(command, tmp_path), shell=True, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_an_exported_start_is_the_start_and_transformers_loads_it(tmp_path):
    """Hugging Face's model, loaded from the folder, has the weights that a run starts from."""
    import numpy as np

    from procmod_lib.cli import main
    from procmod_lib.experiments.make_runs import fine_tuning_run
    from procmod_lib.network.huggingface import from_huggingface
    from procmod_lib.runs.fleet import initial_weights
    from procmod_lib.runs.store import Store

    folder, store = str(tmp_path / "start"), ["--store", str(tmp_path / "store")]
    start = "loud=0.3 head=1.0"
    assert (
        main(["export", folder, "--start", start, "--preset", "smoke", "--seed", "2", *store]) == 0
    )
    run = fine_tuning_run("haystack", start, "smoke", 2)
    weights, arch = from_huggingface(folder)
    assert arch == run.arch
    assert np.array_equal(weights, initial_weights(run, Store(tmp_path / "store", None))[0])
    for words, sentence in (
        (["--start", "loud=0"], "loud must be a number above 0"),
        (["--source", "eca", "--preset", "smoke"], "source must have tokens, got 'eca'"),
        (["--start", "scratch", "--diagnostic", "eca"], "diagnostic must have tokens, got 'eca'"),
        (["--source", "identity", "--diagnostic", "sorting"], "goes with --start alone"),
        (["--source", "identity", "--model", "4_8_32"], "not in the store"),
        (["--source", "identity", "--model", "foo"], "model must be layers_heads_width"),
        (["--source", ""], "must be one of"),
        ([], "either --start or --source, got neither"),
    ):
        command = [
            sys.executable,
            "-m",
            "procmod_lib",
            "export",
            str(tmp_path / "x"),
            *words,
            *store,
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 2
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for command in readme_commands():
        if " ".join(command.split()).startswith("make") or "make " in command:
            assert re.search(rf"^{command.split('make ')[1].split()[0]}:", makefile, re.M), command


def test_every_folder_with_code_is_installed():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {path.parent for path in (ROOT / "procmod_lib").rglob("*.py")}
    assert set(listed) == {".".join(path.relative_to(ROOT).parts) for path in folders}


def test_make_paper_runs_the_agenda_and_packs_what_it_found():
    command = ["make", "--dry-run", "paper", "TIME=2h", "DEVICE=cuda"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    agenda = said.index("-m procmod_lib agenda --store published --device cuda --time-budget 2h")
    assert agenda < said.index("-m procmod_lib pack --store published")
    assert (
        "--time-budget"
        not in subprocess.run(
            command[:3], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    )


@pytest.mark.parametrize("source, seed", [("identity", 3), ("identity>set", 0), ("set@2", 1)])
def test_export_names_the_command_that_trains_what_it_lacks(tmp_path, capsys, source, seed):
    """The words of the command, as a shell reads them, ask for the very run that is missing."""
    options = ["--source", source, "--seed", str(seed), "--preset", "smoke"]
    with pytest.raises(SystemExit):
        main(["export", str(tmp_path / "model"), *options, "--store", str(tmp_path / "store")])
    said = capsys.readouterr().err.strip().removesuffix(".")
    _, *command = shlex.split(said.partition("; first ")[2])
    asked = make_parser().parse_args(command)
    assert [run.key for run in runs_of(asked)] == [pretraining_run(source, "smoke", seed).key]
