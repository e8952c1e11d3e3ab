"""Write the instructor's table: how often each run of the workshop shows what it should.

Called by ``book/build.py``; everything is counted from the published store, but for the times,
which are those of ``bench/workshop.py``.
"""

import json
from pathlib import Path

from procmod_lib.experiments.grids import localisation
from procmod_lib.report.sentences import of_runs
from procmod_lib.report.tables import grid
from procmod_lib.runs.store import PUBLISHED, Store
from procmod_lib.workshop import outcomes
from procmod_lib.workshop.outcomes import RUNS, Outcome, shares, workshop_runs

BOOK = Path(__file__).resolve().parent
TARGET = BOOK / "generated" / "outcomes.md"
LIMIT = 30  # seeds of each start, at most


def rule() -> str:
    """What counts, in a sentence whose numbers are those that are counted with."""
    run = workshop_runs("A", 1)[0]
    guess = run.task.chance()
    return (
        f"A start *finds the needle* on a laptop when at least {outcomes.MOST} of its "
        f"{outcomes.SEEDS} runs end above {100 * outcomes.FOUND:.0f} %; it *stays* when at least "
        f"{outcomes.MOST} end below {100 * outcomes.STAYED:.0f} % (guessing gets "
        f"{100 * guess:.0f} %). This was fixed before the runs of the table, but for the "
        "first three seeds of A and C, which were known. A laptop is any "
        f"{outcomes.SEEDS} of them."
    )


def outcomes_table() -> str:
    """A row for each start of each session, as Markdown."""
    store = Store(PUBLISHED, None)
    first = outcomes.FIRST_SEEDS
    runs = {session: workshop_runs(session, LIMIT, first[session]) for session in RUNS}
    found = shares({session: store.load(mine) for session, mine in runs.items()})
    rows = []
    for row in found.itertuples():
        should = "finds the needle" if row.finds else "stays at guessing"
        told = of_runs(row.right, row.runs) if row.runs else "not yet measured"
        is_enough = row.runs >= outcomes.SEEDS
        laptops = f"{100 * row.laptops:.0f} %" if is_enough else "not yet measured"
        rows.append([row.session, row.name, should, told, laptops, row.otherwise])
    heads = ["session", "start", "it", "runs that do (95 %)", "laptops that do", "where not, say"]
    return str(grid(heads, rows).data)


def tried() -> str:
    """What session B had at first, and why it has one head in its place."""
    store, start = Store(PUBLISHED, None), "attention=identity shuffle layer=1"
    layer = Outcome("B", start, "the last layer, shuffled", finds=True, otherwise="")
    found = []
    for steps in (outcomes.RUNS["B"]["steps"], 2000):
        runs = localisation("quick", pieces=["layer=1 shuffle"], seeds=LIMIT, steps=steps)
        right, seen = outcomes.count(store.load(runs), layer)
        if not seen:
            return "The whole last layer, shuffled: not yet measured."
        found.append(f"{right} of {seen} runs of {steps:,} steps")
    return (
        f"Session B had the whole last layer at first. Shuffled, it found the needle in "
        f"{' and in '.join(found)}, so the session has one head of it, chosen on those "
        "seeds and counted on others."
    )


def both_layers() -> str:
    """How often the start of session B that has no expectation finds the needle."""
    store = Store(PUBLISHED, None)
    both = Outcome("B", "attention=identity", "attention of both layers", True, "")
    right, seen = outcomes.count(store.load(workshop_runs("B", LIMIT)), both)
    if seen < outcomes.SEEDS:
        return "The attention of both layers: not yet measured."
    laptops = outcomes.share_of_laptops(right, seen)
    return (
        f"Session B's attention of both layers, which has no row, found it in {right} "
        f"of {seen} runs (seeds 0 to {LIMIT - 1}), that is on {100 * laptops:.0f} % of laptops: "
        "nothing was predicted of it, and laptops will differ on it."
    )


def edge() -> str:
    """How often the sizes that session C asks next find the needle."""
    store = Store(PUBLISHED, None)
    table = store.load(workshop_runs("C", LIMIT, starts=list(outcomes.EDGE)))
    found = []
    for start, size in outcomes.EDGE.items():
        right, seen = outcomes.count(table, Outcome("C", start, size, True, ""))
        found.append(f"one of {size} in {of_runs(right, seen)}")
    return (
        "The sizes that session C asks next, of which nothing was predicted: a head finds the "
        f"needle, {' and '.join(found)} runs (seeds 0 to {LIMIT - 1})."
    )


def times_table() -> str:
    """How long each session trains, as Markdown."""
    path = BOOK / "workshop.json"
    if not path.exists():
        return "Not yet measured."
    found = json.loads(path.read_text())
    rows = [
        [session, len(workshop_runs(session, outcomes.SEEDS)), f"{seconds:.0f}"]
        for session, seconds in found["seconds"].items()
    ]
    facts = found["provenance"]
    table = grid(["session", "runs", "seconds, all of them, from nothing"], rows).data
    return f"{table}\n\nMeasured on {facts['cores']} cores, commit {facts['commit'][:9]}."


def main() -> None:
    """Write both tables and what stands between them."""
    TARGET.parent.mkdir(exist_ok=True)
    parts = (rule(), outcomes_table(), both_layers(), edge(), tried(), times_table())
    TARGET.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
