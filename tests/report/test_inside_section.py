"""A section seen from inside: what its snapshots hold."""

import numpy as np
import pytest
from conftest import ensure_in

from procmod_lib.experiments.conditions import RECIPE
from procmod_lib.experiments.grids import inside
from procmod_lib.report.inside import Inside
from procmod_lib.runs.store import Store


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Two starts at the smoke preset with three snapshots each."""
    store = Store(tmp_path_factory.mktemp("inside"), None)
    runs = inside("smoke", ["scratch", RECIPE], seeds=1)
    return Inside(runs, ensure_in(store, runs, snapshots=(0, 10, 20)), store)


def test_along_has_a_row_a_run_snapshot_and_head_and_a_run_without_jump_has_no_jump(seen):
    assert len(seen.along) == 2 * 3 * 8
    assert seen.along[seen.along.step == 0]["before"].between(0, 1).all()
    assert list(seen.moments(seen.runs[0])) == ["step 0", "step 10", "step 20, no jump"]
    table = seen.table.assign(token_accuracy=np.where(seen.table.step >= 10, 0.9, 0.1))
    jumped = Inside(seen.runs, table, seen.store)
    assert list(jumped.moments(seen.runs[0])) == [
        "step 0",
        "step 10, at the jump",
        "step 20, after it",
    ]


def test_a_run_is_found_by_its_start_and_seed_or_the_sentence_says_what_there_is(seen):
    assert seen.draw_maps(RECIPE) is not None
    assert seen.draw_maps(RECIPE, seed=0) is not None
    with pytest.raises(ValueError, match="seed must be one of 0, got 21"):
        seen.draw_maps(RECIPE, seed=21)
    with pytest.raises(ValueError, match="condition must be one of scratch, loud=0.3"):
        seen.draw_maps("loud=0.2 head=1.0")


def test_knock_outs_are_of_runs_that_succeeded(seen):
    assert len(seen.knock_outs()) == 0
    good = Inside(seen.runs, seen.table.assign(token_accuracy=1.0), seen.store)
    assert good.knock_outs().groupby("condition").size().tolist() == [8, 8]
