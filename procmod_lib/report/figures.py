"""Draw what :mod:`procmod_lib.statistics` computed, and nothing else.

A colour belongs to a pretraining source and stays with it through the whole book (Okabe and Ito's colour-blind-safe palette);
what was transferred is told by the marker and the line style, so no figure depends on colour alone.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from procmod_lib.initial.condition import parse
from procmod_lib.report import statistics

COLOURS = {
    "scratch": "#595959", "identity": "#0072B2", "dyck": "#D55E00", "dyck_shuffle": "#E69F00", "stack": "#009E73",
    "set": "#CC79A7", "eca": "#56B4E9", "reverse": "#7F6A00", "sort": "#5D3A9B", "union": "#A6761D", "delete": "#444444",
}  # fmt: skip
STYLES = {"scratch": ("o", "-"), "full": ("s", "--"), "attention": ("D", "-"), "mlp": ("^", ":"), "composition": ("P", "-.")}
NAMES = {"dyck": "k-Dyck", "dyck_shuffle": "k-Dyck shuffle", "eca": "ECA rule 110", "mlp": "MLPs", "shuffle": "shuffled", "freeze": "frozen",
         "random_donor": "random donor", "relative_noise": "relative noise", "fresh_norm": "shrunk to the fresh norm", "scale": "scaled by"}


def use_style() -> None:
    """Set fonts and sizes for a figure at book width (about 7 inches)."""
    sns.set_theme(context="paper", style="ticks", font_scale=1.15, rc={
        "figure.dpi": 110, "savefig.dpi": 160, "savefig.bbox": "tight", "axes.spines.top": False, "axes.spines.right": False,
        "legend.frameon": False, "figure.constrained_layout.use": True, "figure.constrained_layout.hspace": 0.06, "svg.hashsalt": "procmod",
    })  # fmt: skip


def name(word: str) -> str:
    """How a task or part is written in a figure."""
    word, another, _ = word.partition("@")
    return NAMES.get(word, word.replace("_", " ").title() if word not in ("full", "attention", "scratch") else word) + " of another seed" * bool(another)


def describe(condition: str) -> tuple[str, str, tuple[str, str]]:
    """Return (label, colour, (marker, line)) of an initial condition."""
    c = parse(condition)
    if not c.sources:
        return "no pretraining", COLOURS["scratch"], STYLES["scratch"]
    kind = "full" if c["full"] else "composition" if c["attention"] and c["mlp"] else "attention" if c["attention"] else "mlp"
    words = [f"{'full transfer' if k == 'full' else name(k) + ' only'} from {name(c[k])}" for k in ("full", "attention", "mlp") if c[k]]
    if kind == "composition":
        words = [f"attention {name(c['attention'])} + MLPs {name(c['mlp'])}"]
    rest = [w.split("=") for w in condition.split() if w.split("=")[0] not in ("full", "attention", "mlp")]
    rest.sort(key=lambda w: w[0] not in ("layer", "head", "shape"))  # what it is before what was done to it
    return ", ".join(words + [" ".join([NAMES.get(w[0], w[0]), *w[1:]]) for w in rest]), COLOURS.get(c.sources[0].partition("@")[0], "#000000"), STYLES[kind]


def perturbed(condition: str) -> bool:
    """Whether what is copied is changed, frozen or cut to a part."""
    return any(w.split("=")[0] not in ("full", "attention", "mlp") for w in condition.split())


def panels(count: int, most: int, height: float, x: str = "", y: str = "", **shared) -> tuple[plt.Figure, list]:
    """Return (figure, axes) of ``count`` panels, at most so many side by side; ``height`` of each in inches; x, y: what all axes say."""
    beside = min(most, count)
    deep = -(-count // beside)
    figure, axes = plt.subplots(deep, beside, figsize=(7.2, height * deep), squeeze=False, **shared)
    for ax in axes.flat[count:]:
        ax.set_visible(False)
    for ax in axes.flat[count - beside : count]:  # the lowest of each column
        ax.tick_params(labelbottom=True)
    figure.supxlabel(x, fontsize=10), figure.supylabel(y, fontsize=10)
    return figure, list(axes.flat)


def learning_curves(table: pd.DataFrame, chance: float | None = None, score: str = "token_accuracy") -> plt.Figure:
    """Every run's learning curve as a thin line, one panel a condition, so that jumps and failures stay visible.

    Args:
        table: rows of one diagnostic. chance: height of the dotted chance line, as a share.
    """
    conditions = list(dict.fromkeys(table.initial_condition))
    figure, axes = panels(len(conditions), 4, 2.4, "fine-tuning step", f"{score.replace('_', ' ')} (%)", sharex=True, sharey=True)
    for ax, condition in zip(axes, conditions):
        label, colour, (_, line) = describe(condition)
        for _, run in table[table.initial_condition == condition].groupby("key"):
            run = run.sort_values("step")
            ax.plot(run.step, 100 * run[score], line, color=colour, lw=1.3, alpha=0.85)
        if chance is not None:
            ax.axhline(100 * chance, color="black", ls=":", lw=1)
        ax.set_title(label.replace(" from ", "\nfrom ").replace(", ", "\n").replace(" + ", "\n+ "), fontsize=9.5)
        ax.set_ylim(-2, 103)
    return figure


def end_points(summary: pd.DataFrame, table: pd.DataFrame, chance: float | None = None, score: str = "token_accuracy") -> plt.Figure:
    """Mean and interval of each condition after training, with every seed as a point."""
    ends = statistics.final(table)
    figure, ax = plt.subplots(figsize=(7.2, 0.5 * len(summary) + 1.1))
    for y, row in enumerate(summary.itertuples()):
        label, colour, (marker, _) = describe(row.initial_condition)
        values = 100 * ends[ends.initial_condition == row.initial_condition].sort_values("seed")[score].to_numpy()
        spread = np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else np.zeros(len(values))
        ax.plot(values, y + spread, marker, color=colour, ms=5, alpha=0.55, mec="none")
        if np.isfinite(row.low):
            ax.plot([100 * row.low, 100 * row.high], [y, y], color=colour, lw=2.4, solid_capstyle="butt")
        ax.plot(100 * row.mean, y, "|", color="black", ms=15, mew=2)
    if chance is not None:
        ax.axvline(100 * chance, color="black", ls=":", lw=1)
        ax.text(100 * chance + 1, -0.58, "chance", fontsize=8.5, va="top")
    ax.set_yticks(range(len(summary)), [f"{describe(r.initial_condition)[0]} (n={r.n})".replace(", ", "\n", 1) for r in summary.itertuples()])
    ax.set(xlim=(-2, 103), ylim=(len(summary) - 0.4, -0.6), xlabel=f"{score.replace('_', ' ')} (%)")
    return figure


def source_curves(runs: list, table: pd.DataFrame, learnt: pd.DataFrame) -> plt.Figure:
    """Pretraining, one panel a source and one line a run: solid with our settings, dotted with the released ones.

    Args:
        runs: pretraining runs. table: their rows. learnt: from :func:`procmod_lib.statistics.learnt`; draws the best possible score (dashed).
    """
    sources = list(dict.fromkeys(learnt.source))
    figure, axes = panels(len(sources), 3, 2.4, "pretraining step", "token accuracy (%)")
    for ax, source in zip(axes, sources):
        for run in runs:
            curve = table[table.key == run.key].sort_values("step")
            if run.task.name == source and len(curve):
                colour = "#333333" if run.budget.dropout else COLOURS[source]
                ax.plot(curve.step, 100 * curve.token_accuracy, ":" if run.budget.dropout else "-", color=colour, lw=1.4, alpha=0.85)
        ax.axhline(100 * learnt[learnt.source == source].best.max(), color="black", ls="--", lw=0.9)
        ax.set_title(name(source), fontsize=9.5)
        ax.set_ylim(-2, 103)
        ax.xaxis.set_major_locator(plt.MaxNLocator(3))
    return figure


def differences(rows: pd.DataFrame, across: str, down: str) -> plt.Figure:
    """Heat map of mean differences from no pretraining, in points, a panel a diagnostic; empty cells are not yet measured.

    Below each mean stand its interval where there is room (up to three columns), and its n where cells differ in it; a mean is bold where the exact test agrees with it.

    Args:
        rows: from :func:`procmod_lib.statistics.against`, with the columns named by ``across`` and ``down``.
    """
    diagnostics, columns, lines = (list(dict.fromkeys(rows[c])) for c in ("diagnostic", across, down))
    figure, axes = panels(len(diagnostics), 2 if len(columns) <= 3 else 1, 0.5 * len(lines) + 1.0, sharey=True)
    bound = max(0.2, rows.difference.abs().max())
    for ax, diagnostic in zip(axes, diagnostics):
        part = rows[rows.diagnostic == diagnostic]
        grid = part.pivot_table(index=down, columns=across, values="difference", sort=False).reindex(index=lines, columns=columns)
        sns.heatmap(100 * grid, ax=ax, cmap="RdBu_r", center=0, vmin=-100 * bound, vmax=100 * bound, linewidths=1, cbar=False)
        for row in part.itertuples():
            x, y = columns.index(getattr(row, across)) + 0.5, lines.index(getattr(row, down)) + 0.5
            colour = "white" if abs(row.difference) > 0.6 * bound else "black"
            below = [f"{_short(row.low)} to {_short(row.high)}"] * (len(columns) <= 3 and row.low == row.low) + [f"n = {row.n}"] * (rows.n.nunique() > 1)
            ax.text(x, y - 0.13 * len(below), _short(row.difference), ha="center", va="center", fontsize=9.5, color=colour,
                    fontweight="bold" if (row.low > 0 or row.high < 0) and row.p < statistics.LEVEL else "normal")  # fmt: skip
            ax.text(x, y + 0.24, "\n".join(below), ha="center", va="center", fontsize=7, color=colour)
        ax.set(xlabel="", ylabel="")
        ax.set_title(name(diagnostic), fontsize=10, pad=7)
        ax.set_xticklabels([column.replace(" ", "\n") for column in columns], rotation=0)
        ax.tick_params(axis="y", labelrotation=0)
        ax.tick_params(length=0)
    n = " to ".join(map(str, sorted({rows.n.min(), rows.n.max()})))
    figure.colorbar(axes[0].collections[0], ax=axes, label=f"difference in points (n = {n})", shrink=0.6)
    return figure


def _short(share: float) -> str:
    """A difference in points, signed, with one decimal where it is below 10."""
    return f"{100 * share:+.1f}" if abs(share) < 0.0995 else f"{100 * share:+.0f}"


def dose_response(doses: pd.DataFrame, table: pd.DataFrame) -> plt.Figure:
    """Mean and interval against the size of the noise, a line a transfer, every seed as a point; dotted: no pretraining."""
    ends = statistics.final(table) if len(table) else table
    figure, ax = plt.subplots(figsize=(7.2, 3.2))
    for i, (transfer, rows) in enumerate(doses.groupby("transfer", sort=False)):
        label, colour, (marker, line) = describe(transfer)
        rows = rows.assign(dose=rows.dose + 0.008 * i * doses.dose.max())  # beside each other, not on top of each other
        ax.plot(rows.dose, 100 * rows["mean"], line, marker=marker, color=colour, label=label)
        ax.vlines(rows.dose, 100 * rows.low, 100 * rows.high, color=colour, lw=2.2, alpha=0.7)
        for row in rows.itertuples():
            values = 100 * ends[ends.initial_condition == row.initial_condition].token_accuracy
            ax.plot([row.dose] * len(values), values, marker, color=colour, ms=4, alpha=0.4, mec="none")
    fresh = ends[ends.initial_condition == "scratch"].token_accuracy if len(ends) else []
    if len(fresh):
        ax.axhline(100 * np.mean(fresh), color=COLOURS["scratch"], ls=":", lw=1.2, label="no pretraining")
    ax.set(xlabel="standard deviation of the noise", ylabel="token accuracy (%)", ylim=(-2, 103))
    if len(doses):
        ax.legend(fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return figure


def claims(judged: pd.DataFrame) -> plt.Figure:
    """Forest plot of :func:`procmod_lib.claims.verdicts`: the paper's effect as a cross, ours as a dot with its interval."""
    figure, ax = plt.subplots(figsize=(7.2, 0.5 * len(judged) + 1.0))
    for y, row in enumerate(judged.itertuples()):
        ax.plot(row.paper_difference, y, "x", color="#D55E00", ms=8, mew=2)
        if row.n:
            ax.plot([row.low, row.high], [y, y], color="#0072B2", lw=2.4)
            ax.plot(row.difference, y, "o", color="#0072B2", ms=6)
    ax.axvline(0, color="black", lw=0.8)
    ax.set_yticks(range(len(judged)), [f"{name(r.diagnostic)}: {describe(r.condition)[0]}\nagainst {describe(r.baseline)[0]} (n={r.n})" for r in judged.itertuples()],
                  fontsize=8.5)  # fmt: skip
    ax.set(xlim=(-100, 100), ylim=(len(judged) - 0.5, -0.5), xlabel="difference in token accuracy (points)")
    ax.legend(handles=[plt.Line2D([], [], color="#D55E00", marker="x", ls="", label="paper"),
                       plt.Line2D([], [], color="#0072B2", marker="o", label="here")], fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)  # fmt: skip
    return figure
