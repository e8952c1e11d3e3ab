"""Does anything help text?

Runs and rule stand on the page "Fixed in advance".
"""

from procmod_lib.experiments.conditions import RECIPE, SIX
from procmod_lib.experiments.grids import selective_transfer
from procmod_lib.runs.run import Run

MIXED = ["identity+set", "identity+dyck_shuffle"]
SEQUENCES = ["identity>dyck_shuffle", "dyck_shuffle>identity", "dyck_shuffle>eca"]
LONGER = (9500, 22_500)
"""Steps of text alone: as many more than 2,000 as ECA's and IDENTITY's tokens would make."""


def pretrained() -> list[Run]:
    """Language modelling from single sources, mixtures, one source after another, and by hand."""
    sources = [*SIX, *MIXED, *SEQUENCES]
    starts = ["scratch", "full", RECIPE]
    return selective_transfer("standard", sources, ["language_modeling"], starts, seeds=6)


def alone(steps: int) -> list[Run]:
    """Language modelling without pretraining for so many steps."""
    return selective_transfer(
        "standard", "identity", "language_modeling", "scratch", seeds=6, steps=steps
    )
