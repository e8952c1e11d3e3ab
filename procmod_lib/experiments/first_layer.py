"""Is it the size of the first layer that spoils a transfer of both?

Runs and rules stand on the page "Fixed in advance", each written before the runs that it judges.
"""

from dataclasses import dataclass

from procmod_lib.experiments.conditions import (
    BOTH,
    FIRST,
    FRESH_FIRST,
    LAST,
    QUIET_PAIR,
    SET_ECA,
    SIX,
)
from procmod_lib.experiments.grids import localisation, selective_transfer
from procmod_lib.initial import with_words
from procmod_lib.runs.run import Run

QUIET_FIRST = f"{BOTH} {FRESH_FIRST}"
SHUFFLED_FIRST = "attention=identity shuffle on_layer=0"
SHUFFLED_LAST = "attention=identity shuffle on_layer=1"
STARTS = ["scratch", BOTH, LAST, QUIET_FIRST, SHUFFLED_FIRST, SHUFFLED_LAST]


@dataclass(frozen=True)
class Arm:
    """Some runs that a prediction is about.

    Attributes:
        name: in words.
        preset: how large.
        settings: with which IDENTITY is pretrained.
        seeds: how many.
        starts: the initial conditions that are run.
    """

    name: str
    preset: str
    settings: str
    seeds: int
    starts: tuple[str, ...] = tuple(STARTS)

    @property
    def runs(self) -> list[Run]:
        """Every start x seed."""
        return selective_transfer(
            self.preset,
            initial_conditions=list(self.starts),
            seeds=self.seeds,
            settings=self.settings,
        )


NEAR = Arm("closest, one length, 10 pairs", "small", "closest", 10)
OURS = Arm("our settings, 10 pairs", "small", "large_rate", 8)
FULL = Arm("closest, one length, 30 pairs", "standard", "closest", 10, tuple(STARTS[:4]))
OURS_FULL = Arm("our settings, 30 pairs", "standard", "large_rate", 10, tuple(STARTS[:4]))
ARMS = (NEAR, OURS, FULL, OURS_FULL)
"""The last was added when two runs of the third were seen; no prediction is about it."""
GROWN = Arm(
    "closest, curriculum, 30 pairs",
    "standard",
    "closest_curriculum",
    10,
    (FIRST, QUIET_FIRST, SHUFFLED_FIRST, SHUFFLED_LAST),
)
"""One layer alone or changed, of models that carry as they are."""


def every() -> list[Run]:
    """The runs of all arms, 10 pairs first."""
    return [run for arm in ARMS for run in arm.runs]


WHOLE = (
    "full=identity",
    f"full=identity {FRESH_FIRST}",
    "full=identity fresh_norm on=attention on_layer=0",
)
WHOLE_ARMS = (
    Arm("closest, one length", "small", "closest", 8, ("scratch", *WHOLE)),
    Arm("our settings", "small", "large_rate", 8, ("scratch", *WHOLE)),
)
"""Whole models of which the first layer is made quiet, or its attention; nothing is predicted."""

TAKEN_APART = (
    f"attention=identity mlp=identity {FRESH_FIRST}",
    f"attention=identity mlp=identity embeddings=identity {FRESH_FIRST} fresh_positions",
    f"attention=identity mlp=identity embeddings=identity {FRESH_FIRST}",
    f"full=identity {FRESH_FIRST} fresh_positions",
    f"full=identity {FRESH_FIRST}",
)
"""Attention and MLPs of a model with a quiet first layer, and what else it has, to the whole."""

APART = Arm("our settings", "small", "large_rate", 8, ("scratch", *TAKEN_APART))

PAIRS = {
    "SET with ECA": SET_ECA,
    "IDENTITY with another IDENTITY": "attention=identity mlp=identity@1",
}
"""Attention of one model with the MLPs of another."""

CHANGES = {
    "": "as learnt",
    "fresh_norm on=attention on_layer=0": "first attention at fresh size",
    FRESH_FIRST: "whole first layer at fresh size",
    "layer=1": "last layer alone",
}
"""What is done to a pair, in the order in which the rule asks."""

OTHERS = SIX[1:]
OTHER_SEEDS, FEWEST = 6, 5
"""Seeds of each other source, and how many of them must succeed."""


def of_pairs() -> list[Run]:
    """Both pairs with every change, 10 pairs of HAYSTACK, from our settings."""
    starts = [with_words(pair, change) for pair in PAIRS.values() for change in CHANGES]
    conditions = ["scratch", *starts]
    return selective_transfer("small", initial_conditions=conditions, seeds=OTHER_SEEDS)


def of_the_papers_pair(diagnostics: list[str]) -> list[Run]:
    """The paper's pair as learnt and with a quiet first layer, at the full protocol."""
    starts = ["scratch", SET_ECA, QUIET_PAIR]
    return selective_transfer(
        "standard", diagnostics=diagnostics, initial_conditions=starts, seeds=10
    )


WITHOUT_MLPS = (f"attention=set {FRESH_FIRST}", "attention=set layer=1")
"""What is left of the paper's pair with a quiet first layer when ECA's MLPs are left out."""


def without_the_mlps() -> list[Run]:
    """SET's attention with a quiet first layer, and its last alone, at the full protocol."""
    return selective_transfer("standard", initial_conditions=list(WITHOUT_MLPS), seeds=10)


def of_every_source() -> list[Run]:
    """Both layers, with the first at fresh size, and the last alone, of all six sources."""
    pieces = [FRESH_FIRST, "layer=1"]
    return localisation("small", [f"attention={s}" for s in SIX], pieces, seeds=OTHER_SEEDS)
