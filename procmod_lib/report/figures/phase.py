"""Where a start by hand works: the share of successes by size and place."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from procmod_lib.report import statistics
from procmod_lib.report.figures.data import offered
from procmod_lib.report.figures.style import WIDTH


@offered
def draw_phase(cells: pd.DataFrame) -> plt.Figure:
    """A map of successes: places from top to bottom, standard deviations from left to right.

    Each cell writes its successes and runs; below them stands Wilson's interval of the share.

    Args:
        cells: one row a cell, with the columns place, spread, successes, n.
    """
    places, spreads = list(dict.fromkeys(cells.place)), sorted(set(cells.spread))
    share = np.full((len(places), len(spreads)), np.nan)
    figure, ax = plt.subplots(figsize=(WIDTH, 0.62 * len(places) + 1.2))
    for row in cells.itertuples():
        x, y = spreads.index(row.spread), places.index(row.place)
        share[y, x] = row.successes / row.n
        low, high = statistics.wilson(row.successes, row.n)
        colour = "white" if share[y, x] > 0.55 else "black"
        middle = dict(ha="center", va="center", color=colour)
        ax.text(x, y - 0.12, f"{row.successes} of {row.n}", fontsize=9.5, **middle)
        ax.text(x, y + 0.25, f"{100 * low:.0f} to {100 * high:.0f} %", fontsize=7, **middle)
    image = ax.imshow(100 * share, cmap="YlGnBu", vmin=0, vmax=100, aspect="auto")
    ax.set_xticks(range(len(spreads)), [f"{spread:g}" for spread in spreads])
    ax.set_yticks(range(len(places)), places)
    ax.set(xlabel="standard deviation of what is drawn by hand (fresh weights: 0.02)")
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    figure.colorbar(image, ax=ax, label="runs above 90 % (%)", shrink=0.8)
    return figure
