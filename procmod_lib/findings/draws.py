"""How much of what a shuffle leaves is the luck of its draw.

Of models of the released loop with its optional curriculum, HAYSTACK with 30 pairs; rules stand on
the page "Fixed in advance".
"""

import pandas as pd
from IPython.display import Markdown

from procmod_lib.experiments.claims import FROM_CURRICULUM
from procmod_lib.experiments.each_head import DRAWS, SHUFFLED, WITHIN
from procmod_lib.findings.carrying import (
    OF_TEN,
    RUNS_MISSING,
    Carried,
    by_rule,
    in_words,
    verdicts_of,
)
from procmod_lib.findings.verdicts import judge
from procmod_lib.report import statistics
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import NOT_MEASURED, in_points, of_runs, p_value, percent
from procmod_lib.report.tables import NOT_YET, bullets
from procmod_lib.runs.curves import by_seed, final

ORDINALS = ("first", "second", "third")


def starts_of(way: str) -> list[str]:
    """The starts of one way to shuffle, a draw each."""
    return [start for (each, _), start in DRAWS.items() if each == way]


def draws_table(section: Section) -> Markdown:
    """A row a way to shuffle, a column a draw, and whether their difference stands in the second,
    by the rule of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.each_head.drawn_again`.
    """
    found = verdicts_of(section, OF_TEN)
    rows = [
        [way, *(in_words(found.get(start)) for start in starts_of(way)), turned(section, way)]
        for way in (SHUFFLED, WITHIN)
    ]
    heads = ["both layers", *(f"{each} draw" for each in ORDINALS), "models whose draws disagree"]
    second = [found.get(DRAWS[way, 1]) for way in (SHUFFLED, WITHIN)]
    return by_rule(heads, rows, f"of the second draw, {_of_second(*second)}")


def _of_second(whole: Carried | None, within: Carried | None) -> str:
    """Whether the two ways differ in a second draw too."""
    if whole is None or within is None:
        return RUNS_MISSING
    if whole.carries and within.carries is False:
        return "the difference stands"
    if abs(whole.successes - within.successes) <= 2:
        return "the difference does not stand"
    return "open"


def turned(section: Section, way: str) -> str:
    """Of how many models some draws succeed and some do not, such as ``6 of 10``."""
    ends = ends_by_draw(section, starts_of(way)).dropna()
    successes = (ends >= statistics.SUCCESS).sum(axis=1)
    return f"{int(successes.between(1, ends.shape[1] - 1).sum())} of {len(ends)}"


def each_draw(section: Section, way: str) -> str:
    """How many runs succeed after one way to shuffle, draw by draw."""
    ends = ends_by_draw(section, starts_of(way))
    draws = (ends[start].dropna() for start in ends)
    return ", then ".join(of_runs(int((d >= statistics.SUCCESS).sum()), len(d)) for d in draws)


def ends_by_draw(section: Section, starts: list[str]) -> pd.DataFrame:
    """Final accuracy, a row a seed and a column a start; NaN where missing."""
    ends = by_seed(section.table).droplevel("diagnostic", axis="columns")
    return ends.reindex(columns=starts).dropna(how="all")


def in_the_mean(section: Section, way: str) -> str:
    """Where models end after one way to shuffle, each in the mean of its draws: n and interval."""
    means = ends_by_draw(section, starts_of(way)).mean(axis=1, skipna=False).dropna()
    if not len(means):
        return NOT_MEASURED
    return percent(means.mean(), *statistics.interval(means.to_numpy()), len(means))


def differ_told(section: Section) -> Markdown:
    """Whether models end higher when shuffled over whole tensors than within each head, a model the
    mean of its second and third draw, by the rule of the page.

    Args:
        section: the runs of :func:`procmod_lib.experiments.each_head.drawn_again`.
    """
    whole, within = (
        ends_by_draw(section, starts_of(way)[1:]).mean(axis=1, skipna=False)
        for way in (SHUFFLED, WITHIN)
    )
    differences = (whole - within).dropna()
    if len(differences) < OF_TEN.seeds:
        return Markdown(NOT_YET)
    row = statistics.Difference.of(differences)
    word = "the two shuffles differ"
    if not (row.low > 0 and row.p < statistics.LEVEL):
        word = "a difference is not shown"
    return Markdown(f"By the rule of the mean: **{word}**, {in_points(row)}, p = {p_value(row.p)}.")


def with_mean_draw(table: pd.DataFrame) -> pd.DataFrame:
    """The last row of each run, those of all draws of the shuffle over whole tensors replaced by
    one a model: the mean of its draws, under the name of the first. A model without all of its
    draws has none.

    Args:
        table: runs of these models, a row a step.
    """
    starts, ends = starts_of(SHUFFLED), final(table)
    draws = ends[ends.initial_condition.isin(starts)]
    means = draws.groupby("seed").token_accuracy.agg(["mean", "size"])
    means = means[means["size"] == len(starts)]["mean"]
    first = draws[(draws.initial_condition == starts[0]) & draws.seed.isin(means.index)]
    first = first.assign(token_accuracy=first.seed.map(means))
    return pd.concat([ends[~ends.initial_condition.isin(starts)], first], ignore_index=True)


def with_one_draw(table: pd.DataFrame, draw: int) -> pd.DataFrame:
    """The last row of each run, of the shuffles over whole tensors one draw alone, under the name
    of the first.
    """
    starts, ends = starts_of(SHUFFLED), final(table)
    others = [start for start in starts if start != starts[draw]]
    kept = ends[~ends.initial_condition.isin(others)]
    return kept.assign(initial_condition=kept.initial_condition.replace(starts[draw], starts[0]))


def judged_by_draw(table: pd.DataFrame) -> Markdown:
    """A line a draw: the verdict on the claim that a shuffle removes the gain, were that draw the
    only one.

    Args:
        table: as :func:`with_mean_draw` takes it.
    """
    lines = []
    for draw, name in enumerate(ORDINALS):
        judged = judge(FROM_CURRICULUM, with_one_draw(table, draw))
        row = _on_shuffling(judged)
        told = f", {cost(judged)}, p = {p_value(row.p)}" if row.n else ""
        lines.append(f"By the {name} draw alone: **{row.verdict}**{told}.")
    return bullets(lines)


def cost(judged: pd.DataFrame) -> str:
    """By how many points models end lower when shuffled.

    Args:
        judged: the verdicts on :data:`procmod_lib.experiments.claims.FROM_CURRICULUM`.
    """
    row = _on_shuffling(judged)
    if not row.n:
        return NOT_MEASURED
    between = f"95 % interval {row.low:.1f} to {row.high:.1f}, n = {row.n}"
    return f"{row.difference:.1f} points ({between})"


def _on_shuffling(judged: pd.DataFrame):
    """The row of the claim that a shuffle removes the gain."""
    (row,) = judged[judged.baseline == starts_of(SHUFFLED)[0]].itertuples()
    return row
