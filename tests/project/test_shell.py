"""The command line: what it refuses, and that every parameter of a grid can be given."""

import subprocess
import sys

import pytest

from procmod_lib.cli import main


def test_command_line_says_what_is_wrong():
    for arguments, words in (
        (["--preset", "slow"], "preset must be one of"),
        (["--sources", "music"], "sources must be one of"),
        (["--time-budget", "soon"], "must be a time above 0"),
        (["--seeds", "0"], "seeds must be a whole number"),
    ):
        process = subprocess.run(
            [sys.executable, "-m", "procmod_lib", "sweep", "selective_transfer", *arguments],
            capture_output=True,
            text=True,
        )
        assert process.returncode == 2
        assert words in process.stderr
        assert "Traceback" not in process.stderr


@pytest.mark.parametrize(
    "grid, arguments, conditions",
    [
        (
            "perturbation",
            "--transfers mlp=set,full=stack --perturbations shuffle --seeds 1",
            "scratch, mlp=set, mlp=set shuffle, full=stack, full=stack shuffle",
        ),
        (
            "localisation",
            "--transfers mlp=set --pieces layer=1 --seeds 1",
            "scratch, mlp=set, mlp=set layer=1",
        ),
        (
            "composition",
            "--attention set --mlp stack --mixtures --seeds 1",
            "scratch, attention=set, mlp=stack, attention=set mlp=stack, full=set+stack",
        ),
        (
            "selective_transfer",
            "--sources eca --initial-conditions full --settings released --answer-mask full "
            "--steps 9 --lr 0.01 --seeds 1",
            "full=eca",
        ),
    ],
)
def test_each_parameter_of_a_grid_can_be_given_in_a_shell(
    tmp_path, capsys, grid, arguments, conditions
):
    assert (
        main(["status", grid, "--preset", "smoke", "--store", str(tmp_path), *arguments.split()])
        == 0
    )
    there = [
        line.split(" · ")[1] for line in capsys.readouterr().out.splitlines() if "haystack" in line
    ]
    assert sorted(there) == sorted(conditions.split(", "))


def test_importable_without_notebook_packages():
    """A GPU box has torch, numpy, pandas, pyarrow, safetensors, and neither Jupyter nor numba."""
    code = (
        "import sys\nfor m in ('numba', 'IPython', 'papermill', 'myst_nb', 'seaborn', 'tqdm', "
        "'transformers', 'nbformat', 'scipy'):\n    sys.modules[m] = None\n"
        "sys.stderr.isatty = lambda: True\n"  # as in a terminal, where a bar would be drawn
        "import tempfile\nfrom procmod_lib.cli import main\n"
        "sys.exit(main(['sweep', 'selective_transfer', '--preset', 'smoke', '--seeds', '1', "
        "'--store', tempfile.mkdtemp()]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "4 of 4 runs" in done.stdout
