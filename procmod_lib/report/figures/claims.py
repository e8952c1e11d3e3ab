"""The scorecard as a forest plot."""

import matplotlib.pyplot as plt
import pandas as pd

from procmod_lib.initial import parse
from procmod_lib.report.figures.style import BLUE, ORANGE, WIDTH
from procmod_lib.tasks import title


def draw_claims(judged: pd.DataFrame) -> plt.Figure:
    """The paper's effect as a cross, ours as a dot with its interval, a line a claim.

    Args:
        judged: from :func:`procmod_lib.experiments.claims.verdicts`.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 0.5 * len(judged) + 1.0))
    labels = []
    for y, row in enumerate(judged.itertuples()):
        ax.plot(row.paper_difference, y, "x", color=ORANGE, ms=8, mew=2)
        if row.n:
            ax.plot([row.low, row.high], [y, y], color=BLUE, lw=2.4)
            ax.plot(row.difference, y, "o", color=BLUE, ms=6)
        arms = f"{parse(row.condition).label}\nagainst {parse(row.baseline).label}"
        labels.append(f"{title(row.diagnostic)}: {arms} (n={row.n})")
    ax.axvline(0, color="black", lw=0.8)
    ax.set_yticks(range(len(judged)), labels, fontsize=8.5)
    ax.set(
        xlim=(-100, 100),
        ylim=(len(judged) - 0.5, -0.5),
        xlabel="difference in token accuracy (points)",
    )
    paper = plt.Line2D([], [], color=ORANGE, marker="x", ls="", label="paper")
    here = plt.Line2D([], [], color=BLUE, marker="o", label="here")
    ax.legend(handles=[paper, here], fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return figure
