"""Why the attention of both layers carries from a curriculum: runs, and what is said of them."""

from dataclasses import replace

import pytest
from tables import Bare, ended, without_one

from procmod_lib.experiments import why_curricula
from procmod_lib.experiments.conditions import BOTH, LAST
from procmod_lib.experiments.first_layer import QUIET_FIRST, SHUFFLED_FIRST, SHUFFLED_LAST
from procmod_lib.experiments.specification import SEEDS, Setting, setting_of, transfers
from procmod_lib.findings import content_or_size, curricula
from procmod_lib.report.tables import NOT_YET

GROWN = Setting(rate=3e-4, lengths="curriculum", size=(64, 100))


@pytest.fixture
def carrying(monkeypatch):
    monkeypatch.setattr(why_curricula, "carrying", lambda store: [GROWN, Setting()])


def test_a_curriculum_stands_beside_lists_of_other_lengths(carrying):
    runs = why_curricula.by_length(None)
    found = dict.fromkeys(setting_of(run) for run in runs)
    assert [(s.lengths, s.size[0]) for s in found] == [
        ("curriculum", 64), ("fixed", 4), ("fixed", 8), ("fixed", 16), ("fixed", 64), ("all", 64)
    ]  # fmt: skip
    assert {replace(s, lengths="curriculum", size=(64, 100)) for s in found} == {GROWN}
    assert len(runs) == len(found) * 2 * SEEDS
    short = why_curricula.short_in_full(None)
    assert {setting_of(run) for run in short} == {list(found)[1]}
    assert len(short) == SEEDS
    assert {run.task.pairs for run in short} == {30}


def test_attention_is_damaged_in_every_model_that_was_asked_before(carrying):
    runs = why_curricula.damaged(None)
    assert [setting_of(run) for run in runs[:: 5 * SEEDS]] == [GROWN, Setting()]
    donors = {run.donors[0][1].key for run in runs}
    assert donors == {
        run.donors[0][1].key for setting in (GROWN, Setting()) for run in transfers(setting)
    }
    assert not why_curricula.scaled(None)[
        2 * len(why_curricula.MULTIPLIERS) * SEEDS :
    ]  # there is no third
    louder, within = why_curricula.scaled(None), why_curricula.scaled_within(None)
    written = {
        start
        for factor in why_curricula.MULTIPLIERS
        for start in why_curricula.at_size(factor).values()
    }
    assert {str(run.condition) for run in louder + within} == written
    assert all(run.condition["each_head"] for run in within)
    assert len(louder) == 2 * len(within)
    assert LAST in written
    full = why_curricula.damaged_in_full(None)
    assert {setting_of(run) for run in full} == {GROWN}
    assert {run.task.pairs for run in full} == {30}
    assert len(full) == 5 * SEEDS


def section(runs, successes):
    """Runs of which so many of eight succeed, by setting and start."""
    return ended(runs, lambda run: 0.95 if run.seed < successes(run) else 0.2, Bare())


AS_EXPECTED = {BOTH: 8, QUIET_FIRST: 6, SHUFFLED_LAST: 6, SHUFFLED_FIRST: 2, "both": 0}


@pytest.mark.parametrize(
    "start, successes, line",
    [(QUIET_FIRST, 5, 0), (SHUFFLED_LAST, 5, 1), (SHUFFLED_FIRST, 3, 2), ("both", 3, 2)],
)
def test_an_expectation_may_fail_in_one_setting_of_five(start, successes, line):
    ways = [Setting(steps=steps) for steps in range(1, 6)]
    runs = [run for way in ways for run in transfers(way, starts=why_curricula.DAMAGED)]

    def found(broken):
        def of(run):
            name = {why_curricula.SHUFFLED_BOTH: "both"}.get(str(run.condition), str(run.condition))
            spoilt = setting_of(run).steps <= broken and name == start
            return successes if spoilt else AS_EXPECTED[name]

        return curricula.damaged_judged(section(runs, of)).data.splitlines()

    assert [line.split("**")[1] for line in found(0)] == ["holds"] * 3
    assert found(1)[line].endswith("**holds**, met in 4 of 5 settings.")
    assert found(2)[line].endswith("**fails**, met in 3 of 5 settings.")
    assert found(2)[:line] + found(2)[line + 1 :] == found(0)[:line] + found(0)[line + 1 :]


def test_every_setting_has_its_row():
    runs = transfers(GROWN, starts=why_curricula.DAMAGED[:2])
    table = curricula.damaged_table(section(runs, lambda run: 7)).data.splitlines()
    assert len(table) == 3
    assert table[2].count("7 of 8 (53 to 98 %)") == 2
    assert table[2].count("not yet measured") == 3


