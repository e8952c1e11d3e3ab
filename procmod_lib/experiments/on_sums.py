"""What of two transfers helps on sums: of ECA's whole model from its rung of the ladder on REVERSED
ADDITION, and of the paper's pair, SET's attention with ECA's MLPs from our settings, on ADDITION.

The rules stand on the page "Fixed in advance".
"""

from collections.abc import Iterable

from procmod_lib.experiments.conditions import SET_ECA
from procmod_lib.experiments.grids import without_copies
from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.experiments.why_curricula import TEN
from procmod_lib.runs.run import Run

WHOLE, SHUFFLED = "full=eca", "full=eca shuffle"
ECA = {
    "scratch": "no pretraining",
    WHOLE: "the whole model",
    SHUFFLED: "the whole model, shuffled",
    "attention=eca": "its attention alone",
    "mlp=eca": "its MLPs alone",
    "embeddings=eca": "its embeddings alone",
}
"""The starts on REVERSED ADDITION, by what a page calls them."""

SHUFFLED_PAIR = f"{SET_ECA} shuffle"
PAIR = {
    "scratch": "no pretraining",
    SET_ECA: "the pair",
    SHUFFLED_PAIR: "the pair, shuffled",
    "attention=set": "SET's attention alone",
    "mlp=eca": "ECA's MLPs alone",
}
"""The starts on ADDITION."""

LARGER = "fan_in=attention+mlp scale=0.3"
"""All maps of attention and MLPs drawn larger than fresh ones; the scale is that of ECA's MLPs."""

BY_HAND = {
    "scratch": "no pretraining",
    "mlp=eca shuffle": "ECA's MLPs, shuffled",
    "fan_in=mlp scale=0.3": "random MLPs at 0.3",
    LARGER: "random attention and MLPs at 0.3",
}
"""Starts on REVERSED ADDITION without anything learnt."""

LARGER_ON = {
    "reversed_addition": range(10, 20),
    "addition": range(TEN),
    "sorting": range(TEN),
    "haystack": range(TEN),
}
"""Where larger weights by hand are asked, and with which seeds: on REVERSED ADDITION new ones."""

HALF = "fan_in=attention+mlp scale=0.15"
"""The same at half the scale: about twice as large as fresh weights, those through which attention
writes back about four times.
"""

HALF_ON = dict.fromkeys(LARGER_ON, range(TEN))
"""Where that is asked: on REVERSED ADDITION its other ten seeds."""


SIZED = {
    "scratch": "no pretraining",
    "fan_in=attention scale=0.3": "random attention alone at 0.3",
    HALF: "random attention and MLPs at 0.15",
    "fan_in=attention+mlp scale=0.55": "random attention and MLPs at 0.55",
}
"""Which weights, and how large; the last scale is 0.02 times the root of GPT-2's own width, 768."""


def sized() -> list[Run]:
    """Larger weights by hand of other parts and sizes on REVERSED ADDITION, the new seeds, at the
    full protocol.
    """
    return _runs("reversed_addition", SIZED, seeds=LARGER_ON["reversed_addition"])


MLPS, SHUFFLED_MLPS = "mlp=eca", "mlp=eca shuffle"
CONTENT = {
    "scratch": "no pretraining",
    MLPS: "ECA's MLPs alone",
    SHUFFLED_MLPS: "ECA's MLPs alone, shuffled",
}
"""Whether what ECA's MLPs learnt counts."""


def content() -> list[Run]:
    """ECA's MLPs from its rung, as learnt and shuffled, on REVERSED ADDITION, ten new models and
    seeds, at the full protocol.
    """
    return _runs("reversed_addition", CONTENT, "closest", LARGER_ON["reversed_addition"])


def larger(by_hand: str = LARGER, where: dict[str, range] = LARGER_ON) -> list[Run]:
    """Larger weights by hand and no pretraining, at the full protocol.

    Args:
        by_hand: the start, such as :data:`LARGER` or :data:`HALF`.
        where: seeds by diagnostic.
    """
    starts = ("scratch", by_hand)
    return [
        run for diagnostic, seeds in where.items() for run in _runs(diagnostic, starts, seeds=seeds)
    ]


def half() -> list[Run]:
    """Larger weights at half the scale, on the paper's four diagnostics."""
    return larger(HALF, HALF_ON)


def by_hand() -> list[Run]:
    """What has only the size of ECA's MLPs, on REVERSED ADDITION: every start x ten seeds, at the
    full protocol.
    """
    return _runs("reversed_addition", BY_HAND, "closest")


def eca() -> list[Run]:
    """ECA from its rung on REVERSED ADDITION: every start x ten seeds, at the full protocol."""
    return _runs("reversed_addition", ECA, "closest")


def pair() -> list[Run]:
    """The pair from our settings on ADDITION: every start x ten seeds, at the full protocol."""
    return _runs("addition", PAIR)


def every() -> list[Run]:
    """All of them, each once."""
    return without_copies(eca(), by_hand(), larger(), sized(), half(), pair(), content())


def _runs(
    diagnostic: str,
    starts: Iterable[str],
    settings: str = "large_rate",
    seeds: range = range(TEN),
) -> list[Run]:
    return [
        fine_tuning_run(diagnostic, start, "standard", seed, settings=settings)
        for start in starts
        for seed in seeds
    ]
