"""What does a shuffle lose: what was learnt, or how large each map of each head is?

Runs and rule stand on the page "Fixed in advance".
"""

from procmod_lib.experiments.conditions import BOTH, LAST
from procmod_lib.experiments.grids import selective_transfer, without_copies
from procmod_lib.initial import parse
from procmod_lib.runs.run import Run

CASES = {
    "both layers, the closest replication with the optional curriculum": (
        BOTH,
        "closest_curriculum",
    ),
    "both layers, the released loop with it": (BOTH, "released_loop_curriculum"),
    "last layer alone, the closest replication": (LAST, "closest"),
}
"""What is transferred, and from models of which settings."""

PRESETS = {"10 pairs": "small", "30 pairs": "standard"}


def starts(start: str) -> tuple[str, str, str]:
    """A start as learnt, shuffled over whole tensors, and shuffled within each head.

    >>> starts("attention=identity layer=1")[2]
    'attention=identity shuffle layer=1 each_head'
    """
    changes = ("", " shuffle", " shuffle each_head")
    learnt, shuffled, within = (str(parse(start + change)) for change in changes)
    return learnt, shuffled, within


def runs(case: str, preset: str) -> list[Run]:
    """HAYSTACK from the three starts of a case, ten seeds, each with a model of its own.

    Args:
        case: one of :data:`CASES`.
        preset: ``small`` for 10 pairs, ``standard`` for 30.
    """
    start, settings = CASES[case]
    return selective_transfer(
        preset, initial_conditions=list(starts(start)), seeds=10, settings=settings
    )


ONLY = {
    "weights and biases": f"{BOTH} shuffle",
    "biases alone": f"{BOTH} shuffle only=biases",
    "weights alone": f"{BOTH} shuffle only=weights",
}
"""What is shuffled over whole tensors."""


def only(preset: str) -> list[Run]:
    """Both layers from the closest replication with the optional curriculum, weights or biases
    shuffled, ten seeds.
    """
    return selective_transfer(
        preset,
        initial_conditions=list(ONLY.values()),
        seeds=10,
        settings="closest_curriculum",
    )


def every() -> list[Run]:
    """All of them, first those with 10 pairs."""
    presets = PRESETS.values()
    return without_copies(
        *([*only(p), *(run for case in CASES for run in runs(case, p))] for p in presets)
    )
