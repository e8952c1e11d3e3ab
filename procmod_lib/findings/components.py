"""How much of the spread of a result belongs to the pretrained model, and how much to the seed."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from IPython.display import Markdown

from procmod_lib.randomness import stream
from procmod_lib.report import statistics
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import NOT_MEASURED, p_value, span
from procmod_lib.report.tables import NOT_YET, bullets, grid

DRAWS = 5000


class Components(NamedTuple):
    """Shares of the variance of one result."""

    model: float
    seed: float
    rest: float


def by_model_and_seed(section: Section) -> pd.DataFrame:
    """Final accuracy, a row a pretrained model and a column a fine-tuning seed; NaN where missing.

    Each run of the section starts from one model.
    """
    ends = section.ends
    cells: dict[int, dict[int, float]] = {}
    for run in section.runs:
        ((_, model),) = run.donors
        cells.setdefault(model.seed, {})[run.seed] = ends.get(run.key, np.nan)
    return pd.DataFrame(cells).T.sort_index().sort_index(axis=1)


def complete(section: Section) -> np.ndarray | None:
    """(models, seeds) final accuracies, or None where a run is missing."""
    cells = by_model_and_seed(section)
    return None if not len(cells) or cells.isna().to_numpy().any() else cells.to_numpy()


def components(values: np.ndarray) -> Components:
    """Shares of variance in a complete table (models, seeds) with one run a cell.

    The usual estimates of a two-way layout with random effects (moments; below zero is zero). The
    rest is what belongs to a pair of model and seed, and what is chance.

    >>> components(np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.5, 0.5, 0.5]]))
    Components(model=1.0, seed=0.0, rest=0.0)
    """
    models, seeds = values.shape
    mean, rows, columns = values.mean(), values.mean(1), values.mean(0)
    rest = values - rows[:, None] - columns + mean
    noise = (rest**2).sum() / ((models - 1) * (seeds - 1))
    model = max(0.0, float(rows.var(ddof=1) - noise / seeds))
    seed = max(0.0, float(columns.var(ddof=1) - noise / models))
    total = model + seed + float(noise)
    if total == 0:
        return Components(0.0, 0.0, 0.0)
    return Components(model / total, seed / total, float(noise) / total)


def intervals(values: np.ndarray) -> list[tuple[float, float]]:
    """95 % bootstrap intervals of the shares: models and seeds are drawn anew, each with
    replacement.
    """
    rng, (models, seeds) = stream("components"), values.shape
    shares = [
        components(values[rng.integers(models, size=models)][:, rng.integers(seeds, size=seeds)])
        for _ in range(DRAWS)
    ]
    low, high = np.percentile(np.array(shares), [2.5, 97.5], axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def differ_by_luck(values: np.ndarray) -> float:
    """How often the means of models spread at least as far where the results of each seed are
    exchanged between them at random: the p of no difference between models.

    Args:
        values: (models, seeds).
    """
    rng = stream("exchanged")
    spreads = [rng.permuted(values, axis=0).mean(1).var() for _ in range(DRAWS)]
    as_far = np.array(spreads) >= values.mean(1).var() - 1e-12
    return (1 + int(as_far.sum())) / (1 + DRAWS)


def crossed_table(section: Section) -> Markdown:
    """Final accuracy in per cent, a row a pretrained model and a column a fine-tuning seed."""
    cells = by_model_and_seed(section)
    if not len(cells) or cells.isna().to_numpy().all():
        return Markdown(NOT_YET)
    rows = [
        [f"model {model}", *("" if np.isnan(v) else f"{100 * v:.0f}" for v in row)]
        for model, row in zip(cells.index, cells.to_numpy(), strict=True)
    ]
    return grid(["single runs, %", *(f"seed {seed}" for seed in cells.columns)], rows)


def components_table(sections: dict[str, Section]) -> Markdown:
    """A row a section: shares of the variance with their intervals."""
    rows = []
    for name, section in sections.items():
        values = complete(section)
        if values is None:
            done = int(by_model_and_seed(section).notna().to_numpy().sum())
            rows.append([name, done, *[NOT_MEASURED] * 4])
            continue
        both = zip(components(values), intervals(values), strict=True)
        shares = [f"{100 * share:.0f} % ({span(*ends)})" for share, ends in both]
        rows.append([name, values.size, *shares, p_value(differ_by_luck(values))])
    heads = [
        "pretrained models x fine-tuning seeds",
        "n",
        "the model",
        "the seed",
        "interaction and noise",
        "p, were models alike",
    ]
    return grid(heads, rows)


def models_in_words(sections: dict[str, Section]) -> Markdown:
    """A sentence a section: how many models carry with every fine-tuning seed, and with none."""
    return _lines(sections, _carrying)


def components_judged(sections: dict[str, Section]) -> Markdown:
    """A sentence a section: the verdict of the rule on the page "Fixed in advance"."""
    return _lines(sections, _judged)


def _lines(sections: dict[str, Section], say: Callable[[np.ndarray], str]) -> Markdown:
    """What is said of the accuracies (models, seeds) of each section that is complete."""
    lines = []
    for name, section in sections.items():
        values = complete(section)
        lines.append(f"{name}: {'not yet measured.' if values is None else say(values)}")
    return bullets(lines)


def _carrying(values: np.ndarray) -> str:
    models, seeds = values.shape
    carried = (values >= statistics.SUCCESS).sum(axis=1)
    every, never = int((carried == seeds).sum()), int((carried == 0).sum())
    return (
        f"of {models} models {every} carry with all {seeds} seeds, "
        f"{never} with none, {models - every - never} with some."
    )


def _judged(values: np.ndarray) -> str:
    (model_low, _), (_, seed_high), _ = intervals(values)
    model, seed, _ = components(values)
    apart = model > seed and model_low > seed_high
    word = "it does" if apart else "not shown, since the intervals overlap"
    return f"{word} (model {100 * model:.0f} %, seed {100 * seed:.0f} %)."
