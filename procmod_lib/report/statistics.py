"""Intervals and tests; every function takes seeds in and returns numbers out."""

import numpy as np
import pandas as pd
from scipy import stats

from procmod_lib.initial.condition import parse
from procmod_lib.randomness import stream

RESAMPLES = 10_000
LEVEL = 0.05


def final(table: pd.DataFrame) -> pd.DataFrame:
    """Return the last evaluation of every run, runs in the order in which they first appear."""
    return table.loc[table.groupby("key", sort=False)["step"].idxmax()].reset_index(drop=True)


def interval(values, level: float = 0.95) -> tuple[float, float]:
    """Bootstrap interval of the mean over seeds, with a fixed generator; (nan, nan) below three finite values.

    Args:
        values: (n,) one number a seed. level: coverage.

    >>> interval([0.5, 0.5, 0.5])
    (0.5, 0.5)
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if len(values) < 3:
        return (float("nan"), float("nan"))
    picks = stream("bootstrap").integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[picks].mean(1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def wilson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson interval of a share.

    >>> [round(x, 3) for x in wilson(0, 10)]
    [0.0, 0.278]
    """
    return tuple(map(float, stats.binomtest(successes, n).proportion_ci(level, method="wilson")))


def sign_flip(differences) -> float:
    """Two-sided p of the exact paired sign-flip test of mean difference zero; above 16 pairs by 100,000 random flips.

    >>> sign_flip([1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    0.03125
    """
    d = np.asarray(differences, float)
    if not len(d) or not np.isfinite(d).all():
        return float("nan")
    every = np.arange(2 ** min(len(d), 16))[:, None] >> np.arange(len(d)) & 1
    flips = every if len(d) <= 16 else stream("sign flip").integers(2, size=(100_000, len(d)))
    means = np.abs((1 - 2 * flips) @ d) / len(d)
    return float(np.mean(means >= abs(d.mean()) - 1e-12))


