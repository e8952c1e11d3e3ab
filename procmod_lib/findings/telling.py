"""What was expected of the settings, judged; and how well a number of a pretrained model tells
whether its attention will help.
"""

import numpy as np
import pandas as pd
from IPython.display import Markdown
from scipy import stats

from procmod_lib.experiments.conditions import BOTH, WHOLE
from procmod_lib.experiments.presets import PRESETS
from procmod_lib.experiments.ranked import AT_EACH_END
from procmod_lib.experiments.specification import CARRIED_IN, HOW_MANY, SEEDS, setting_of
from procmod_lib.findings.specified import STARTS_BY_COLUMN, by_setting, described, models_of
from procmod_lib.randomness import stream
from procmod_lib.report import statistics
from procmod_lib.report.section import Section
from procmod_lib.report.tables import NOT_YET, grid

DRAWS = 5000
FEWEST_SETTINGS = 5
"""Below these an interval over settings says nothing."""
TELLING = (
    "a quiet first layer",
    "a loud last layer",
    "a high score on the source",
    "a low score on the source",
    "a last layer loud beside the first",
    "quiet first layer less that of a high score",
)


def area(values: np.ndarray, succeeded: np.ndarray) -> float:
    """The area under the ROC curve of larger values for success; NaN where all ends are alike.

    >>> area(np.array([0.1, 0.2, 0.9]), np.array([False, False, True]))
    1.0
    """
    yes, no = values[succeeded], values[~succeeded]
    if not len(yes) or not len(no):
        return float("nan")
    return float(stats.mannwhitneyu(yes, no).statistic / (len(yes) * len(no)))


def areas(models: pd.DataFrame) -> pd.DataFrame:
    """How well a number of a model tells whether the attention of both layers succeeds.

    Args:
        models: from :func:`procmod_lib.findings.specified.models_of`.

    Returns:
        A row a number, with its area and bootstrap interval over settings and seeds; the last row
        is the difference of the first layer's size from the source's score, which the page's rule
        asks.
    """
    known = models.dropna(subset=["both", "score"]).reset_index(drop=True)
    places = _places(known)
    if len(places) < FEWEST_SETTINGS or np.isnan(_areas(known)).any():
        return pd.DataFrame(columns=["number", "area", "low", "high", "n"])
    rng, shape = stream("settings"), places.shape
    drawn = []
    for _ in range(DRAWS):
        settings, seeds = (rng.integers(many, size=many) for many in shape)
        rows = places[np.ix_(settings, seeds)].ravel()
        drawn.append(_areas(known.iloc[rows[rows >= 0]]))
    low, high = np.nanpercentile(np.array(drawn), [2.5, 97.5], axis=0)
    found = zip(TELLING, _areas(known), low, high, strict=True)
    return pd.DataFrame(
        [(name, *row, len(known)) for name, *row in found],
        columns=["number", "area", "low", "high", "n"],
    )


def _places(models: pd.DataFrame) -> np.ndarray:
    """(settings, seeds) the row of each model, -1 where there is none. Models of one seed start
    from the same weights in every setting, so both are drawn anew.
    """
    setting, seed = pd.factorize(models.setting)[0], pd.factorize(models.seed)[0]
    places = np.full((setting.max(initial=-1) + 1, seed.max(initial=-1) + 1), -1)
    places[setting, seed] = models.index
    return places


def _areas(models: pd.DataFrame) -> np.ndarray:
    succeeded = (models.both >= statistics.SUCCESS).to_numpy()
    quiet = area(-models.first_size.to_numpy(), succeeded)
    loud = area(models.last_size.to_numpy(), succeeded)
    score = area(models.score.to_numpy(), succeeded)
    beside = area((models.last_size / models.first_size).to_numpy(), succeeded)
    return np.array([quiet, loud, score, 1 - score, beside, quiet - score])


def areas_table(models: pd.DataFrame) -> Markdown:
    """What tells, a row a number: area under the ROC curve and interval; below it the difference
    that the page's rule asks.
    """
    found = areas(models)
    rows = [
        [row.number, row.n, f"{row.area:.2f}", f"{row.low:.2f} to {row.high:.2f}"]
        for row in found.itertuples()
    ]
    heads = ["what tells success", "n", "area under the ROC curve", "95 % interval"]
    table = grid(heads, rows[:-1])
    if not rows:
        return table
    name, _, difference, interval = rows[-1]
    return Markdown(f"{table.data}\n\nThe area of a {name}: {difference} ({interval}).")


class Expectation(Markdown):
    """What became of an expectation, in words; ``holds`` is None while it is open."""

    def __init__(self, data: str, holds: bool | None = None):
        super().__init__(data)
        self.holds = holds


