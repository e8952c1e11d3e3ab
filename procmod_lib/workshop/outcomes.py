"""What each run of the workshop should show, and how often it does.

The rule was fixed before the runs: a start *finds the needle* on a laptop when at least two of the
laptop's three runs of it end above 90 %, and *stays* when at least two of them end below 50 %,
which is ten points above guessing with 6 pairs.
"""

from dataclasses import dataclass
from math import comb

import pandas as pd

from procmod_lib.experiments.conditions import RECIPE, SPOILT
from procmod_lib.experiments.grids import by_hand, inside, localisation
from procmod_lib.report.statistics import wilson
from procmod_lib.runs.run import Run

SEEDS, MOST = 3, 2  # runs of each start on a laptop, and how many of them decide
FOUND, STAYED = 0.9, 0.5
RUNS = {
    "A": dict(grid=by_hand, recipes=RECIPE, steps=1000),
    "B": dict(
        grid=localisation,
        pieces=["head=1.0", "head=1.0 shuffle", "head=1.0 fresh_norm"],
        steps=1500,
    ),
    "C": dict(
        grid=inside,
        starts=["loud=0.05 head=1.0", RECIPE, SPOILT],
        steps=1500,
    ),
}
"""The runs of each session; a test compares them with the notebooks."""

EDGE = {"loud=0.1 head=1.0": "0.1", "loud=0.2 head=1.0": "0.2"}
"""The sizes between its own two that session C asks next; nothing was predicted of them."""

FIRST_SEEDS = {"A": 0, "B": 30, "C": 0}
"""From which seed on a session's outcomes are counted. Session B had the whole last layer at first,
whose shuffle fails in one run of six; its head was chosen on the seeds before these.
"""


UNEXPECTED = "Check its first_seed and its steps, then count over the room."
"""Of a start that should stay at guessing and did not."""


@dataclass(frozen=True)
class Outcome:
    """What one start should show.

    Attributes:
        session: A, B or C.
        start: the initial condition.
        name: the start, as a teacher calls it.
        finds: whether it should find the needle; otherwise it should stay at guessing.
        otherwise: what to say on the laptop where it comes out otherwise.
    """

    session: str
    start: str
    name: str
    finds: bool
    otherwise: str

    def appears(self, score: float) -> bool:
        """Whether a run that ends at this share of right answers shows it."""
        return score > FOUND if self.finds else score < STAYED


OUTCOMES = (
    Outcome(
        "A",
        "scratch",
        "no pretraining",
        finds=False,
        otherwise=UNEXPECTED,
    ),
    Outcome(
        "A",
        RECIPE,
        "one loud head",
        finds=True,
        otherwise="It jumps when it jumps: give it steps=2000, and look at the curve, not its end.",
    ),
    Outcome(
        "B",
        "attention=identity head=1.0",
        "one head of the last layer",
        finds=True,
        otherwise="The donor of this seed may be weak. Look at its neighbours' laptops.",
    ),
    Outcome(
        "B",
        "attention=identity shuffle head=1.0",
        "that head, shuffled",
        finds=True,
        otherwise="Then one null beats another here. Count over the room before you believe it.",
    ),
    Outcome(
        "B",
        "attention=identity fresh_norm head=1.0",
        "that head, shrunk",
        finds=False,
        otherwise=UNEXPECTED,
    ),
    Outcome(
        "C",
        "loud=0.05 head=1.0",
        "a head of 0.05",
        finds=False,
        otherwise=UNEXPECTED,
    ),
    Outcome(
        "C",
        RECIPE,
        "a head of 0.3",
        finds=True,
        otherwise="It jumps when it jumps: give it steps=2000, and look at the curve, not its end.",
    ),
    Outcome(
        "C",
        SPOILT,
        "a head of 0.3 in each layer",
        finds=False,
        otherwise="A loud first layer mostly spoils it, not always: say so, and count.",
    ),
)


def workshop_runs(session: str, seeds: int, first_seed: int = 0, **changes) -> list[Run]:
    """The runs of a session at the workshop's size, for as many seeds as are asked for; with
    ``changes`` other starts in place of its own.
    """
    options = RUNS[session] | changes
    grid = options.pop("grid")
    return grid("quick", seeds=seeds, first_seed=first_seed, **options)


def share_of_laptops(right: int, runs: int) -> float:
    """The share of laptops that show an outcome, when `right` of `runs` runs do.

    A laptop is any three of the runs; exact, over all such threes.

    >>> share_of_laptops(30, 30), round(share_of_laptops(15, 30), 2)
    (1.0, 0.5)
    """
    wrong = runs - right
    shown = sum(comb(right, k) * comb(wrong, SEEDS - k) for k in range(MOST, SEEDS + 1))
    return shown / comb(runs, SEEDS)


def count(table: pd.DataFrame, outcome: Outcome) -> tuple[int, int]:
    """Among the finished runs of an outcome's start: how many show it, and how many there are.

    Args:
        table: of a store, one row per run and evaluation step.
        outcome: whose start is looked at.
    """
    mine = table[table.initial_condition == outcome.start].sort_values("step")
    ends = mine.groupby("seed").exact_match.last()
    return sum(map(outcome.appears, ends)), len(ends)


def shares(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """How often each outcome appears.

    Args:
        tables: of each session's runs, by the session's letter.

    Returns:
        a row an outcome: session, name, finds, right, runs, low, high (Wilson's 95 % interval of
        the share of runs), laptops (share), otherwise.
    """
    rows = []
    for outcome in OUTCOMES:
        right, runs = count(tables[outcome.session], outcome)
        low, high = wilson(right, runs) if runs else (0.0, 1.0)
        laptops = share_of_laptops(right, runs) if runs >= SEEDS else float("nan")
        rows.append(
            dict(session=outcome.session, name=outcome.name, finds=outcome.finds, right=right)
            | dict(runs=runs, low=low, high=high, laptops=laptops, otherwise=outcome.otherwise)
        )
    return pd.DataFrame(rows)
