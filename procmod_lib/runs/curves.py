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


def by_seed(table: pd.DataFrame, score: str = "token_accuracy") -> pd.DataFrame:
    """The score at which every run ends: a row a seed and a column a (diagnostic, initial
    condition), NaN where there is no such run.

    Args:
        table: of a store; it may be empty.
        score: a column of it.

    Raises:
        ValueError: a cell holds a seed twice.
    """
    cells = ["diagnostic", "initial_condition"]
    return final(table).set_index([*cells, "seed"])[score].unstack(cells, sort=False)


def final_scores(table: pd.DataFrame) -> dict[str, float]:
    """The token accuracy at which every run ends, by its key."""
    ends = final(table)
    return dict(zip(ends.key, ends.token_accuracy, strict=True)) if len(ends) else {}
