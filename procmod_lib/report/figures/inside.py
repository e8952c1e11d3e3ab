"""What goes on inside models: starts by two numbers, attention maps, courses over the steps."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from procmod_lib.initial import parse
from procmod_lib.network.gpt2 import MAPS
from procmod_lib.report.figures.data import offered
from procmod_lib.report.figures.style import WIDTH, look, panels

PARTS = {
    "A0": "attention, layer 0",
    "A1": "attention, layer 1",
    "F0": "MLP, layer 0",
    "F1": "MLP, layer 1",
    "E": "embeddings",
}


GROUPS = {
    "known": ("o", "known when the first rule was made"),
    "first rule": ("D", "predicted by it (red: wrongly)"),
    "second rule": ("s", "predicted by the second rule"),
}
LEAST = 1e-4  # below it a selective write is drawn at the lower edge
DROWNED = 0.6  # share of tokens that parts the two panels


@offered
def draw_starts(starts: pd.DataFrame, tokens: float, writes: tuple[float, float]) -> plt.Figure:
    """Every start by its two numbers, darker the more of its runs succeeded.

    On the left those whose tokens are drowned, on the right those that read them, side by side.

    Args:
        starts: rows with the columns group (of GROUPS), tokens, write, successes, n, wrong.
        tokens: a bound on the share of tokens, dotted on the left.
        writes: bounds on the selective write, dotted on the right.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH, 4.2), sharey=True, width_ratios=(1, 1.3)
    )
    shown = starts[starts.n > 0].sort_values("successes", kind="stable")
    drowned = shown[shown.tokens < DROWNED]
    clear = shown[shown.tokens >= DROWNED]
    points = _draw_group(left, drowned, drowned.tokens)
    if len(clear):
        order = list(GROUPS)
        places = [order.index(group) for group in clear.group]
        beside = clear.groupby("group").cumcount() % 9 * 0.09 - 0.36
        points = _draw_group(right, clear, np.array(places) + beside.to_numpy())
    left.axvline(tokens, color="black", lw=0.6, ls=":")
    for bound in writes:
        right.axhline(bound, color="black", lw=0.6, ls=":")
    left.set(xlim=(0, DROWNED), xlabel="share of tokens", title="the tokens are drowned")
    right.set(xlim=(-0.5, 2.5), title=f"the tokens are there{_range(clear.tokens)}")
    right.set_xticks(range(3), ["known", "first rule", "second rule"])
    left.set(yscale="log", ylim=(LEAST * 0.6, 1e3), ylabel="selective write")
    if len(shown):
        figure.colorbar(points, ax=right, label="runs above 90 % (%)", shrink=0.8)
    names = [
        plt.Line2D([], [], ls="", marker=marker, color="white", mec="black", ms=7, label=text)
        for marker, text in GROUPS.values()
    ]
    figure.legend(handles=names, fontsize=9, loc="outside upper center", ncols=3)
    return figure


def _range(shares: pd.Series) -> str:
    """Between which values some shares lie, in brackets; nothing for none."""
    if not len(shares):
        return ""
    least, most = f"{shares.min():.2f}", f"{shares.max():.2f}"
    return f" (share {least if least == most else f'{least} to {most}'})"


def _draw_group(ax: plt.Axes, rows: pd.DataFrame, x):
    """Points at x, a marker a group, a red ring where a prediction was wrong."""
    points = None
    for group, (marker, _) in GROUPS.items():
        mine = (rows.group == group).to_numpy()
        part = rows[mine]
        points = ax.scatter(
            np.asarray(x)[mine],
            part.write.clip(lower=LEAST),
            c=100 * part.successes / part.n,
            marker=marker,
            s=62,
            cmap="YlGnBu",
            vmin=0,
            vmax=100,
            edgecolor=["#D00000" if wrong else "black" for wrong in part.wrong],
            linewidth=[2.2 if wrong else 0.7 for wrong in part.wrong],
        )
    return points


