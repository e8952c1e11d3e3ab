"""Where a table comes from: minutes of training, commits, versions, machines."""

import pandas as pd

from procmod_lib.runs.store import Store


def origin(table: pd.DataFrame, store: Store) -> str:
    """Say what the runs of a table cost and what made them."""
    commits: dict[str, list[str]] = {}
    for facts in map(store.origin, table.provenance.unique()):
        where = f"torch {facts['versions']['torch']}, {facts['cores']} cores ({facts['device']})"
        changed = " with uncommitted changes" if facts["dirty"] else ""
        commits.setdefault(where, []).append(f"`{facts['commit'][:10]}`{changed}")
    if not commits:
        return "not yet made"
    made = "; ".join(
        f"commit {', '.join(sorted(each))}, {where}" for where, each in commits.items()
    )
    minutes = table.drop_duplicates("key").seconds.sum() / 60
    return f"{minutes:.1f} minutes of training; {made}"
