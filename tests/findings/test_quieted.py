"""Predictions on the first layer are judged by the rule that was fixed before their runs."""

import pytest
from tables import carried, ended

from procmod_lib.experiments import first_layer
from procmod_lib.findings import quieted
from procmod_lib.report.section import Section


def section(arm, ends):
    """Runs of an arm that end at 95 % in so many first seeds of a start, and at 10 % else."""
    return ended(arm.runs, lambda run: 0.95 if run.seed < ends.get(str(run.condition), 0) else 0.1)


def sections(**counts):
    quiet, shuffled = counts.get("quiet", (10, 8, 10, 10)), counts.get("shuffled", (0, 0, 0, 0))
    return {
        arm.name: section(arm, {first_layer.QUIET_FIRST: q, first_layer.SHUFFLED_FIRST: s})
        for arm, q, s in zip(first_layer.ARMS, quiet, shuffled, strict=True)
    }


def test_the_predictions_are_those_of_the_page():
    expected = [
        (p.arm.name.split(",")[-1], p.least, p.most, p.arm.seeds) for p in quieted.PREDICTIONS
    ]
    assert expected == [
        (" 10 pairs", 8, 10, 10),
        (" 10 pairs", 0, 2, 10),
        (" 10 pairs", 6, 8, 8),
        (" 10 pairs", 0, 2, 8),
        (" 30 pairs", 7, 10, 10),
    ]


@pytest.mark.parametrize(
    "counts, held, told",
    [
        ({}, 5, "stands for now**: 0 of 5"),
        ({"quiet": (8, 6, 7, 0), "shuffled": (2, 2, 0, 0)}, 5, "stands for now**: 0 of 5"),
        ({"quiet": (7, 6, 7, 0)}, 4, "stands for now**: 1 of 5"),
        ({"quiet": (7, 5, 7, 0)}, 3, "fails**: 2 of 5"),
        ({"shuffled": (3, 3, 0, 0)}, 3, "fails**: 2 of 5"),
    ],
)
def test_one_failure_is_allowed_and_two_are_not(counts, held, told):
    text = quieted.judged_table(sections(**counts)).data
    assert text.count("**holds**") == held
    assert text.splitlines()[-1] == (
        f"That the first layer spoils it by its size **{told} predictions "
        f"{'do.' if 'fails' in told else 'failed, 1 was allowed.'}"
    )


@pytest.mark.parametrize(
    "ends, told",
    [
        ((8, 8, 2, 2), "stands for now**: 0 of 4"),
        ((10, 7, 0, 0), "stands for now**: 1 of 4"),
        ((10, 2, 3, 0), "fails**: 2 of 4"),
        ((10, 10, 3, 3), "fails**: 2 of 4"),
    ],
)
def test_models_from_the_released_curriculum_are_judged_by_predictions_of_their_own(ends, told):
    arm = first_layer.GROWN
    starts = [prediction.start for prediction in quieted.GROWN_PREDICTIONS]
    found = section(arm, dict(zip(starts, ends, strict=True)))
    text = quieted.judged_table({arm.name: found}, quieted.GROWN_PREDICTIONS).data
    assert told in text.splitlines()[-1]
    assert f"| last layer shuffled: {arm.name} | at most 2 of 10 | {ends[2]} of 10 |" in text


def test_nothing_is_judged_while_seeds_lack():
    arm = first_layer.NEAR
    found = sections()
    rows = found[arm.name].table
    found[arm.name] = Section(arm.runs, rows[rows.seed < 9], None)
    text = quieted.judged_table(found).data
    assert text.count("9 of 10 seeds are run | open") == 2
    assert text.endswith("Open: 2 of 5 predictions lack seeds.")


