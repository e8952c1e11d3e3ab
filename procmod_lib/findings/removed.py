"""How much of what attention gains a shuffle of it takes away."""

import numpy as np
import pandas as pd
from IPython.display import Markdown

from procmod_lib.experiments.claims import CLAIMS
from procmod_lib.randomness import stream
from procmod_lib.report import statistics
from procmod_lib.report.sentences import NOT_MEASURED, in_points
from procmod_lib.report.tables import grid
from procmod_lib.runs.curves import by_seed

CLAIM = CLAIMS[2]
"""That on the shuffle: its arms are the attention as learnt and shuffled."""


def removed_table(tables: dict[str, pd.DataFrame]) -> Markdown:
    """A row a pretraining: what attention gains over no pretraining, what its shuffle costs, both
    pair by pair, and which share of the gain that is.

    The share is mean over mean, its interval a bootstrap over seeds; it is left out where the gain
    may be none.

    Args:
        tables: runs by the name of the pretraining, a row a step, no pretraining among them.
    """
    heads = ["pretraining", "gain of attention", "what its shuffle costs", "share of the gain"]
    return grid(heads, [[name, *_row(table)] for name, table in tables.items()])


def removed(table: pd.DataFrame) -> str:
    """The share alone, of one pretraining."""
    return _row(table)[2]


def _row(table: pd.DataFrame) -> list[str]:
    """The three cells of one pretraining."""
    asked = [(CLAIM.diagnostic, arm) for arm in ("scratch", CLAIM.condition, CLAIM.baseline)]
    arms = by_seed(table).reindex(columns=asked).dropna()
    if len(arms) < statistics.FEWEST_FOR_INTERVAL:
        return [NOT_MEASURED] * 3
    fresh, learnt, shuffled = arms.to_numpy().T
    gain, cost = learnt - fresh, learnt - shuffled
    gained, lost = statistics.Difference.of(gain), statistics.Difference.of(cost)
    share = share_removed(gain, cost) if gained.low > 0 else "no gain to remove"
    return [in_points(gained), in_points(lost), share]


def share_removed(gain: np.ndarray, cost: np.ndarray) -> str:
    """The share of a mean gain that a mean cost is, in %, with its interval over seeds.

    Args:
        gain: (n,) one a seed.
        cost: (n,) of the same seeds.

    >>> share_removed(np.array([0.8, 0.8, 0.8]), np.array([0.2, 0.2, 0.2]))
    '25 % (25 to 25 %, n = 3)'
    """
    picks = stream("share removed").integers(len(gain), size=(statistics.RESAMPLES, len(gain)))
    shares = cost[picks].mean(1) / gain[picks].mean(1)
    low, high = 100 * np.percentile(shares, [2.5, 97.5])
    share = 100 * cost.mean() / gain.mean()
    return f"{share:.0f} % ({low:.0f} to {high:.0f} %, n = {len(gain)})"