@offered
def draw_attention(maps: dict[str, np.ndarray], tokens: list[str], needle: int) -> plt.Figure:
    """Attention maps of every head, a row a moment.

    Args:
        maps: moment -> (layers, heads, T, T).
        tokens: (T,) how each is written.
        needle: where the answer stands; a frame marks the query's look at it.
    """
    layers, heads = next(iter(maps.values())).shape[:2]
    count = layers * heads
    figure, axes = plt.subplots(
        len(maps), count, figsize=(WIDTH, 1.25 * len(maps) + 0.5), squeeze=False
    )
    last = len(tokens) - 1
    for line, (moment, every) in zip(axes, maps.items(), strict=True):
        for i, ax in enumerate(line):
            ax.imshow(every[i // heads, i % heads], cmap="Greys", vmin=0, vmax=1)
            frame = dict(fill=False, ec="#D55E00", lw=1.2)
            ax.add_patch(plt.Rectangle((needle - 0.5, last - 0.5), 1, 1, **frame))
            ax.set(xticks=[], yticks=[])
        line[0].set_ylabel(moment.replace(", ", "\n"), fontsize=8.5)
    for i, ax in enumerate(axes[0]):
        ax.set_title(f"{i // heads}.{i % heads}", fontsize=9)
    figure.suptitle("layer.head", fontsize=9)
    figure.supxlabel(f"the sample: {' '.join(tokens)}", fontsize=8)
    return figure


@offered
def draw_along(table: pd.DataFrame, rows: pd.DataFrame, chance: float | None) -> plt.Figure:
    """Courses over the steps: a column a start, a line a seed; accuracy above, then each measure.

    Args:
        table: learning curves.
        rows: condition, seed, step and one column a measure, in %.
        chance: height of the dotted line of accuracy, as a share.
    """
    conditions = list(dict.fromkeys(rows.condition))
    measures = [c for c in rows.columns if c not in ("condition", "seed", "step")]
    figure, axes = plt.subplots(
        1 + len(measures),
        len(conditions),
        figsize=(WIDTH, 1.6 * (1 + len(measures)) + 0.6),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for column, condition in zip(axes.T, conditions, strict=True):
        style = look(parse(condition))
        curves = table[table.initial_condition == condition]
        for _, run in curves.groupby("seed"):
            column[0].plot(run.step, 100 * run.token_accuracy, color=style.colour, lw=1.2)
        if chance is not None:
            column[0].axhline(100 * chance, color="black", ls=":", lw=1)
        for ax, measure in zip(column[1:], measures, strict=True):
            for _, run in rows[rows.condition == condition].groupby("seed"):
                ax.plot(run.step, run[measure], color=style.colour, lw=1.2)
        column[0].set_title(parse(condition).label.replace(", ", "\n"), fontsize=9)
        column[0].set_ylim(-3, 103)
    for ax, name in zip(axes[:, 0], ["accuracy (%)", *measures], strict=True):
        ax.set_ylabel(name, fontsize=9)
    figure.supxlabel("fine-tuning step", fontsize=10)
    cells = ["initial_condition", "seed", "step"]
    curves = table[table.initial_condition.isin(conditions)]
    measured = rows.rename(columns={"condition": "initial_condition"})
    figure.procmod_data = curves.merge(measured, on=cells, how="outer")
    return figure


@offered
def draw_sizes(rows: pd.DataFrame) -> plt.Figure:
    """The size of every head's maps over the steps: a row a map, a column a start.

    Args:
        rows: one a (condition, step, layer, head), with a column a map: its standard deviation.
    """
    conditions = list(dict.fromkeys(rows.condition))
    figure, axes = plt.subplots(
        len(MAPS),
        len(conditions),
        figsize=(WIDTH, 1.45 * len(MAPS) + 0.8),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for column, condition in zip(axes.T, conditions, strict=True):
        colour = look(parse(condition)).colour
        part = rows[rows.condition == condition]
        for ax, name in zip(column, MAPS, strict=True):
            for (layer, _), head in part.groupby(["layer", "head"]):
                line = dict(color=colour) if layer else dict(color="#56A0D3", ls=":")
                ax.plot(head.step, head[name], lw=1.2, **line)
        column[0].set_title(parse(condition).label.replace(", ", "\n"), fontsize=9)
    for ax, name in zip(axes[:, 0], MAPS, strict=True):
        ax.set_ylabel(name, fontsize=9)
    figure.supxlabel("fine-tuning step (dotted blue: first layer; solid: last)", fontsize=10)
    figure.supylabel("standard deviation of the weights", fontsize=10)
    return figure


@offered
def draw_pulls(rows: pd.DataFrame) -> plt.Figure:
    """The gradient's norm on each part over the steps, a panel a start, the median over seeds.

    Args:
        rows: condition, seed, step and one column a part.
    """
    conditions = list(dict.fromkeys(rows.condition))
    figure, axes = panels(
        len(conditions),
        4,
        3.4,
        "fine-tuning step",
        "norm of the gradient",
        sharex=True,
        sharey=True,
    )
    for ax, condition in zip(axes, conditions, strict=False):
        middle = rows[rows.condition == condition].groupby("step")[list(PARTS)].median()
        for part, name in PARTS.items():
            colour = "#0072B2" if part.endswith("0") else "#D55E00"
            colour = "black" if part == "E" else colour
            line = "--" if part.startswith("F") else "-"
            ax.plot(middle.index, middle[part], color=colour, ls=line, lw=1.3, label=name)
        ax.set_yscale("log")
        ax.set_title(parse(condition).label.replace(", ", "\n"), fontsize=9)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


@offered
def draw_knock_outs(rows: pd.DataFrame) -> plt.Figure:
    """What accuracy is lost without a head: a row a start, a column a head, the mean over seeds.

    Args:
        rows: condition, seed, head, drop (a share).
    """
    heads = sorted(set(rows["head"]))
    means = 100 * rows.pivot_table(index="condition", columns="head", values="drop", sort=False)
    least = 100 * rows.pivot_table(index="condition", columns="head", values="drop", aggfunc="min")
    most = 100 * rows.pivot_table(index="condition", columns="head", values="drop", aggfunc="max")
    seeds = rows.groupby("condition", sort=False).seed.nunique()
    figure, ax = plt.subplots(figsize=(WIDTH, 0.7 * len(means) + 1.0))
    image = ax.imshow(means[heads], cmap="YlOrBr", vmin=0, vmax=100, aspect="auto")
    for y, condition in enumerate(means.index):
        for x, head in enumerate(heads):
            value = means.loc[condition, head]
            middle = dict(ha="center", color="white" if value > 60 else "black")
            ax.text(x, y, f"{value:.0f}", va="center", fontsize=10, **middle)
            span = f"{least.loc[condition, head]:.0f}–{most.loc[condition, head]:.0f}"
            ax.text(x, y + 0.36, span, va="center", fontsize=8, **middle)
    names = [parse(condition).label.replace(", ", "\n", 1) for condition in means.index]
    labels = [f"{name} (n={n})" for name, n in zip(names, seeds[means.index], strict=True)]
    ax.set_yticks(range(len(labels)), labels, fontsize=9)
    ax.set_xticks(range(len(heads)), heads)
    ax.set_xlabel("head that is knocked out (layer.head)")
    ax.tick_params(length=0)
    figure.colorbar(image, ax=ax, label="accuracy lost (points)", shrink=0.9)
    return figure
