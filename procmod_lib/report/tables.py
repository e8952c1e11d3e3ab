"""Tables for a page, in Markdown.

Most word what :mod:`procmod_lib.report.statistics` computed; a few compute it themselves.
"""

import json
from textwrap import fill

import numpy as np
import pandas as pd
from IPython.display import Markdown

from procmod_lib.initial import parse
from procmod_lib.network.gpt2 import views
from procmod_lib.report import statistics
from procmod_lib.report.sentences import (
    NOT_MEASURED,
    capital,
    of_runs,
    p_value,
    percent,
    span,
    spread,
)
from procmod_lib.runs.provenance import PROJECT
from procmod_lib.tasks import DIAGNOSTICS, SOURCES, bounds, make_task, title
from procmod_lib.tasks.language import decode

NOT_YET = f"{capital(NOT_MEASURED)}."
PLAIN = PROJECT / "book" / "plain.json"


def grid(heads: list[str], rows: list[list]) -> Markdown:
    """Return a Markdown table; a line that says so where it would be empty."""
    if not rows:
        return Markdown(NOT_YET)
    lines = [heads, ["---"] * len(heads), *rows]
    return Markdown("\n".join(f"| {' | '.join(map(str, line))} |" for line in lines))


def bullets(lines: list[str], empty: str = NOT_YET) -> Markdown:
    """Return a list of sentences."""
    return Markdown("\n".join(f"- {line}" for line in lines) or empty)


def label(condition: str) -> str:
    """How a condition is written, from its text."""
    return parse(condition).label


def summary_table(summary: pd.DataFrame, *, with_diagnostic: bool = False) -> Markdown:
    """Return a summary as a table: n, mean, interval, successes.

    ``with_diagnostic`` adds a column that names it.
    """
    rows = []
    for r in summary.itertuples():
        n = f"{r.n} ({r.non_finite} not finite)" if r.non_finite else r.n
        cells = [
            label(r.initial_condition),
            n,
            f"{100 * r.mean:.1f}",
            span(r.low, r.high),
            of_runs(r.successes, r.n),
        ]
        rows.append([title(r.diagnostic), *cells] if with_diagnostic else cells)
    heads = [
        "initial condition",
        "n",
        "mean (%)",
        "95 % interval",
        "runs above 90 % (Wilson interval)",
    ]
    return grid(["diagnostic", *heads] if with_diagnostic else heads, rows)


def times_table(rows: pd.DataFrame) -> Markdown:
    """Return :func:`procmod_lib.report.statistics.steps_to_success` as a table.

    Conditions of which no run got there stand below it; the diagnostic is named where there are
    several.
    """
    there, never = [], []
    is_several = rows.diagnostic.nunique() > 1
    for r in rows.itertuples():
        of = f"{title(r.diagnostic)}, " if is_several else ""
        name = f"{of}{label(r.initial_condition)} (n = {r.n})"
        if not r.reached:
            never.append(name if np.isnan(r.p) else f"{name[:-1]}, p {p_value(r.p)})")
            continue
        median = f"{r.median:,.0f}" if np.isfinite(r.median) else "fewer than half did"
        there.append([name, f"{r.reached} of {r.n}", median, p_value(r.p)])
    heads = [
        "initial condition",
        "runs that reached 90 %",
        "median steps",
        "log-rank p against no pretraining",
    ]
    text = grid(heads, there).data if there else ""
    if never:
        text += f"\n\nNo run reached 90 % from: {'; '.join(never)}."
    return Markdown(text)


def _bounds(row) -> list:
    """Best possible, share of the way and models that learnt; of a control none is known."""
    if np.isnan(row.best):
        return ["not known"] * 3
    return [f"{100 * row.best:.1f}", f"{100 * row.way:.0f}", row.learnt]


