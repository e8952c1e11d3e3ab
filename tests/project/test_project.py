"""The project's own promises: one lock, thin files, every command in the README runs."""

import ast
import re
import subprocess
import sys

import pytest
from conftest import ROOT

LOCK = {
    line.split("==")[0].lower().replace("_", "-")
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if "==" in line
}


def test_environment_installs_the_lock():
    text = (ROOT / "environment.yml").read_text()
    assert "-r requirements.txt" in text and "python=3.11" in text
    named = {w.split("==")[0] for w in re.findall(r"^\s+- ([\w-]+==\S+)", text, re.M)}
    assert named <= LOCK


def test_lock_is_complete_and_pinned():
    lines = [
        x
        for x in (ROOT / "requirements.txt").read_text().splitlines()
        if x and not x.startswith("#")
    ]
    assert all(re.fullmatch(r"[\w.-]+==[\w.!-]+", x) for x in lines) and "torch==2.13.0" in lines
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


def code_lines(text: str) -> int:
    """Lines of code: without blank lines, comments and docstrings, which this project wants to be
    rich.
    """
    tree, skipped = ast.parse(text), set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            skipped |= set(range(node.lineno, node.end_lineno + 1))
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and i not in skipped
        for i, line in enumerate(text.splitlines(), 1)
    )


def test_library_stays_thin():
    sizes = {p.name: code_lines(p.read_text()) for p in (ROOT / "procmod_lib").rglob("*.py")}
    assert sum(sizes.values()) < 3000 and max(sizes.values()) <= 380, (sum(sizes.values()), sizes)


def test_ruff():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "."], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout


def readme_commands():
    text = (ROOT / "README.md").read_text()
    return [
        line.strip()
        for block in re.findall(r"```sh\n(.*?)```", text, re.S)
        for line in block.splitlines()
        if line.strip() and not line.startswith("#")
    ]


def test_readme_names_the_two_commands():
    assert "make book" in readme_commands() and "make test" in readme_commands()


@pytest.mark.parametrize(
    "command",
    [c for c in readme_commands() if not c.startswith(("make", "git", "cd", "PRESET", "conda"))],
)
def test_readme_command_runs(command, tmp_path):
    """Commands run as written but for the preset and the place of results, which a test keeps small
    and apart.
    """
    small = re.sub(r"(--preset|-p preset) \w+", r"\1 smoke", command).replace(
        "out.ipynb", str(tmp_path / "out.ipynb")
    )
    small += (
        f" --store {tmp_path / 'store'}"
        if "procmod_lib" in small
        else f" -p store {tmp_path / 'store'}"
    )
    small = re.sub(
        r"^python|^papermill",
        lambda m: sys.executable + (" -m papermill" if m[0] == "papermill" else ""),
        small.removeprefix(".venv/bin/"),
    )
    done = subprocess.run(small, shell=True, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    words = [w for w in command.split() if w.startswith("make")]
    assert not words


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for command in readme_commands():
        if " ".join(command.split()).startswith("make") or "make " in command:
            assert re.search(rf"^{command.split('make ')[1].split()[0]}:", makefile, re.M), command
