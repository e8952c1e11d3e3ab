"""Which SORTING is hard enough is chosen by the page's rule, on fresh models alone."""

import pytest
from tables import ended

from procmod_lib.experiments import agenda
from procmod_lib.experiments.grids import by_hand, selective_transfer
from procmod_lib.findings import harder


def section(scores):
    """Pilots of some numbers, three seeds each."""
    by_key = {
        run.key: score
        for items, values in scores.items()
        for run, score in zip(agenda.harder_sorting(items), values, strict=False)
    }
    runs = [run for items in agenda.HARDER for run in agenda.harder_sorting(items)]
    return ended(runs, lambda run: by_key.get(run.key))


def test_the_fewest_numbers_in_between_are_taken():
    found = section({24: [0.98, 0.99, 0.97], 32: [0.7, 0.9, 0.8], 40: [0.7, 0.7, 0.7]})
    assert harder.means(found.table) == pytest.approx({24: 0.98, 32: 0.8, 40: 0.7})
    lines = harder.pilots_table(found).data.splitlines()
    assert lines[2].startswith("| 24 | 98.0 %")
    assert lines[2].endswith("|  |")
    assert lines[3].startswith("| 32 | 80.0 %")
    assert lines[3].endswith("| taken |")
    assert lines[4].endswith("|  |")
    assert len(lines) == 5


def test_a_number_with_too_few_pilots_is_not_taken():
    found = section({24: [0.7, 0.8]})
    assert harder.means(found.table) == {}
    assert "taken" not in harder.pilots_table(found).data
    assert harder.choose({32: 0.7}) is None  # of 24 nothing is known yet
    assert harder.pilots_table(section({})).data == "Not yet measured."


def test_pilots_are_fresh_models_at_the_full_protocol():
    runs = agenda.harder_sorting(24)
    assert [run.seed for run in runs] == [100, 101, 102]
    assert {(run.task.items, str(run.condition), run.budget.steps) for run in runs} == {
        (24, "scratch", 10_000)
    }
    usual = selective_transfer("standard", diagnostics="sorting", seeds=1)
    assert usual[0].task.items == 16
    with pytest.raises(ValueError, match="items must be a whole number above 0, got 0"):
        selective_transfer("standard", diagnostics="sorting", items=0)
    with pytest.raises(ValueError, match="items must be None where sorting is not among the diag"):
        selective_transfer("standard", diagnostics="haystack", items=24)
    with pytest.raises(ValueError, match="pairs must be None where haystack is not among the diag"):
        by_hand("standard", diagnostics="addition", pairs=24)
    with pytest.raises(ValueError, match="items must be between 2 and 49"):
        selective_transfer("standard", diagnostics="sorting", items=50)
