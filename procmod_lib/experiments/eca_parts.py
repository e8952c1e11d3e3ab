"""What of ECA, from its rung of the ladder, helps REVERSED ADDITION.

The rule stands on the page "Fixed in advance".
"""

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.experiments.why_curricula import TEN
from procmod_lib.runs.run import Run

DIAGNOSTIC = "reversed_addition"
WHOLE, SHUFFLED = "full=eca", "full=eca shuffle"
STARTS = {
    "scratch": "no pretraining",
    WHOLE: "the whole model",
    SHUFFLED: "the whole model, shuffled",
    "attention=eca": "its attention alone",
    "mlp=eca": "its MLPs alone",
    "embeddings=eca": "its embeddings alone",
}
"""The starts that are compared, by what a page calls them."""


def runs() -> list[Run]:
    """Every start x ten seeds, at the full protocol."""
    return [
        fine_tuning_run(DIAGNOSTIC, start, "standard", seed, settings="closest")
        for start in STARTS
        for seed in range(TEN)
    ]
