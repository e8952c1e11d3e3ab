"""The book's one figure: what carries HAYSTACK, every seed a point."""

import matplotlib.pyplot as plt
import numpy as np

from procmod_lib.initial import parse
from procmod_lib.report import statistics
from procmod_lib.report.figures.data import offered
from procmod_lib.report.figures.style import WIDTH, look


@offered
def draw_rows(table, rows: dict[str, str], chance: float) -> plt.Figure:
    """One row a start: its name above it, every seed as a point, the mean as a bar; readable on a
    phone.

    Args:
        table: rows of one diagnostic.
        rows: condition -> what it is called.
        chance: where the dotted chance line stands, as a share.
    """
    ends = statistics.final(table)
    figure, ax = plt.subplots(figsize=(WIDTH, 0.74 * len(rows) + 0.7))
    for y, (condition, name) in enumerate(rows.items()):
        style = look(parse(condition))
        values = (
            100
            * ends[ends.initial_condition == condition]
            .sort_values("seed")
            .token_accuracy.to_numpy()
        )
        spread = np.linspace(-0.13, 0.13, len(values)) if len(values) > 1 else np.zeros(len(values))
        ax.axhspan(y - 0.2, y + 0.2, color="#f3f3f3", lw=0)
        ax.plot(
            values,
            y + spread,
            style.marker,
            color=style.colour,
            ms=9,
            alpha=0.75,
            mec="white",
            mew=0.6,
        )
        ax.plot([100 * chance] * 2, [y - 0.2, y + 0.2], color="black", ls=":", lw=1.2)
        ax.plot([values.mean()] * 2, [y - 0.24, y + 0.24], color="black", lw=2.2)
        ax.text(0, y - 0.28, name, fontsize=13, va="bottom", color="black")
        text = f"{values.mean():.0f} %  (n = {len(values)})"
        ax.text(101, y - 0.28, text, fontsize=12, va="bottom", ha="right")
    told = f"dotted: any value in sight, {100 * chance:.1f} %"
    ax.text(100 * chance + 1, len(rows) - 0.66, told, fontsize=10.5, va="center")
    ax.set(xlim=(0, 101), ylim=(len(rows) - 0.45, -0.75), yticks=[])
    ax.set_xlabel("right answers after fine-tuning (%)", fontsize=12)
    ax.tick_params(labelsize=11)
    ax.spines["left"].set_visible(False)
    return figure