@pytest.mark.parametrize(
    "successes, told",
    [
        ((6, 5, 5, 6, 0), "holds for other sources too**: 4 of 5"),
        ((6, 5, 4, 6, 0), "is IDENTITY's alone**: 3 of 5"),
    ],
)
def test_the_other_sources_bear_it_out_or_do_not(successes, told):
    runs = first_layer.of_every_source()
    ends = dict(zip(first_layer.OTHERS, successes, strict=True))

    def end(run):
        return 0.95 if run.seed < ends.get(run.condition["attention"], 0) else 0.1

    found = ended(runs, end)
    assert told in quieted.others_judged(found).data
    partly = Section(runs, found.table[found.table.seed < 5], None)
    assert quieted.others_judged(partly).data == "Open: 25 of 30 runs."


SET_ECA = first_layer.PAIRS["SET with ECA"]


@pytest.mark.parametrize(
    "successes, told",
    [
        (
            (0, 5, 6, 6),
            "SET with ECA: **the first layer's attention was all that stood in its way**.",
        ),
        ((0, 4, 5, 6), "SET with ECA: **its first MLP stood in its way too**."),
        ((0, 0, 4, 5), "SET with ECA: **only its last layer alone carries**."),
        ((0, 1, 4, 0), "SET with ECA: **with none of the three; the last layer's MLP does harm"),
    ],
)
def test_a_pair_is_told_by_the_first_change_with_which_it_carries(successes, told):
    starts = [f"{SET_ECA} {change}".strip() for change in first_layer.CHANGES]
    runs = first_layer.of_pairs()
    ends = dict(zip(starts, successes, strict=True))
    found = ended(runs, lambda run: 0.95 if run.seed < ends.get(str(run.condition), 0) else 0.1)
    assert quieted.pairs_judged(found).data.splitlines()[0].removeprefix("- ").startswith(told)
    row = quieted.pairs_table(found).data.splitlines()[2]
    assert row.startswith("| SET with ECA | 0 of 6 (0 to 39 %) |")
    assert f"| {successes[1]} of 6" in row
    partly = Section(runs, found.table[found.table.seed < 5], None)
    assert "SET with ECA: not yet measured." in quieted.pairs_judged(partly).data


@pytest.mark.parametrize(
    "successes, told",
    [
        ((8, 7, 1, 8, 0), ["positions", "positions"]),
        ((8, 7, 2, 5, 1), ["positions"]),
        ((8, 7, 6, 2, 0), ["norms", "norms"]),
        ((6, 2, 0, 0, 0), ["token embeddings and output head"]),
        ((5, 2, 0, 0, 0), []),
    ],
)
def test_a_part_does_harm_where_a_start_fails_with_it_and_carries_without(successes, told):
    ends = dict(zip(first_layer.TAKEN_APART, successes, strict=True))
    found = section(first_layer.APART, ends)
    rows = quieted.apart_judged(found).data.splitlines()[2:]
    assert len(rows) == 5
    assert [row.split(" | ")[0][2:] for row in rows if row.endswith("| does harm |")] == told
    assert f"| {successes[0]} of 8 (" in rows[0]
    assert f"| {successes[-1]} of 8 (" in rows[-1]
    partly = Section(found.runs, found.table[found.table.seed < 7], None)
    assert quieted.apart_judged(partly).data == "Not yet measured."


@pytest.mark.parametrize(
    "quiet, last, said",
    [
        (8, 0, "the MLPs are not needed"),
        (0, 8, "the MLPs are not needed"),
        (2, 2, "the MLPs are needed"),
        (3, 2, "open"),
        (8, None, "open, runs are missing"),
    ],
)
def test_the_mlps_are_needed_where_nothing_carries_without_them(quiet, last, said):
    counts = dict(zip(first_layer.WITHOUT_MLPS, (quiet, last), strict=True))
    section = carried(first_layer.without_the_mlps(), counts)
    pair = ended(first_layer.of_the_papers_pair(["haystack"]), lambda run: 0.95)
    text = quieted.without_mlps_table(section, pair).data
    assert text.endswith(f"**By the rule: {said}.**")
    assert "| the pair, first layer quiet | 10 of 10" in text