def last_layer_judged(rows: pd.DataFrame) -> Expectation:
    """Whether the last layer alone succeeds wherever the source was learnt, by the page's rule; no
    verdict before all settings have all their seeds.

    Args:
        rows: from :func:`procmod_lib.findings.specified.by_setting`.
    """
    share, finished = CARRIED_IN / SEEDS, int((rows.last_n >= SEEDS).sum())
    learnt = rows[rows.learnt >= rows.n * share]
    broken = learnt[learnt["last"] < learnt.last_n * share]
    names = "; ".join(
        f"{described(r.setting)} ({r.last} of {r.last_n})" for r in broken.itertuples()
    )
    if finished < HOW_MANY:
        against = f" Against it so far: {names}." if names else ""
        return Expectation(f"{_open(finished)}{against}")
    text = (
        f"settings whose source is learnt by at least {CARRIED_IN} of {SEEDS} models: "
        f"{len(learnt)}, with fewer than {CARRIED_IN} successes: {len(broken)}"
    )
    told = f"**It does not**: {text}, {names}." if names else f"**It does**: {text}."
    return Expectation(told, holds=not names)


def best_again(section: Section, start: str = BOTH) -> list[Section]:
    """A start from the settings that rank first with 10 pairs, at the full protocol, in their
    order; none before all of them have all their seeds.

    Args:
        section: the runs of :func:`procmod_lib.experiments.ranked.again`.
        start: one of those.
    """
    chosen = section.where(lambda run: str(run.condition) == start)
    settings = list(dict.fromkeys(map(setting_of, chosen.runs)))[:AT_EACH_END]
    parts = [chosen.where(lambda run, s=setting: setting_of(run) == s) for setting in settings]
    done = all(len(part) and part.summary.n.iloc[0] >= SEEDS for part in parts)
    return parts if done else []


def best_again_told(section: Section) -> str:
    """How attention of both layers ends there, in a sentence; nothing before all are there."""
    parts = best_again(section)
    if not parts:
        return ""
    donors = [donor for part in parts for _, donor in part.runs[0].donors]
    grown = ", all curricula," * all(donor.task.lengths == "curriculum" for donor in donors)
    return (
        f"With 30 pairs the first {len(parts)} with 10{grown} succeed in {_in_order(parts)} of "
        f"{SEEDS} runs, the first ends at {parts[0].short(BOTH)}."
    )


def expectations_told(*judged: Expectation) -> str:
    """How many of some expectations held, in a sentence; nothing while one of them is open."""
    held = [each.holds for each in judged]
    if None in held:
        return ""
    return f"Of {len(held)} expectations fixed before, {sum(map(bool, held)) or 'none'} held."


def whole_again_told(section: Section) -> Markdown:
    """How many whole models carry there when those with 10 pairs end, and at the end."""
    parts, early = best_again(section, WHOLE), PRESETS["small"].fine_tuning.steps
    if not parts:
        return Markdown(NOT_YET)
    then, steps = _in_order([part.until(early) for part in parts]), parts[0].runs[0].budget.steps
    return Markdown(
        f"Whole models of the best three in rank with 10 pairs that carry, of {SEEDS} each, in "
        f"that order: {then} after {early:,} steps, where the runs with 10 pairs end; "
        f"{_in_order(parts)} after {steps:,}."
    )


def _in_order(parts: list[Section]) -> str:
    """How many runs of each section, of one start, succeed."""
    return ", ".join(str(int(part.summary.successes.iloc[0])) for part in parts)


def full_protocol_judged(few_pairs: pd.DataFrame, section: Section) -> Expectation:
    """Whether what carries at the full protocol carries with 10 pairs too, by the page's rule.

    Args:
        few_pairs: from :func:`procmod_lib.findings.specified.by_setting`, with 10 pairs.
        section: the runs of :func:`procmod_lib.experiments.ranked.again`.
    """
    if not section.is_complete:
        return Expectation(NOT_YET)
    before, after = few_pairs.set_index("setting"), by_setting(models_of(section))
    rows = [
        (before.loc[row.setting, start] >= CARRIED_IN, getattr(row, start) >= CARRIED_IN)
        for row in after.itertuples()
        for start in STARTS_BY_COLUMN
    ]
    carry = [full for ten, full in rows if ten]
    new = sum(full for ten, full in rows if not ten)
    word = "It does not hold" if new else "It holds"
    return Expectation(
        f"**{word}**. Of the {len(rows) - len(carry)} rows that do not carry with 10 pairs, {new} "
        f"carry with 30. Of the {len(carry)} that do, {sum(carry)} carry with 30 too "
        f"(n = {SEEDS} models a row).",
        holds=not new,
    )


def _open(finished: int) -> str:
    return f"Open: {finished} of {HOW_MANY} settings have all {SEEDS} seeds."


def first_layer_judged(models: pd.DataFrame) -> Expectation:
    """Whether the first layer's size tells better than the source's score, by the page's rule; no
    verdict before all settings have all their seeds.
    """
    rows, there = areas(models), models.dropna(subset=["both", "score"])
    finished = int((there.groupby("setting", sort=False).seed.nunique() >= SEEDS).sum())
    if finished < HOW_MANY:
        return Expectation(_open(finished))
    if not len(rows):
        return Expectation("Open: all models end alike, so nothing can tell them apart.")
    row = rows.iloc[-1]
    word = "It does" if row.low > 0 else "It does not"
    return Expectation(
        f"**{word}**: the areas differ by {row.area:+.2f} (95 % interval {row.low:+.2f} to "
        f"{row.high:+.2f}, n = {row.n} models).",
        holds=bool(row.low > 0),
    )
