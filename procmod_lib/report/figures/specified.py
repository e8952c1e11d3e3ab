"""The specification curve, and success against the sizes of layers."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator

from procmod_lib.report import statistics
from procmod_lib.report.figures.data import offered
from procmod_lib.report.figures.style import BLUE, GREY, ORANGE, WIDTH

SERIES = {"both": ("both layers", BLUE, "D"), "last": ("last layer alone", ORANGE, "^")}
SERIES |= {"whole": ("whole model", GREY, "s")}
ROW = 0.155  # inches, of one value of a factor
SIZES = (1.0, 2.0, 5.0)  # times a power of ten: where a log axis has its ticks


@offered
def draw_specification(rows: pd.DataFrame, levels: dict[str, list[str]]) -> plt.Figure:
    """Settings from left to right, most successes first: shares above, what they were below.

    Args:
        rows: a row a setting, in the order of the picture: the columns of
            :func:`procmod_lib.findings.specified.by_setting`, and one column a factor in words.
        levels: the values of each factor in words, from top to bottom.
    """
    count = sum(map(len, levels.values())) + len(levels)
    figure, (top, below) = plt.subplots(
        2, 1, figsize=(WIDTH, 2.6 + ROW * count), sharex=True, height_ratios=[2.4, ROW * count]
    )
    x = np.arange(len(rows))
    for i, (name, (label, colour, marker)) in enumerate(SERIES.items()):
        beside = x + 0.22 * (i - 1)
        share, low, high = _shares(rows, name)
        top.vlines(beside, low, high, color=colour, lw=1.2, alpha=0.55)
        top.plot(beside, share, marker, color=colour, ms=4.5, label=label)
    for ax in (top, below):
        for at in np.flatnonzero([not setting.changed for setting in rows.setting]):
            ax.axvspan(at - 0.5, at + 0.5, color="#F0E6C8", zorder=0)
    top.set(ylabel="runs above 90 % (%)", ylim=(-4, 104))
    top.legend(fontsize=8.5, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
    _draw_levels(below, rows, levels)
    below.set(xlim=(-0.8, len(rows) - 0.2), xticks=[], xlabel="settings, most successes first")
    return figure


def _shares(rows: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of successes of each setting and Wilson's interval, in %; NaN where none was run."""
    found = []
    for successes, n in zip(rows[name], rows[f"{name}_n"], strict=True):
        ends = statistics.wilson(int(successes), int(n)) if n else (np.nan, np.nan)
        found.append((successes / n if n else np.nan, *ends))
    share, low, high = 100 * np.array(found).T
    return share, low, high


def _draw_levels(ax: plt.Axes, rows: pd.DataFrame, levels: dict[str, list[str]]) -> None:
    """Dots that say which value of each factor a setting has, a block of rows a factor."""
    y, names = 0, []
    for factor, values in levels.items():
        for value in values:
            has = np.flatnonzero(rows[factor].to_numpy() == value)
            ax.axhline(y, color="#E4E4E4", lw=0.6, zorder=0)
            ax.plot(has, np.full(len(has), y), "o", color="black", ms=3)
            names.append((y, f"{factor}: {value}" if value == values[0] else value))
            y += 1
        y += 1
    ax.set_yticks([at for at, _ in names], [text for _, text in names], fontsize=7.5)
    ax.set_ylim(y - 1, -1)
    ax.tick_params(length=0)


@offered
def draw_layer_sizes(models: pd.DataFrame) -> plt.Figure:
    """Every pretrained model by the sizes of its layers: what it carries is full, else hollow.

    Args:
        models: from :func:`procmod_lib.findings.specified.models_of`.
    """
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.4), sharex=True, sharey=True)
    for ax, name in zip(axes, ("both", "last"), strict=True):
        label, colour, marker = SERIES[name]
        known = models.dropna(subset=[name, "first_size"])
        carries = known[name] >= statistics.SUCCESS
        for is_full, part in ((True, known[carries]), (False, known[~carries])):
            ax.plot(
                part.first_size,
                part.last_size,
                marker,
                mfc=colour if is_full else "none",
                mec=colour,
                ms=5,
                alpha=0.8,
                label=f"{'above' if is_full else 'below'} 90 % ({len(part)})",
            )
        ax.set_title(label, fontsize=10)
        ax.legend(fontsize=8.5)
    axes[0].set(xscale="log", yscale="log", ylabel="size of the last layer's attention")
    for axis in (axes[0].xaxis, axes[0].yaxis):
        axis.set_major_locator(LogLocator(subs=SIZES))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    figure.supxlabel("size of the first layer's attention", fontsize=10)
    return figure


@offered
def draw_factors(ends: pd.DataFrame) -> plt.Figure:
    """What a layer carries, as learnt and shuffled, times a factor: mean, interval and seeds.

    Args:
        ends: a row a run, with the columns panel, change (both in words), factor and
            token_accuracy.
    """
    panels, factors = ends.panel.unique(), sorted(ends.factor.unique())
    figure, axes = plt.subplots(
        1, len(panels), figsize=(WIDTH, 3.2), sharex=True, sharey=True, squeeze=False
    )
    for ax, panel in zip(axes[0], panels, strict=True):
        drawn = ends[ends.panel == panel].groupby("change", sort=False)
        for i, (change, rows) in enumerate(drawn):
            colour, marker = ((BLUE, "D"), (ORANGE, "s"), (GREY, "^"))[i]
            beside = 1.06 ** (i - (len(drawn) - 1) / 2)  # not on top of each other
            ax.plot(
                rows.factor * beside,
                100 * rows.token_accuracy,
                marker,
                color=colour,
                ms=4,
                alpha=0.4,
                mec="none",
            )
            means = 100 * rows.groupby("factor").token_accuracy.mean()
            ax.plot(means.index * beside, means, f"{marker}-", color=colour, label=change)
            for factor, part in rows.groupby("factor"):
                low, high = statistics.interval(part.token_accuracy)
                ax.vlines(factor * beside, 100 * low, 100 * high, color=colour, lw=2.2, alpha=0.7)
        ax.set_title(panel, fontsize=10)
        ax.set(xscale="log", ylim=(-2, 103))
        ax.xaxis.set_major_locator(FixedLocator(factors))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
    axes[0][0].set(ylabel="token accuracy (%)")
    lines, names = axes[0][0].get_legend_handles_labels()
    figure.legend(lines, names, fontsize=9, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.07))
    figure.supxlabel("the last layer's attention, times", fontsize=10)
    return figure
