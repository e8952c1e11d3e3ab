"""What does a shuffle lose: what was learnt, or how large each map of each head is?

Runs and rule stand on the page "Fixed in advance".
"""

from procmod_lib.experiments.conditions import BOTH, LAST
from procmod_lib.experiments.grids import selective_transfer, without_copies
from procmod_lib.experiments.settings import NAMES
from procmod_lib.initial import parse
from procmod_lib.runs.run import Run

BOTH_CLOSEST, BOTH_LOOP, BOTH_OURS = (
    f"both layers ({NAMES[settings]})"
    for settings in ("closest_curriculum", "released_loop_curriculum", "large_rate")
)
LAST_CLOSEST, LAST_OURS = (
    f"last layer alone ({NAMES[settings]})" for settings in ("closest", "large_rate")
)
CASES = {
    BOTH_CLOSEST: (BOTH, "closest_curriculum"),
    BOTH_LOOP: (BOTH, "released_loop_curriculum"),
    LAST_CLOSEST: (LAST, "closest"),
    BOTH_OURS: (BOTH, "large_rate"),
    LAST_OURS: (LAST, "large_rate"),
}
"""What is transferred, and from models of which settings."""

PRESET_OF = {"10 pairs": "small", "30 pairs": "standard"}
"""By how many pairs HAYSTACK has."""


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


def by_case() -> dict[tuple[str, str], list[Run]]:
    """The runs of every number of pairs and every case."""
    return {(pairs, case): runs(case, p) for pairs, p in PRESET_OF.items() for case in CASES}


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


LEARNT, SHUFFLED, WITHIN, FRESH = (
    "as learnt",
    "shuffled",
    "shuffled within each head",
    "fresh",
)
"""What a layer may be; fresh: it is not transferred."""

LAYERS = {
    (LEARNT, LEARNT): BOTH,
    (LEARNT, SHUFFLED): f"{BOTH} shuffle on_layer=1",
    (LEARNT, WITHIN): f"{BOTH} shuffle on_layer=1 each_head",
    (SHUFFLED, LEARNT): f"{BOTH} shuffle on_layer=0",
    (SHUFFLED, SHUFFLED): f"{BOTH} shuffle",
    (FRESH, LEARNT): LAST,
    (FRESH, SHUFFLED): "attention=identity shuffle layer=1",
    (FRESH, WITHIN): "attention=identity shuffle layer=1 each_head",
}
"""By what the first layer and the last are, the start."""


def _from_the_loop(starts: dict) -> list[Run]:
    """Starts from models of the released loop with its curriculum, ten seeds, 30 pairs."""
    _, settings = CASES[BOTH_LOOP]
    return selective_transfer(
        "standard", initial_conditions=list(starts.values()), seeds=10, settings=settings
    )


def by_layer() -> list[Run]:
    """The layers of models of the released loop with its curriculum shuffled, 30 pairs."""
    return _from_the_loop(LAYERS)


EVENED = "evened"
EVEN = {
    (LEARNT, "its own"): BOTH,
    (LEARNT, EVENED): f"{BOTH} even",
    (WITHIN, "its own"): f"{BOTH} shuffle each_head",
    (WITHIN, EVENED): f"{BOTH} shuffle each_head even",
    (SHUFFLED, "evened by the shuffle"): f"{BOTH} shuffle",
}
"""By what both layers hold and the size that each map of a head has, the start."""


def even() -> list[Run]:
    """Models of the released loop with its curriculum, every map equally large or not, 30 pairs."""
    return _from_the_loop(EVEN)


DRAWS = {
    (SHUFFLED, 0): f"{BOTH} shuffle",
    (SHUFFLED, 1): f"{BOTH} shuffle draw=1",
    (SHUFFLED, 2): f"{BOTH} shuffle draw=2",
    (WITHIN, 0): f"{BOTH} shuffle each_head",
    (WITHIN, 1): f"{BOTH} shuffle each_head draw=1",
    (WITHIN, 2): f"{BOTH} shuffle each_head draw=2",
}
"""Both shuffles, each drawn three times."""


def drawn_again() -> list[Run]:
    """Models of the released loop with its curriculum, shuffled both ways, 30 pairs."""
    return _from_the_loop(DRAWS)


def every() -> list[Run]:
    """All of them, first those with 10 pairs."""
    small, standard = (
        [*only(preset), *(run for case in CASES for run in runs(case, preset))]
        for preset in PRESET_OF.values()
    )
    return without_copies(small, standard, by_layer(), even(), drawn_again())
