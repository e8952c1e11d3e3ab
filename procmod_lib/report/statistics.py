"""Intervals and tests; every function takes seeds in and returns numbers out."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from procmod_lib.initial import parse
from procmod_lib.randomness import stream
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.curves import by_seed, final
from procmod_lib.runs.run import NON_FINITE, Run
from procmod_lib.tasks import Task, bounds

RESAMPLES = 10_000
LEVEL = 0.05
SUCCESS = bounds.SUCCESS

EXACT_UP_TO = 16  # pairs for which all sign flips are counted
FEWEST_FOR_INTERVAL = 3
CHOSEN_ON = 3  # first seeds that choose the best of many; later ones have no say


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean over seeds, with a fixed generator; (nan, nan) below
    three finite values.

    Args:
        values: (n,) one number a seed.

    >>> interval([0.5, 0.5, 0.5])
    (0.5, 0.5)
    """
    array = np.asarray(values, float)
    array = array[np.isfinite(array)]
    if len(array) < FEWEST_FOR_INTERVAL:
        return (float("nan"), float("nan"))
    picks = stream("bootstrap").integers(len(array), size=(RESAMPLES, len(array)))
    low, high = np.quantile(array[picks].mean(1), [0.025, 0.975])
    return float(low), float(high)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson interval of a share.

    >>> [round(x, 3) for x in wilson(0, 10)]
    [0.0, 0.278]
    """
    low, high = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return float(low), float(high)


def sign_flip(differences: Sequence[float]) -> float:
    """Two-sided p of the exact paired sign-flip test of mean difference zero; above 16 pairs by
    100,000 random flips, of which one is none at all, so that p is never zero.

    >>> sign_flip([1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    0.03125
    """
    d = np.asarray(differences, float)
    if not len(d) or not np.isfinite(d).all():
        return float("nan")
    if len(d) <= EXACT_UP_TO:
        flips = np.arange(2 ** len(d))[:, None] >> np.arange(len(d)) & 1
    else:
        flips = stream("sign flip").integers(2, size=(100_000, len(d)))
        flips[0] = 0
    means = np.abs((1 - 2 * flips) @ d) / len(d)
    return float(np.mean(means >= abs(d.mean()) - 1e-12))


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's adjusted p over a family of claims, in the order given; NaN, which is no claim of the
    family, stays.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, float)
    adjusted = np.full_like(values, np.nan)
    order = np.argsort(values)[: np.isfinite(values).sum()]  # NaN sorts last
    steps = np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def summary(table: pd.DataFrame, score: str = "token_accuracy") -> pd.DataFrame:
    """One row a (diagnostic, initial condition): n, mean and its interval, successes.

    Runs whose loss was not finite count with the score that they ended at, and in ``non_finite``.
    """
    rows = []
    groups = final(table).groupby(["diagnostic", "initial_condition"], sort=False)
    for (diagnostic, condition), group in groups:
        values = group[score].to_numpy()
        low, high = interval(values)
        successes = int((values >= SUCCESS).sum())
        row = {
            "diagnostic": diagnostic,
            "initial_condition": condition,
            "n": len(group),
            "non_finite": int((group.status == NON_FINITE).sum()),
            "mean": float(values.mean()),
            "low": low,
            "high": high,
            "successes": successes,
        }
        rows.append(row)
    return pd.DataFrame(rows)


class Difference(NamedTuple):
    """One paired comparison: the mean difference of n seeds, its 95 % interval, p of the exact
    test.
    """

    n: int
    difference: float
    low: float
    high: float
    p: float

    @classmethod
    def of(cls, differences: Sequence[float]) -> "Difference":
        """From (n,) differences, one a seed."""
        d = np.asarray(differences, float)
        mean = float(d.mean()) if len(d) else float("nan")
        return cls(len(d), mean, *interval(d), sign_flip(d))


DIFFERENCE = ["diagnostic", "initial_condition", *Difference._fields]


def paired_differences(
    table: pd.DataFrame, baseline: str = "scratch", score: str = "token_accuracy"
) -> pd.DataFrame:
    """Paired difference of every condition from ``baseline``.

    Mean, interval, sign-flip p, Holm-adjusted over the table.
    """
    if not len(table):
        return pd.DataFrame(columns=[*DIFFERENCE, "p_holm"])
    ends = by_seed(table, score)
    rows = []
    for diagnostic, condition in ends.columns:
        if condition == baseline or (diagnostic, baseline) not in ends.columns:
            continue
        d = (ends[diagnostic, condition] - ends[diagnostic, baseline]).dropna()
        if not len(d):  # no seed has both
            continue
        rows.append((diagnostic, condition, *Difference.of(d)))
    result = pd.DataFrame(rows, columns=DIFFERENCE)
    return result.assign(p_holm=holm(result["p"]))


def is_told(row) -> bool:
    """Whether a paired difference is told from zero: its interval and the exact test agree.

    Args:
        row: of :func:`paired_differences`.
    """
    return bool((row.low > 0 or row.high < 0) and row.p < LEVEL)


def differences_from_parents(table: pd.DataFrame) -> pd.DataFrame:
    """Paired difference of every composition from each of its parents and from no pretraining, in a
    column ``baseline``.
    """
    rows = []
    for condition in dict.fromkeys(table.initial_condition):
        for parent in parse(condition).parents:
            pair = table[table.initial_condition.isin([condition, str(parent)])]
            rows.append(paired_differences(pair, str(parent)).assign(baseline=str(parent)))
    nothing = paired_differences(table.iloc[:0]).assign(baseline="")
    return pd.concat(rows or [nothing], ignore_index=True)


def learnt(runs: list[Run], table: pd.DataFrame) -> pd.DataFrame:
    """One row for each source, pretraining budget and shape in ``runs``: n, mean score and its
    interval, how many count as learnt.

    A run counts as learnt when it has come at least :data:`procmod_lib.tasks.bounds.LEARNT` of the
    way from guessing to what a model can reach; the column ``way`` is that to the best possible.
    """
    ends = final(table).set_index("key")
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        if run.key in ends.index:
            arm = (run.source, run.task, run.budget, run.arch.shape)
            groups.setdefault(arm, []).append(run)
    rows = []
    for (source, task, budget, shape), members in groups.items():
        values = ends.loc[[run.key for run in members], "token_accuracy"].to_numpy()
        low, high = interval(values)
        guess, best = bounds.guess(task), bounds.best(task)
        ways = [bounds.way(task, members[0].arch.width, value) for value in values]
        row = {
            "source": source,
            "settings": settings_of(task, budget),
            "lengths": task.lengths,
            "steps": budget.steps,
            "batch": budget.batch,
            "lr": budget.lr,
            "dropout": budget.dropout,
            "shape": shape,
            "n": len(values),
            "mean": values.mean(),
            "low": low,
            "high": high,
            "best": best,
            "way": (values.mean() - guess) / (best - guess),
            "learnt": sum(way >= bounds.LEARNT for way in ways),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def settings_of(task: Task, budget: Budget) -> str:
    """The name of the settings with which a source was pretrained, as far as they can be told: a
    rung of the ladder is named as the closest replication.
    """
    lengths = task.lengths
    grown = "_curriculum" if lengths == "curriculum" else ""
    if budget.decay_all:
        if budget.stop_after:
            return f"released_loop{grown}"
        return "shipped" if task.full_length and budget.warmup == 0 else f"closest{grown}"
    if budget.dropout:
        return "released"
    if lengths == "curriculum":
        return "curriculum"
    return "one_length" if task.has_lengths and lengths == "fixed" else "large_rate"


def steps_to_success(table: pd.DataFrame) -> pd.DataFrame:
    """Steps until a run's accuracy first is that of a success; runs that never get there are
    censored at their last step.

    Returns:
        One row a diagnostic and condition: n, how many got there, the Kaplan-Meier median (infinite
            where fewer than half did), and the log-rank p against no pretraining; NaN where no run
            of either got there.
    """
    ends = table.groupby("key", sort=False).agg(
        diagnostic=("diagnostic", "first"),
        condition=("initial_condition", "first"),
        end=("step", "max"),
    )
    ends["there"] = table[table.token_accuracy >= SUCCESS].groupby("key").step.min()
    samples = {}
    for cell, group in ends.groupby(["diagnostic", "condition"], sort=False):
        there, not_there = (
            group.there.dropna().astype(float),
            group.end[group.there.isna()].astype(float),
        )
        samples[cell] = stats.CensoredData(uncensored=there, right=not_there)
    rows = []
    for (diagnostic, condition), sample in samples.items():
        reached = len(sample) - sample.num_censored()
        survival = stats.ecdf(sample).sf
        half = survival.quantiles[survival.probabilities <= 0.5]
        fresh = samples.get((diagnostic, "scratch")) if condition != "scratch" else None
        p = _log_rank(sample, fresh)
        median = float(half[0]) if len(half) else float("inf")
        rows.append((diagnostic, condition, len(sample), reached, median, p))
    columns = ["diagnostic", "initial_condition", "n", "reached", "median", "p"]
    return pd.DataFrame(rows, columns=columns)


def _log_rank(sample: stats.CensoredData, fresh: stats.CensoredData | None) -> float:
    """p; NaN where there is nothing beside it, or no run of either got there."""
    if fresh is None or all(each.num_censored() == len(each) for each in (sample, fresh)):
        return float("nan")
    return float(stats.logrank(sample, fresh).pvalue)


def noise_responses(table: pd.DataFrame) -> pd.DataFrame:
    """One row a transfer and size of noise (0 for the plain transfer): n, mean, interval.

    Other perturbations are left out.
    """
    rows = []
    for row in summary(table).itertuples():
        condition = parse(row.initial_condition)
        plain = condition.without("noise")
        if condition.sources and plain.is_whole:  # nothing else was done to it
            numbers = row.n, row.mean, row.low, row.high
            rows.append((str(plain), row.initial_condition, condition["noise"], *numbers))
    columns = ["transfer", "initial_condition", "dose", "n", "mean", "low", "high"]
    return pd.DataFrame(rows, columns=columns).sort_values(["transfer", "dose"])
