"""What the settings of pretraining decide: every model of the specification curve, and the verdicts
on what was expected of them (the page "Fixed in advance").
"""

import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib.figure import Figure

from procmod_lib.experiments.conditions import BOTH, LAST, WHOLE
from procmod_lib.experiments.specification import (
    CARRIED_IN,
    FACTORS,
    HOW_MANY,
    SEEDS,
    Setting,
    setting_of,
)
from procmod_lib.network.gpt2 import views
from procmod_lib.report import statistics
from procmod_lib.report.figures import draw_layer_sizes, draw_specification
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import NOT_MEASURED, of_runs
from procmod_lib.report.tables import NOT_YET, grid
from procmod_lib.runs.curves import final_scores
from procmod_lib.runs.run import Run
from procmod_lib.runs.store import Store
from procmod_lib.tasks import bounds

STARTS_BY_COLUMN = {"both": BOTH, "last": LAST, "whole": WHOLE}
"""The columns of accuracies, and the starts that they belong to."""
COLUMNS = ["setting", "seed", "score", "learnt", "first_size", "last_size", *STARTS_BY_COLUMN]

COUNTED = ["setting", "n", "score", "learnt", "first_size", "last_size"]
COUNTED += [f"{start}{of}" for start in STARTS_BY_COLUMN for of in ("", "_n", "_mean")]


