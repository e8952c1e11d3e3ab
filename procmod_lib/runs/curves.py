"""Learning curves: tables with a row for each run and evaluation step."""

import pandas as pd


def final(table: pd.DataFrame) -> pd.DataFrame:
    """Return the last evaluation of every run, runs in the order in which they first appear.

    Args:
        table: of a store; it may be empty.
    """
    if not len(table):
        return table
    return table.loc[table.groupby("key", sort=False)["step"].idxmax()].reset_index(drop=True)


def final_scores(table: pd.DataFrame) -> dict[str, float]:
    """The token accuracy at which every run ends, by its key."""
    ends = final(table)
    return dict(zip(ends.key, ends.token_accuracy, strict=True)) if len(ends) else {}
