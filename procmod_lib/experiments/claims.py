"""The paper's claims, and the rule that turns results into verdicts; the rule was fixed before the runs that it judges."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from procmod_lib.experiments import grids as experiments
from procmod_lib.randomness import stream
from procmod_lib.report import statistics

FEWEST = 3  # seeds below which a claim counts as not yet measured
SPREAD = 0.2  # seeds that disagree by more are the paper's own sign of an unreliable cell


@dataclass(frozen=True)
class Claim:
    """One comparison that the paper reports: ``condition`` is better than ``baseline`` on ``diagnostic``.

    Attributes:
        text: the claim in words. paper: the paper's accuracies in % of (baseline, condition); NaN where it prints none.
    """

    text: str
    diagnostic: str
    condition: str
    baseline: str
    paper: tuple[float, float] = (float("nan"), float("nan"))

    @property
    def effect(self) -> float:
        """The paper's difference, in points."""
        return self.paper[1] - self.paper[0]


CLAIMS = (
    Claim("Pretraining on k-DYCK carries HAYSTACK", "haystack", "full=dyck", "scratch", (11, 98)),
    Claim("Attention alone from IDENTITY beats the whole IDENTITY model on HAYSTACK", "haystack", "attention=identity", "full=identity", (18.8, 99.0)),
    Claim("Shuffling the attention weights from IDENTITY removes their gain on HAYSTACK", "haystack", "attention=identity", "attention=identity shuffle"),
    Claim("Pretraining on ECA helps REVERSED ADDITION", "reversed_addition", "full=eca", "scratch", (76, 91)),
    Claim("Attention from SET with MLPs from ECA carries HAYSTACK", "haystack", "attention=set mlp=eca", "scratch", (11, 94.4)),
    Claim("Attention from SET with MLPs from ECA helps REVERSED ADDITION", "reversed_addition", "attention=set mlp=eca", "scratch", (76, 82.9)),
    Claim("Attention from SET with MLPs from ECA helps ADDITION", "addition", "attention=set mlp=eca", "scratch", (float("nan"), 80.3)),
    Claim("Attention from SET with MLPs from ECA helps SORTING (our generator)", "sorting", "attention=set mlp=eca", "scratch", (float("nan"), 99.4)),
)


def grid(preset: str, published: bool = True, draws: int = 1000) -> list:
    """Every arm of every claim x seed: of the published runs at the full protocol, or of ``preset``."""
    plan = experiments._plan(preset)
    if not isinstance(published, bool):
        raise ValueError(f"published must be True or False, got {published!r}.")
    experiments._whole("draws", draws)
    plan, preset = (experiments.PRESETS["paper"], "standard") if published else (plan, preset)
    arms = dict.fromkeys((c.diagnostic, arm) for c in CLAIMS for arm in (c.condition, c.baseline))
    return [experiments.fine_tuning_run(d, arm, preset, seed) for d, arm in arms for seed in range(plan.seeds)]


def verdict(differences: np.ndarray, p: float, paper: float) -> str:
    """The rule: see the scorecard chapter. ``differences``: (n,) paired, a seed each; p: Holm-adjusted; paper: the paper's difference as a share, or NaN."""
    if len(differences) < FEWEST:
        return "not yet measured"
    low, _ = statistics.interval(differences)
    if not low > 0:
        return "not replicated"
    enough = np.isnan(paper) or np.mean(differences) >= paper / 2
    return "replicated" if p < statistics.LEVEL and enough else "partly"


def verdicts(claims, table: pd.DataFrame) -> pd.DataFrame:
    """One row a claim, in % and points, over the seeds that both arms have: the paper's arms and ours, difference with interval and Holm's p, verdict."""
    ends = statistics.final(table) if len(table) else table
    arms = {(d, c): g.set_index("seed").token_accuracy for (d, c), g in ends.groupby(["diagnostic", "initial_condition"])}
    pairs = [[arms.get((c.diagnostic, arm), pd.Series(dtype=float)) for arm in (c.condition, c.baseline)] for c in claims]
    families = [(a - b).dropna() for a, b in pairs]
    tested = [i for i, d in enumerate(families) if len(d) >= FEWEST]
    p = np.full(len(families), np.nan)
    p[tested] = statistics.holm([statistics.sign_flip(families[i]) for i in tested])
    rows = []
    for claim, d, (arm, base), chance in zip(claims, families, pairs, p):
        low, high = statistics.interval(d)
        rows.append({"claim": claim.text, "diagnostic": claim.diagnostic, "condition": claim.condition, "baseline": claim.baseline, "paper": claim.paper,
                     "paper_difference": claim.effect, "ours": (100 * base[d.index].mean(), 100 * arm[d.index].mean()), "n": len(d), "p": chance,
                     "difference": 100 * np.mean(d) if len(d) else np.nan, "low": 100 * low, "high": 100 * high,
                     "disagree": bool(len(d) and np.ptp(arm[d.index]) > SPREAD), "verdict": verdict(d, chance, claim.effect / 100)})  # fmt: skip
    return pd.DataFrame(rows)


def fewest_seeds(claims: int) -> int:
    """The fewest seeds with which the exact test can fall below LEVEL (0.05) after Holm's correction over so many claims.

    >>> fewest_seeds(1), fewest_seeds(8)
    (6, 9)
    """
    return next(n for n in range(1, 64) if claims * 2.0 ** (1 - n) < statistics.LEVEL)


def simulate(draws: int, success: float, baseline: float = 0.0, n: int = 10, name: str = "study") -> dict[str, int]:
    """How many of ``draws`` simulated families get each verdict on their first claim.

    A run succeeds (near 1) with a probability, ``success`` in its first arm and ``baseline`` in its second, or stays on the plateau (near 0.11): all or nothing, as in
    HAYSTACK. The other claims of the family hold no effect.
    """
    rng, found = stream("simulated study", name), dict.fromkeys(("replicated", "partly", "not replicated"), 0)
    for _ in range(draws):
        wins = rng.random((len(CLAIMS), 2, n)) < np.array([[success, baseline]] + [[baseline, baseline]] * (len(CLAIMS) - 1))[:, :, None]
        scores = np.where(wins, 0.99, 0.11) + rng.normal(0, 0.01, wins.shape)
        differences = scores[:, 0] - scores[:, 1]
        p = statistics.holm([statistics.sign_flip(d) for d in differences])
        found[verdict(differences[0], p[0], CLAIMS[1].effect / 100)] += 1
    return found