def learnt_table(rows: pd.DataFrame) -> Markdown:
    """Return :func:`procmod_lib.report.statistics.learnt` as a table."""
    lines = []
    for r in rows.itertuples():
        settings = f"{r.settings}: {r.lengths}, {r.steps:,} x {r.batch}, {r.lr:g}"
        settings += f", dropout {r.dropout:g}" if r.dropout else ""
        settings += f", model {r.shape}" if rows["shape"].nunique() > 1 else ""
        accuracy = f"{100 * r.mean:.1f} ({span(r.low, r.high)})"
        lines.append(
            [
                title(r.source),
                settings,
                accuracy,
                r.n,
                *_bounds(r),
            ]
        )
    heads = [
        "source",
        "settings",
        "accuracy, % (95 % interval)",
        "n",
        "best (%)",
        "of the way (%)",
        "learnt",
    ]
    return grid(heads, lines)


def plain_table() -> Markdown:
    """The recipe in a plain transformers loop: every seed of both arms, from book/plain.json."""
    if not PLAIN.exists():
        return Markdown(NOT_YET)
    found = json.loads(PLAIN.read_text(encoding="utf-8"))
    rows = []
    for name, values in found["accuracy"].items():
        low, high = statistics.interval(values)
        cells = ", ".join(f"{100 * value:.1f}" for value in values)
        mean = percent(sum(values) / len(values), low, high, len(values))
        rows.append([f"{name} the lines", cells, mean])
    table = grid(["model", "accuracy of each seed (%)", "mean"], rows).data
    return Markdown(f"{table}\n\nMade with commit {found['provenance']['commit'][:9]}.")


def tasks_table() -> Markdown:
    """Every source and diagnostic of rules: sizes, and what a score can be."""
    rows = []
    for name in [*SOURCES, *(name for name in DIAGNOSTICS if name != "language_modeling")]:
        task = make_task(name)
        scored = bounds.sample(task).reference.sum(1)
        reach = [f"{100 * bounds.guess(task):.1f}", f"{100 * bounds.best(task):.1f}"]
        rows.append([title(name), task.length, task.vocab, f"{scored.mean():.1f}", *reach])
    return grid(["task", "positions", "vocabulary", "scored", "guessing (%)", "best (%)"], rows)


def masks_table(table: pd.DataFrame, runs: list) -> Markdown:
    """Both scores of models that were trained on the reference mask and on the whole answer."""
    rows = []
    for mask in ("reference", "full"):
        part = table[table.key.isin([run.key for run in runs if run.answer_mask == mask])]
        for score in ("token_accuracy", "exact_match"):
            for r in statistics.summary(part, score).itertuples():
                result = percent(r.mean, r.low, r.high, r.n)
                rows.append([title(r.diagnostic), f"{mask} mask", score.replace("_", " "), result])
    return grid(["diagnostic", "trained on", "score", "result"], rows)


def sizes_table(runs: list, store) -> Markdown:
    """How large attention weights from IDENTITY are: the standard deviation of each map of each
    layer over models.

    Args:
        runs: the runs that pretrained them on IDENTITY.
        store: where their weights are.
    """
    models = [
        views(weights, run.arch) for run in runs if (weights := store.weights(run)) is not None
    ]
    rows = []
    for layer in range(runs[0].arch.layers) if models else ():
        sizes = np.array([[part.std() for part in _maps(model, layer)] for model in models])
        rows.append([layer, *map(spread, sizes.T)])
    text = grid(["layer", "queries", "keys", "values", "output projection"], rows).data
    return Markdown(
        f"{text}\n\nStandard deviation of the weights of attention from IDENTITY: the median of "
        f"{len(models)} pretrained models, "
        "in brackets the least and the greatest."
    )


def _maps(model: dict, layer: int) -> list[np.ndarray]:
    """The query, key, value and output maps of a layer."""
    joint = np.split(model[f"h.{layer}.attn.c_attn.weight"], 3, axis=1)
    return [*joint, model[f"h.{layer}.attn.c_proj.weight"]]


def text_sample() -> Markdown:
    """One sample of text, a bar between tokens."""
    task = make_task("language_modeling", block=48, vocab_size=1024)
    words = "|".join(decode(task, task.batch(1, "validation", 0).tokens[0]))
    return Markdown(f"```text\n{fill(' '.join(words.split()), 80)}\n```")
