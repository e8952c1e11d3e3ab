"""Where a table comes from: minutes of training, commits, versions, machines."""

import re

import pandas as pd

from procmod_lib.runs.store import Store


def origin(table: pd.DataFrame, store: Store) -> str:
    """Say what the runs of a table cost and what made them."""
    commits: dict[str, set[str]] = {}
    for finished in map(store.origin, table.provenance.unique()):
        for facts in (finished.get("begun", finished), finished):
            torch, cores = facts["versions"]["torch"], facts["cores"]
            where = f"torch {torch}, {cores} cores ({facts['device']})"
            commit = f"{_short(facts['commit'])}{_changed(facts['dirty'])}"
            commits.setdefault(where, set()).add(commit)
    if not commits:
        return "not yet made"
    made = "; ".join(
        f"commit {', '.join(sorted(each))}, {where}" for where, each in commits.items()
    )
    minutes = table.drop_duplicates("key").seconds.sum() / 60
    return f"{minutes:.1f} minutes of training; {made}"


def _short(commit: str) -> str:
    """The first ten digits of a commit; what stands in place of one as it is."""
    return f"`{commit[:10]}`" if re.fullmatch(r"[0-9a-f]{40,64}", commit) else commit


def _changed(dirty: bool | None) -> str:
    """What is said of uncommitted changes; None where nobody can know."""
    if dirty is None:
        return ", perhaps with uncommitted changes"
    return " with uncommitted changes" if dirty else ""
