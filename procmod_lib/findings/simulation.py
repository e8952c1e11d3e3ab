"""Simulated studies, judged by the rule of the scorecard: is the rule itself sound?"""

import numpy as np

from procmod_lib.experiments.claims import CLAIMS
from procmod_lib.findings.verdicts import VERDICTS, verdict
from procmod_lib.randomness import stream
from procmod_lib.report import statistics


def simulate(
    draws: int, success: float, baseline: float = 0.0, n: int = 10, name: str = "study"
) -> dict[str, int]:
    """How many of ``draws`` simulated families get each verdict on their first claim.

    A run succeeds (near 1) with a probability or stays on the plateau (near 0.11): all or nothing,
    as in HAYSTACK. The other claims of the family hold no effect.

    Args:
        draws: families.
        success: the probability in the first arm.
        baseline: that in the second, and in every arm of the other claims.
        n: seeds.
        name: names the random stream.
    """
    rng, found = stream("simulated study", name), dict.fromkeys(VERDICTS[:3], 0)
    chances = np.full((len(CLAIMS), 2, 1), baseline)
    chances[0, 0] = success
    for _ in range(draws):
        wins = rng.random((len(CLAIMS), 2, n)) < chances
        scores = np.where(wins, 0.99, 0.11) + rng.normal(0, 0.01, wins.shape)
        differences = scores[:, 0] - scores[:, 1]
        p = statistics.holm([statistics.sign_flip(d) for d in differences])
        found[verdict(differences[0], p[0], CLAIMS[1].effect / 100)] += 1
    return found


TRUTHS = (
    ("no effect, no run succeeds", 0.0, 0.0),
    ("no effect, half of the runs succeed in both arms", 0.5, 0.5),
    ("every run succeeds in one arm", 1.0, 0.0),
    ("nine runs in ten succeed in one arm", 0.9, 0.0),
    ("two runs in three succeed in one arm", 2 / 3, 0.0),
    ("one run in three succeeds in one arm", 1 / 3, 0.0),
)
"""What is simulated: (text, probability of success, that of the baseline)."""


def simulated_studies(draws: int) -> list[tuple[str, int, dict[str, int]]]:
    """(truth, seeds, verdicts) of simulated studies of ten and of three seeds."""
    return [
        (text, seeds, simulate(draws, success, baseline, seeds, text))
        for seeds in (10, 3)
        for text, success, baseline in TRUTHS
    ]
