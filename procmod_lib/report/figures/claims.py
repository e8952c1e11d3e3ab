"""The scorecard as a forest plot."""

import matplotlib.pyplot as plt
import pandas as pd

from procmod_lib.initial import parse
from procmod_lib.report.figures.data import offered
from procmod_lib.report.figures.style import BLUE, ORANGE, WIDTH
from procmod_lib.report.sentences import SHOWN
from procmod_lib.tasks import title


@offered
def draw_claims(judged: pd.DataFrame, ours: pd.DataFrame | None = None) -> plt.Figure:
    """Each claim's effect as a dot with its interval, and its verdict, a line a claim.

    Args:
        judged: the paper's, from :func:`procmod_lib.experiments.claims.verdicts`; the paper's own
            effect is a cross.
        ours: this book's own, drawn below a line.
    """
    groups = [judged] if ours is None else [judged, ours]
    count = sum(map(len, groups)) + len(groups)
    figure, ax = plt.subplots(figsize=(WIDTH, 0.52 * count + 0.8))
    y, labels = 0.0, {}
    for group, name in zip(groups, ("The paper's claims", "Beyond the paper"), strict=False):
        ax.text(-100, y, name, fontsize=10, fontweight="bold", va="center")
        y += 1
        for row in group.itertuples():
            word = SHOWN.get(row.verdict, row.verdict) if group is ours else row.verdict
            _draw_claim(ax, y, row, word)
            arms = f"{parse(row.condition).label}\nagainst {parse(row.baseline).label}"
            labels[y] = f"{title(row.diagnostic)}: {arms} (n={row.n})"
            y += 1
    ax.axvline(0, color="black", lw=0.8)
    ax.set_yticks(list(labels), list(labels.values()), fontsize=8.5)
    ax.set(xlim=(-100, 165), ylim=(y - 0.4, -0.6), xticks=range(-100, 101, 50))
    ax.set_xlabel("difference in token accuracy (points)", loc="left")
    paper = plt.Line2D([], [], color=ORANGE, marker="x", ls="", label="paper")
    here = plt.Line2D([], [], color=BLUE, marker="o", label="here, with 95 % interval")
    ax.legend(handles=[paper, here], fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return figure


def _draw_claim(ax: plt.Axes, y: float, row, word: str) -> None:
    """One claim: the paper's effect, ours, the verdict."""
    ax.plot(row.paper_difference, y, "x", color=ORANGE, ms=8, mew=2)
    if row.n:
        ax.plot([row.low, row.high], [y, y], color=BLUE, lw=2.4)
        ax.plot(row.difference, y, "o", color=BLUE, ms=6)
    ax.text(106, y, word, fontsize=8.5, va="center")
