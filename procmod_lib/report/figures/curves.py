"""Learning curves, pretraining curves and responses to noise."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from procmod_lib.initial import parse
from procmod_lib.report.figures.data import offered, with_data
from procmod_lib.report.figures.style import GREY, WIDTH, colour_of, look, panels
from procmod_lib.report.statistics import settings_of
from procmod_lib.runs.curves import final
from procmod_lib.tasks import title

DARK = "#333333"  # other settings than ours


@offered
def draw_curves(table: pd.DataFrame, chance: float | None = None) -> plt.Figure:
    """Every run's learning curve as a thin line, one panel a condition, so that jumps and failures
    stay visible.

    Args:
        table: rows of one diagnostic.
        chance: height of the dotted chance line, as a share.
    """
    conditions = [parse(text) for text in dict.fromkeys(table.initial_condition)]
    what = "token accuracy (%)"
    figure, axes = panels(
        len(conditions), 4, 2.4, "fine-tuning step", what, sharex=True, sharey=True
    )
    for ax, condition in zip(axes, conditions, strict=False):
        style = look(condition)
        for _, run in table[table.initial_condition == str(condition)].groupby("key"):
            curve = run.sort_values("step")
            ax.plot(
                curve.step,
                100 * curve.token_accuracy,
                style.line,
                color=style.colour,
                lw=1.3,
                alpha=0.85,
            )
        if chance is not None:
            ax.axhline(100 * chance, color="black", ls=":", lw=1)
        ax.set_title(_broken(condition.label), fontsize=9.5)
        ax.set_ylim(-2, 103)
    return figure


def _broken(label: str) -> str:
    """A label over several lines, for the head of a panel."""
    return label.replace(" from ", "\nfrom ").replace(", ", "\n").replace(" + ", "\n+ ")


@offered
def draw_source_curves(runs: list, table: pd.DataFrame, learnt: pd.DataFrame) -> plt.Figure:
    """Pretraining, one panel a source and one line a run: solid with our settings, dotted with any
    others.

    Args:
        runs: pretraining runs.
        table: their rows.
        learnt: from :func:`procmod_lib.report.statistics.learnt`; draws the best possible score
            (dashed).
    """
    sources = list(dict.fromkeys(learnt.source))
    figure, axes = panels(len(sources), 3, 2.4, "pretraining step", "token accuracy (%)")
    for ax, source in zip(axes, sources, strict=False):
        for run in runs:
            curve = table[table.key == run.key].sort_values("step")
            if run.source == source and len(curve):
                is_ours = settings_of(run.task, run.budget) == "large_rate"
                line, colour = ("-", colour_of(source)) if is_ours else (":", DARK)
                ax.plot(
                    curve.step, 100 * curve.token_accuracy, line, color=colour, lw=1.4, alpha=0.85
                )
        ax.axhline(100 * learnt[learnt.source == source].best.max(), color="black", ls="--", lw=0.9)
        ax.set_title(title(source), fontsize=9.5)
        ax.set_ylim(-2, 103)
        ax.xaxis.set_major_locator(plt.MaxNLocator(3))
    return figure


@offered
def draw_doses(doses: pd.DataFrame, table: pd.DataFrame) -> plt.Figure:
    """Mean and interval against the size of the noise, a line a transfer, every seed as a point.

    Dotted: no pretraining.
    """
    ends = final(table)
    figure, ax = plt.subplots(figsize=(WIDTH, 3.2))
    for i, (transfer, rows) in enumerate(doses.groupby("transfer", sort=False)):
        style, label = look(parse(str(transfer))), parse(str(transfer)).label
        beside = rows.dose + 0.008 * i * doses.dose.max()  # not on top of each other
        ax.plot(
            beside,
            100 * rows["mean"],
            style.line,
            marker=style.marker,
            color=style.colour,
            label=label,
        )
        ax.vlines(beside, 100 * rows.low, 100 * rows.high, color=style.colour, lw=2.2, alpha=0.7)
        for dose, condition in zip(beside, rows.initial_condition, strict=True):
            values = 100 * ends[ends.initial_condition == condition].token_accuracy
            ax.plot(
                [dose] * len(values),
                values,
                style.marker,
                color=style.colour,
                ms=4,
                alpha=0.4,
                mec="none",
            )
    fresh = ends[ends.initial_condition == "scratch"].token_accuracy if len(ends) else []
    if len(fresh):
        ax.axhline(100 * np.mean(fresh), color=GREY, ls=":", lw=1.2, label="no pretraining")
    ax.set(xlabel="standard deviation of the noise", ylabel="token accuracy (%)", ylim=(-2, 103))
    if len(doses):
        ax.legend(fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    drawn = ["scratch", *doses.initial_condition]
    return with_data(figure, ends[ends.initial_condition.isin(drawn)], doses)