def holm(p) -> np.ndarray:
    """Holm's adjusted p over a family of claims, in the order given.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, float)
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def summary(table: pd.DataFrame, score: str = "token_accuracy", success: float = 0.9) -> pd.DataFrame:
    """One row a (diagnostic, initial condition): n, mean and its interval, successes and their Wilson interval.

    Non-finite runs are counted in ``non_finite`` and have no part in the mean. A run succeeds where its last score
    is at least ``success``.
    """
    rows = []
    for (diagnostic, condition), group in final(table).groupby(["diagnostic", "initial_condition"], sort=False):
        ok = group[group.status != "non-finite"]
        values = ok[score].to_numpy()
        low, high = interval(values)
        wins = int((values >= success).sum())
        rows.append({
            "diagnostic": diagnostic, "initial_condition": condition, "n": len(group), "non_finite": len(group) - len(ok),
            "mean": float(values.mean()) if len(values) else float("nan"), "low": low, "high": high,
            "successes": wins, "success_low": wilson(wins, len(group))[0], "success_high": wilson(wins, len(group))[1],
        })  # fmt: skip
    return pd.DataFrame(rows)


def against(table: pd.DataFrame, baseline: str = "scratch", score: str = "token_accuracy") -> pd.DataFrame:
    """Paired difference of every condition from ``baseline``: mean, interval, sign-flip p, Holm-adjusted over the table."""
    ends = final(table).pivot_table(index="seed", columns=["diagnostic", "initial_condition"], values=score, sort=False)
    rows = []
    for diagnostic, condition in ends.columns:
        if condition == baseline or (diagnostic, baseline) not in ends.columns:
            continue
        d = (ends[diagnostic, condition] - ends[diagnostic, baseline]).dropna().to_numpy()
        low, high = interval(d)
        rows.append({"diagnostic": diagnostic, "initial_condition": condition, "n": len(d), "difference": float(np.mean(d)) if len(d) else np.nan,
                     "low": low, "high": high, "p": sign_flip(d)})  # fmt: skip
    result = pd.DataFrame(rows, columns=["diagnostic", "initial_condition", "n", "difference", "low", "high", "p"])
    return result.assign(p_holm=holm(result["p"]))


def learnt(runs: list, table: pd.DataFrame) -> pd.DataFrame:
    """One row for each source and pretraining budget in ``runs``: n, mean score and interval, how far it has come, how many count as learnt.

    A run counts as learnt when it has come at least ``LEARNT`` of the way from guessing to what a model can reach
    (:func:`procmod_lib.tasks.bounds.way`); the column ``way`` is that to the best possible.
    """
    from procmod_lib.experiments.grids import LEARNT
    from procmod_lib.tasks import bounds

    ends, groups = final(table).set_index("key"), {}
    for run in runs:
        if run.key in ends.index:
            groups.setdefault((run.task, run.budget), []).append(run)
    rows = []
    for (task, budget), members in groups.items():
        values = ends.loc[[r.key for r in members], "token_accuracy"].to_numpy()
        low, high = interval(values)
        guess, best = bounds.guess(task), bounds.best(task)
        rows.append({"source": task.name, "settings": "released" if budget.dropout else "better", "lengths": getattr(task, "lengths", "fixed"),
                     "steps": budget.steps, "batch": budget.batch, "lr": budget.lr, "n": len(values), "mean": values.mean(), "low": low, "high": high,
                     "guess": guess, "best": best, "way": (values.mean() - guess) / (best - guess),
                     "learnt": sum(bounds.way(task, members[0].arch.width, v) >= LEARNT for v in values)})  # fmt: skip
    return pd.DataFrame(rows)


def steps_to(table: pd.DataFrame, threshold: float = 0.9, baseline: str = "scratch") -> pd.DataFrame:
    """Steps until a run's accuracy first reaches ``threshold``; runs that never do are censored at their last step.

    One row a condition: n, how many reached it, the Kaplan-Meier median (infinite where fewer than half did), and the log-rank p against ``baseline``.
    """
    runs = table.groupby("key", sort=False).agg(condition=("initial_condition", "first"), end=("step", "max"))
    runs["there"] = table[table.token_accuracy >= threshold].groupby("key").step.min()
    samples = {condition: stats.CensoredData(uncensored=group.there.dropna().astype(float), right=group.end[group.there.isna()].astype(float))
               for condition, group in runs.groupby("condition", sort=False)}  # fmt: skip
    rows = []
    for condition, sample in samples.items():
        survival = stats.ecdf(sample).sf
        half = survival.quantiles[survival.probabilities <= 0.5]
        reached = sample.num_censored() < len(sample)
        p = stats.logrank(sample, samples[baseline]).pvalue if condition != baseline and baseline in samples and reached else np.nan
        rows.append({"initial_condition": condition, "n": len(sample), "reached": len(sample) - sample.num_censored(),
                     "median": float(half[0]) if len(half) else np.inf, "p": float(p)})  # fmt: skip
    return pd.DataFrame(rows)


def doses(table: pd.DataFrame, word: str = "noise") -> pd.DataFrame:
    """One row a transfer and size of noise (0 for the plain transfer): n, mean, interval. Other perturbations are left out."""
    rows = []
    for row in summary(table).itertuples():
        condition = parse(row.initial_condition)
        plain = condition.without(word)
        if condition.sources and plain.is_whole:  # nothing else was done to it
            rows.append({"transfer": str(plain), "initial_condition": row.initial_condition, "dose": condition[word], "n": row.n,
                         "mean": row.mean, "low": row.low, "high": row.high})  # fmt: skip
    return pd.DataFrame(rows, columns=["transfer", "initial_condition", "dose", "n", "mean", "low", "high"]).sort_values(["transfer", "dose"])


def against_parents(table: pd.DataFrame) -> pd.DataFrame:
    """Paired difference of every composition from each of its parents and from no pretraining, as :func:`against`."""
    rows = []
    for condition in dict.fromkeys(table.initial_condition):
        if condition.startswith("attention=") and " mlp=" in condition:
            for baseline in ("scratch", *condition.split()):
                pair = against(table[table.initial_condition.isin([condition, baseline])], baseline)
                rows.append(pair.assign(baseline=baseline))
    return pd.concat(rows or [against(table.iloc[:0]).assign(baseline="")], ignore_index=True)
