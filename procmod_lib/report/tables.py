"""Tables for a page, in Markdown.

Each takes what :mod:`procmod_lib.report.statistics` computed and words it.
"""

from textwrap import fill

import numpy as np
import pandas as pd
from IPython.display import Markdown

from procmod_lib.initial import parse
from procmod_lib.network.gpt2 import views
from procmod_lib.report import statistics
from procmod_lib.report.sentences import p_value, percent, span
from procmod_lib.tasks import DIAGNOSTICS, SOURCES, bounds, make_task, title
from procmod_lib.tasks.language import decode

NOT_YET = "Not yet measured."


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
        shares = f"{100 * r.success_low:.0f} to {100 * r.success_high:.0f} %"
        successes = f"{r.successes} of {r.n} ({shares})"
        cells = [
            label(r.initial_condition),
            n,
            f"{100 * r.mean:.1f}",
            span(r.low, r.high),
            successes,
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
    """Return :func:`procmod_lib.report.statistics.steps_to` as a table.

    Conditions of which no run got there stand below it.
    """
    there, never = [], []
    for r in rows.itertuples():
        name = f"{label(r.initial_condition)} (n = {r.n})"
        if not r.reached:
            never.append(name)
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


def learnt_table(rows: pd.DataFrame) -> Markdown:
    """Return :func:`procmod_lib.report.statistics.learnt` as a table."""
    lines = []
    for r in rows.itertuples():
        settings = f"{r.settings}: {r.lengths}, {r.steps:,} x {r.batch}, {r.lr:g}"
        accuracy = f"{100 * r.mean:.1f} ({span(r.low, r.high)})"
        lines.append(
            [
                title(r.source),
                settings,
                accuracy,
                r.n,
                f"{100 * r.best:.1f}",
                f"{100 * r.way:.0f}",
                r.learnt,
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


def scorecard_table(judged: pd.DataFrame, fewest: int) -> Markdown:
    """Return :func:`procmod_lib.experiments.claims.verdicts` as a table, and what the number of
    claims demands.

    Args:
        judged: the verdicts.
        fewest: seeds with which the exact test can pass the correction.
    """
    rows = []
    for r in judged.itertuples():
        between = "no interval" if np.isnan(r.low) else f"{r.low:+.1f} to {r.high:+.1f}"
        ours = f"{_arms(r.ours)}: {r.difference:+.1f} ({between})" if r.n else ""
        disagree = "yes" if r.disagree else ""
        rows.append(
            [r.claim, _arms(r.paper), ours, r.n, p_value(r.p), disagree, f"**{r.verdict}**"]
        )
    heads = [
        "claim",
        "paper: %, baseline → condition",
        "here: %, baseline → condition, difference (95 % interval)",
        "n",
        "p (Holm)",
        "seeds disagree",
        "verdict",
    ]
    below = (
        f"A question mark stands where the paper's summary prints no value. With {len(judged)} "
        "claims the exact test can fall "
        f"below 0.05 after correction only with {fewest} seeds or more; on fewer, a claim can at "
        "best be called partly "
        'replicated, and "not replicated" says only that so few seeds did not show it. '
        "Seeds disagree where the best and the "
        "worst are more than 20 points apart."
    )
    return Markdown(f"{grid(heads, rows).data}\n\n{below}")


def beyond_table(judged: pd.DataFrame, fewest: int) -> Markdown:
    """Claims that the paper does not make, by the same rule: both arms, difference, verdict.

    Args:
        judged: from :func:`procmod_lib.experiments.claims.verdicts`.
        fewest: seeds with which the exact test can pass the correction.
    """
    rows = []
    for r in judged.itertuples():
        between = "no interval" if np.isnan(r.low) else f"{r.low:+.1f} to {r.high:+.1f}"
        ours = f"{_arms(r.ours)}: {r.difference:+.1f} ({between})" if r.n else ""
        verdict = {
            "replicated": "shown",
            "partly": "partly shown",
            "not replicated": "not shown",
        }.get(r.verdict, r.verdict)
        rows.append([r.claim, ours, r.n, p_value(r.p), f"**{verdict}**"])
    heads = ["claim", "here: %, baseline → condition, difference (95 % interval)", "n", "p (Holm)"]
    below = (
        f"With {len(judged)} claims the exact test can fall below 0.05 after correction only with "
        f"{fewest} seeds or more; on fewer, a claim can at best be called partly shown."
    )
    return Markdown(f"{grid([*heads, 'verdict'], rows).data}\n\n{below}")


def _arms(pair: tuple[float, float]) -> str:
    return " → ".join("?" if np.isnan(value) else f"{value:.1f}" for value in pair)


def failed_claims(judged: pd.DataFrame, fewest: int) -> Markdown:
    """What did not replicate, a line a claim, and how to read it."""
    lines = []
    for r in judged[judged.verdict == "not replicated"].itertuples():
        between = f"95 % interval {r.low:+.1f} to {r.high:+.1f}, n = {r.n}"
        line = f"{r.claim}: {r.difference:+.1f} points ({between}); {_reading(r, fewest)}"
        if r.ours[0] > 99:
            line += " Without pretraining almost all is right already: there was nothing to gain."
        lines.append(line)
    return bullets(lines, "Of what has been measured with at least three seeds, nothing.")


def _reading(row, fewest: int) -> str:
    if row.high < 0:
        return "the other sign."
    if row.n < fewest:
        few = "so few seeds of runs that are all or nothing say little"
        return f"undecided: the interval holds zero, and {few}."
    if row.high < row.paper_difference / 2:
        return "the interval leaves out half of the paper's effect."
    return "the interval holds zero."


def studies_table(studies: list[tuple[str, int, dict[str, int]]], draws: int) -> Markdown:
    """Simulated studies: how often each verdict fell."""
    rows, verdicts = [], list(studies[0][2])
    for text, seeds, found in studies:
        shares = [
            f"{100 * c / draws:.1f} ({span(*statistics.wilson(c, draws))})" for c in found.values()
        ]
        rows.append([text, seeds, *shares])
    heads = [f"{verdict}, % of {draws} studies (interval)" for verdict in verdicts]
    return grid(["simulated truth", "seeds", *heads], rows)


def tasks_table() -> Markdown:
    """Every source and diagnostic of rules: sizes, and what a score can be."""
    rows = []
    for name in [*SOURCES, *(name for name in DIAGNOSTICS if name != "language_modeling")]:
        task = make_task(name)
        scored = bounds.sample(task).reference.sum(1)
        reach = [f"{100 * bounds.guess(task):.1f}", f"{100 * bounds.best(task):.1f}"]
        rows.append([title(name), task.length, task.vocab, f"{scored.mean():.1f}", *reach])
    return grid(["task", "positions", "tokens", "scored", "guessing (%)", "best (%)"], rows)


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
    """How large pretrained attention weights are: the standard deviation of each map of each layer
    over models.

    Args:
        runs: the runs that pretrained them.
        store: where their weights are.
    """
    models = [
        views(weights, run.arch) for run in runs if (weights := store.weights(run)) is not None
    ]
    rows = []
    for layer in range(runs[0].arch.layers) if models else ():
        sizes = np.array([[part.std() for part in _maps(model, layer)] for model in models])
        rows.append(
            [layer, *(f"{np.median(s):.2f} ({s.min():.2f} to {s.max():.2f})" for s in sizes.T)]
        )
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


def text_sample(width: int = 80) -> Markdown:
    """One sample of text, a bar between tokens."""
    task = make_task("language_modeling", block=48, vocab_size=1024)
    words = "|".join(decode(task, task.batch(1, "validation", 0).tokens[0]))
    return Markdown(f"```text\n{fill(' '.join(words.split()), width)}\n```")
