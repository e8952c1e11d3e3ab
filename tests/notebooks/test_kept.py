"""What chapters keep of their runs."""

import re

import contents
import pytest
from conftest import ROOT

from procmod_lib.cli import GRIDS
from procmod_lib.experiments.grids import kept_by
from procmod_lib.runs.keep import CURVES


@pytest.mark.parametrize("chapter", sorted(set(GRIDS) & set(contents.notebooks())))
def test_a_chapter_keeps_of_its_runs_what_the_command_line_does(chapter):
    """So that neither trains again what the other has finished."""
    text = (ROOT / "notebooks" / "text" / f"{chapter}.md").read_text()
    asked = re.findall(r"^KEPT = (.*?)(?:  #|$)", text, re.M), re.findall(r"keep=(\w+)", text)
    is_plain = kept_by(GRIDS[chapter]) == CURVES
    assert asked == (([], []) if is_plain else ([f"kept_by({chapter})"], ["KEPT"]))