def models_of(section: Section) -> pd.DataFrame:
    """One row a pretrained model: its setting, its own score, its sizes and what it carried.

    Args:
        section: transfers to HAYSTACK from one source, each seed with a model of its own.

    Returns:
        The columns of :data:`COLUMNS`: ``learnt`` by the book's criterion; sizes are the standard
        deviation of a layer's attention weights; the last three are token accuracies on HAYSTACK,
        NaN where not run. A model without any transfer in the store has no row.
    """
    ends = section.ends
    found: dict[tuple, dict] = {}
    columns = {start: name for name, start in STARTS_BY_COLUMN.items()}
    for run in section.runs:
        name = columns.get(str(run.condition))
        if name and run.key in ends:
            ((_, donor),) = run.donors
            row = found.setdefault((setting_of(run), run.seed), {"donor": donor})
            row[name] = ends[run.key]
    rows = [
        {"setting": setting, "seed": seed, **measured(row.pop("donor"), section.store), **row}
        for (setting, seed), row in found.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def measured(donor: Run, store: Store) -> dict:
    """What a pretrained model's source and its attention say of it.

    Returns:
        score: its token accuracy on its source at full length; learnt: by the book's criterion;
        first_size and last_size: the standard deviation of all weights of the first and of the last
        layer's attention. NaN and False where it is not in the store.
    """
    weights, table = store.weights(donor), store.load([donor])
    if weights is None or not len(table):
        return {"score": np.nan, "learnt": False, "first_size": np.nan, "last_size": np.nan}
    score = final_scores(table)[donor.key]
    named, last = views(weights, donor.arch), donor.arch.layers - 1
    return {
        "score": score,
        "learnt": bounds.has_learnt(donor.task, donor.arch.width, score),
        "first_size": layer_size(named, 0, "attn.c_attn", "attn.c_proj"),
        "last_size": layer_size(named, last, "attn.c_attn", "attn.c_proj"),
    }


def layer_size(named: dict, layer: int, *maps: str) -> float:
    """The standard deviation of all weights of some maps of a layer, such as ``mlp.c_fc``."""
    return float(np.concatenate([named[f"h.{layer}.{m}.weight"].ravel() for m in maps]).std())


def by_setting(models: pd.DataFrame) -> pd.DataFrame:
    """One row a setting, by the share of successes of the attention of both layers, most first.

    Among equals the higher mean comes first.

    Args:
        models: from :func:`models_of`.

    Returns:
        The columns setting, n, score, learnt (a count), first_size, last_size (medians), and for
        each start its successes, its runs (``both_n``) and its mean (``both_mean``).
    """
    rows = []
    for setting, group in models.groupby("setting", sort=False):
        row = {"setting": setting, "n": len(group), "score": group.score.mean()}
        row |= {"learnt": int(group.learnt.sum())}
        row |= {name: group[name].median() for name in ("first_size", "last_size")}
        for start in STARTS_BY_COLUMN:
            values = group[start].dropna()
            row |= {start: int((values >= statistics.SUCCESS).sum())}
            row |= {f"{start}_n": len(values), f"{start}_mean": values.mean()}
        rows.append(row)
    table = pd.DataFrame(rows, columns=COUNTED)
    shares = table.both / table.both_n
    order = table.assign(share=shares).sort_values(["share", "both_mean"], ascending=False)
    return order[COUNTED]


def described(setting: Setting) -> str:
    """A setting in words: what it changes of the closest replication."""
    return _in_words(setting.changed) or "the closest replication"


def described_base() -> Markdown:
    """What every setting has, but for what a row of :func:`settings_table` names."""
    base = {name: getattr(Setting(), name) for name in FACTORS}
    return Markdown(
        f"A row names only what it changes of the closest replication: {_in_words(base)}."
    )


def _in_words(values: dict) -> str:
    words = {"size": "lists of", "decay": "weight decay", "lengths": "lengths:"}
    return ", ".join(f"{words.get(name, name)} {level(name, values[name])}" for name in values)


def level(factor: str, value) -> str:
    """The value of a factor in words."""
    if factor == "size":
        return f"{value[0]} of {value[1]} ids"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if factor in NUMBERS else value


NUMBERS = ("rate", "dropout", "decay")


def settings_table(rows: pd.DataFrame) -> Markdown:
    """A row a setting: source, sizes and successes with Wilson intervals."""
    lines = []
    for row in rows.itertuples():
        cells = [described(row.setting), row.n, f"{100 * row.score:.0f}", f"{row.learnt}"]
        cells.append(f"{row.first_size:.2f}, {row.last_size:.2f}")
        for start in STARTS_BY_COLUMN:
            cells.append(of_runs(getattr(row, start), getattr(row, f"{start}_n")))
        lines.append(cells)
    heads = ["what is changed", "n", "score on the source (%)", "learnt", "size of first, last"]
    return grid([*heads, "both layers", "last layer alone", "whole model"], lines)


def _pooled(successes: pd.Series, n: pd.Series) -> str:
    if not n.sum():
        return NOT_MEASURED
    return f"{successes.sum()} of {n.sum()} ({successes.min()} to {successes.max()} in a setting)"


def draw(models: pd.DataFrame) -> Figure | None:
    """The specification curve of models; None where there are none."""
    rows = by_setting(models)
    if not len(rows):
        return None
    for factor in FACTORS:
        rows[factor] = [level(factor, getattr(setting, factor)) for setting in rows.setting]
    levels = {
        factor: [level(factor, value) for value in values] for factor, values in FACTORS.items()
    }
    return draw_specification(rows, levels)


def draw_sizes(models: pd.DataFrame) -> Figure | None:
    """Every model by the sizes of its layers; None where there are none."""
    return draw_layer_sizes(models.dropna(subset=["first_size"])) if len(models) else None


def factors_table(rows: pd.DataFrame) -> Markdown:
    """Over all settings: a row a value of a factor, runs above 90 % from each start.

    Beside each count the least and the most of a setting, and no interval: settings share
    fine-tuning seeds, and runs of one setting lean together.
    """
    lines = []
    for factor, values in FACTORS.items():
        for value in values:
            asked = [getattr(setting, factor) == value for setting in rows.setting]
            part = rows[np.array(asked, bool)]
            if len(part):
                shares = [_pooled(part[start], part[f"{start}_n"]) for start in STARTS_BY_COLUMN]
                lines.append([f"{factor}: {level(factor, value)}", len(part), *shares])
    heads = ["value", "settings", "both layers", "last layer alone", "whole model"]
    return grid(heads, lines)


def learning_table(models: pd.DataFrame) -> Markdown:
    """Models that learnt their source and models that did not: runs above 90 % from each start.

    Those of a curriculum stand apart, since they may have learnt it for shorter lists.

    Args:
        models: from :func:`models_of`.
    """
    lines, (learnt, not_learnt) = [], _halves(models)
    is_grown = np.array([setting.lengths == "curriculum" for setting in not_learnt.setting], bool)
    parts = {
        "learnt": learnt,
        "not learnt, with a curriculum": not_learnt[is_grown],
        "not learnt, without": not_learnt[~is_grown],
    }
    for word, part in parts.items():
        if len(part):
            lines.append(
                [word, len(part), *(_succeeded(part, start) for start in STARTS_BY_COLUMN)]
            )
    heads = ["the source was", "models", "both layers", "last layer alone", "whole model"]
    return grid(heads, lines)


def answer(models: pd.DataFrame) -> str:
    """How many settings carry HAYSTACK from each start, in a few sentences.

    Args:
        models: from :func:`models_of`.
    """
    if not len(models):
        return NOT_YET
    rows = by_setting(models)
    finished = int((rows.both_n >= SEEDS).sum())
    if finished == HOW_MANY:
        return _answer_of_all(rows)
    told = [_succeeded(models, start) for start in STARTS_BY_COLUMN]
    return (
        f"Not known yet: {finished} of {HOW_MANY} settings have all {SEEDS} models, {len(rows)} "
        f"have some. So far these runs succeed on HAYSTACK: from the last layer's attention alone "
        f"{told[1]}, from the attention of both layers {told[0]}, from the whole model {told[2]}."
    )


def _answer_of_all(rows: pd.DataFrame) -> str:
    """The answer when every setting has all its models."""
    learnt = rows[rows.learnt >= CARRIED_IN]
    grown = rows[[setting.lengths == "curriculum" for setting in rows.setting]]
    both, last, whole = (_carried(rows, start) for start in STARTS_BY_COLUMN)
    of_learnt = [str(_carried(learnt, start)) for start in STARTS_BY_COLUMN]
    word = "Yes" if 0 < both < len(rows) else "No"
    return (
        f"{word}. The attention of both layers carries 10 pairs from {both} of {len(rows)} "
        f"pretrainings, {_carried(grown, 'both')} of them with a curriculum; the last layer alone "
        f"from {last}; the whole model from {whole}. Of the {len(learnt)} that learn full lists "
        f"both layers carry from {of_learnt[0]}, the last alone from {of_learnt[1]}."
    )


def _succeeded(models: pd.DataFrame, start: str) -> str:
    """How many of some models succeed from a start, such as ``3 of 8``."""
    ends = models[start].dropna()
    return f"{(ends >= statistics.SUCCESS).sum()} of {len(ends)}"


def _halves(models: pd.DataFrame) -> list[pd.DataFrame]:
    """Models that learnt their source, and models that did not."""
    has_learnt = models.learnt.astype(bool)
    return [models[has_learnt], models[~has_learnt]]


def _carried(rows: pd.DataFrame, start: str) -> int:
    """Settings of which at least six in eight runs from a start succeed."""
    many = rows[rows[f"{start}_n"] > 0]
    return int((many[start] >= many[f"{start}_n"] * CARRIED_IN / SEEDS).sum())


def how_sure(rows: pd.DataFrame) -> str:
    """How many settings and models there are, and what was known before."""
    if not len(rows):
        return NOT_YET
    finished = int((rows.both_n >= SEEDS).sum())
    return (
        f"{finished} of {HOW_MANY} settings have all {SEEDS} models, each with a fine-tuning of "
        f"its own (n = {rows.n.sum()} models in all); the closest replication's own were seen "
        "before the expectations were written. Intervals stand in the figure."
    )