@pytest.mark.parametrize(
    "successes, verdict",
    [
        ((8, 1, 6, 1, 2, 8), "**Short lists do it**, in the one setting that was asked."),
        ((8, 1, 5, 1, 2, 6), "**Many lengths do it**, in the one setting that was asked."),
        ((8, 5, 5, 5, 5, 5), "**The curriculum does it**, in the one setting that was asked."),
        ((8, 1, 6, 1, 3, 8), "**Undecided** by the rule."),
        ((8, 1, 1, 1, 6, 2), "**Undecided** by the rule."),
    ],
)
def test_what_is_said_of_curricula_follows_the_rule(carrying, successes, verdict):
    runs = why_curricula.by_length(None)
    settings = list(dict.fromkeys(setting_of(run) for run in runs))
    many = dict(zip(settings, successes, strict=True))
    whole = section(runs, lambda run: many[setting_of(run)] if str(run.condition) == BOTH else 8)
    assert curricula.by_length_judged(whole).data == verdict
    rows = curricula.by_length_table(whole).data.splitlines()[2:]
    assert [row.split(" | ")[1].split(" of ")[0] for row in rows] == list(map(str, successes))
    assert rows[0].startswith("| a curriculum up to 64 |")
    assert rows[-1].startswith("| every length up to 64 |")
    assert all(row.split(" | ")[2] == "8 of 8 (68 to 100 %)" for row in rows)


def test_nothing_is_said_before_all_runs_are_there(carrying):
    runs = why_curricula.by_length(None)
    partial = without_one(section(runs[:20], lambda run: 8))
    assert curricula.by_length_judged(partial).data == NOT_YET
    assert curricula.damaged_judged(partial).data == NOT_YET
    assert curricula.by_length_table(section([], None)).data == NOT_YET
    assert {str(run.condition) for run in runs} == {BOTH, LAST}


@pytest.mark.parametrize(
    "learnt, shuffled, verdicts",
    [
        ({0.5: 6}, {2.0: 6}, ["in both settings", "in both settings", "3 to 8 times the size"]),
        ({1.0: 8, 3.0: 8}, {1.0: 6}, ["not shown", "in both settings", "0.5 to 2 times the size"]),
        (
            {0.1: 8},
            {1.5: 6},
            ["in both settings", "in both settings", "at least 10 times the size"],
        ),
        ({0.25: 8}, {3.0: 5}, ["in both settings", "not shown", "more than was asked"]),
    ],
)
def test_sizes_are_told_by_the_least_that_carries(monkeypatch, learnt, shuffled, verdicts):
    settings = [GROWN, Setting(), replace(GROWN, steps=5000)]
    monkeypatch.setattr(why_curricula, "carrying", lambda store: settings)
    many = {}
    for factor in why_curricula.MULTIPLIERS:
        as_learnt, at_random, _ = why_curricula.at_size(factor).values()
        many |= {as_learnt: learnt.get(factor, 5), at_random: shuffled.get(factor, 5)}
    found = section(why_curricula.scaled(None), lambda run: many[str(run.condition)])
    lines = content_or_size.scaled_judged(found).data.splitlines()
    *said, worth = verdicts
    assert [line.split("**")[1] for line in lines[:2]] == said
    assert content_or_size.worth(found).startswith(worth)
    assert lines[2].count(f"as learnt times {min(learnt):g}") == 2
    assert "20,000 steps" in lines[2]
    assert "5,000 steps" in lines[2]
    told = f"- So shuffled over whole tensors the layer needs {content_or_size.worth(found)}."
    assert lines[3] == told
    ends = content_or_size.draw_scaled(found).procmod_data
    assert len(ends) == 2 * 2 * len(why_curricula.MULTIPLIERS) * SEEDS
    panels = {"20,000 steps and weight decay 0.01", "5,000 steps and weight decay 0.01"}
    assert set(ends.panel) == panels
    assert content_or_size.draw_scaled(section([], None)) is None


@pytest.mark.parametrize(
    "within, said, least, worth",
    [
        (2.0, "in both settings", "times 2", "3 to 8 times"),
        (0.5, "not shown", "times 0.5", "0.5 to 2 times"),
        (9.0, "in both settings", "at none", "more than was asked in 1 of 1 settings"),
    ],
)
def test_content_is_worth_size_within_each_head(carrying, within, said, least, worth):
    carry = {"as learnt": 0.5, "shuffled": 3.0, "shuffled within each head": within}
    many = {
        start: 8 if factor >= carry[change] else 5
        for factor in why_curricula.MULTIPLIERS
        for change, start in why_curricula.at_size(factor).items()
    }
    runs = why_curricula.scaled(None) + why_curricula.scaled_within(None)
    found = section(runs, lambda run: many[str(run.condition)])
    lines = content_or_size.within_judged(found).data.splitlines()
    assert lines[0].split("**")[1] == said
    assert f"as learnt times 0.5, shuffled within each head {least}" in lines[1]
    assert lines[2].startswith(f"- So shuffled within each head the layer needs {worth}")
    assert set(content_or_size.draw_scaled(found).procmod_data.change) == set(carry)
    assert "Not yet measured" in content_or_size.within_judged(without_one(found)).data


def test_the_answer_tells_of_short_lists_and_of_content(carrying):
    short = section(why_curricula.short_in_full(None), lambda run: 8)
    damage = section(why_curricula.damaged(None), lambda run: 3)
    said = curricula.told(short, damage)
    assert said.startswith("From lists of 4 tokens in its place: 95.0 % (95 %")
    assert said.endswith(
        "With the curriculum's last layer shuffled, 3 of 8 runs of 10 pairs succeed."
    )
    assert curricula.told(without_one(short), damage) == ""
