"""The paper's claims and this book's own, and the runs that they ask for."""

from dataclasses import dataclass

from procmod_lib.experiments.conditions import FRESH_FIRST, QUIET_PAIR, RECIPE, SET_ECA, SPOILT
from procmod_lib.experiments.make_runs import find_preset, fine_tuning_run
from procmod_lib.experiments.parameters import check_count, check_flag
from procmod_lib.experiments.presets import PRESETS
from procmod_lib.initial import parse
from procmod_lib.initial.words import Change
from procmod_lib.runs.run import Run

UNKNOWN = float("nan")  # where the paper prints no value


@dataclass(frozen=True)
class Claim:
    """One comparison: ``condition`` is better than ``baseline`` on ``diagnostic``.

    Attributes:
        text: the claim in words.
        diagnostic: what was fine-tuned.
        condition: the arm that is said to be better.
        baseline: the other arm.
        paper: the paper's accuracies in % of (baseline, condition); NaN where it prints none.
    """

    text: str
    diagnostic: str
    condition: str
    baseline: str
    paper: tuple[float, float] = (UNKNOWN, UNKNOWN)

    @property
    def effect(self) -> float:
        """The paper's difference, in points."""
        return self.paper[1] - self.paper[0]

    @property
    def is_of_perturbation(self) -> bool:
        """Whether it says that a perturbation takes something away from its condition."""
        baseline = parse(self.baseline)
        changes = baseline.of_kind(Change)
        return bool(changes) and baseline.without(*changes) == parse(self.condition)


CLAIMS = (
    Claim("Pretraining on k-DYCK carries HAYSTACK", "haystack", "full=dyck", "scratch", (11, 98)),
    Claim(
        "Attention alone from IDENTITY beats the whole IDENTITY model on HAYSTACK",
        "haystack",
        "attention=identity",
        "full=identity",
        (18.8, 99.0),
    ),
    Claim(
        "Attention alone from IDENTITY beats the same attention shuffled on HAYSTACK",
        "haystack",
        "attention=identity",
        "attention=identity shuffle",
    ),
    Claim(
        "Pretraining on ECA helps REVERSED ADDITION",
        "reversed_addition",
        "full=eca",
        "scratch",
        (76, 91),
    ),
    Claim(
        "Attention from SET with MLPs from ECA carries HAYSTACK",
        "haystack",
        SET_ECA,
        "scratch",
        (11, 94.4),
    ),
    Claim(
        "Attention from SET with MLPs from ECA helps REVERSED ADDITION",
        "reversed_addition",
        SET_ECA,
        "scratch",
        (76, 82.9),
    ),
    Claim(
        "Attention from SET with MLPs from ECA helps ADDITION",
        "addition",
        SET_ECA,
        "scratch",
        (UNKNOWN, 80.3),
    ),
    Claim(
        "Attention from SET with MLPs from ECA helps SORTING (our generator)",
        "sorting",
        SET_ECA,
        "scratch",
        (UNKNOWN, 99.4),
    ),
)

LAST_LAYER = Claim(
    "The last layer's attention carries more than that of both layers",
    "haystack",
    "attention=identity layer=1",
    "attention=identity",
)

BEYOND = (
    Claim(
        "One random loud head of the last layer carries HAYSTACK",
        "haystack",
        RECIPE,
        "scratch",
    ),
    Claim(
        "It carries more than the attention of both layers from IDENTITY",
        "haystack",
        RECIPE,
        "attention=identity",
    ),
    Claim(
        "A second loud head in the first layer spoils it",
        "haystack",
        RECIPE,
        SPOILT,
    ),
    Claim(
        "The pretrained head needs its size",
        "haystack",
        "attention=identity head=1.0",
        "attention=identity fresh_norm head=1.0",
    ),
    Claim(
        "A random head with the pretrained head's norms carries HAYSTACK",
        "haystack",
        "attention=identity random_donor head=1.0",
        "scratch",
    ),
    LAST_LAYER,
    Claim(
        "Attention from SET with MLPs from ECA carries HAYSTACK once its first layer is quiet",
        "haystack",
        QUIET_PAIR,
        SET_ECA,
    ),
)
"""What this book adds; the paper makes none of these claims.

The rule for them stands on the page "Fixed in advance".
"""


QUIET = tuple(
    Claim(f"It helps {diagnostic.replace('_', ' ').upper()}", diagnostic, QUIET_PAIR, "scratch")
    for diagnostic in ("haystack", "addition", "reversed_addition", "sorting")
)
"""What the paper says of its composition, asked of the same with a quiet first layer."""

FROM_CLOSEST = (
    CLAIMS[1],
    CLAIMS[2],
    LAST_LAYER,
    Claim(
        "With the first layer at fresh size the attention of both carries more than as learnt",
        "haystack",
        f"attention=identity {FRESH_FIRST}",
        "attention=identity",
    ),
)
"""What is judged from the closest replication: the paper's claims on IDENTITY, and two of ours."""

FROM_CURRICULUM = (CLAIMS[1], CLAIMS[2])
"""The paper's claims on IDENTITY, judged again from the released code's optional curriculum: of
the closest replication, and of the released loop as it stands; each a family of its own.
"""

PAIR_FROM_CURRICULUM = (CLAIMS[4],)
"""That on the pair of SET and ECA, with SET from there; a family of its own, and again one with
ECA from its rung of the ladder.
"""

ECA_CLIMBED, PAIR_ON_SUMS, K_DYCK_CLIMBED = (CLAIMS[3],), CLAIMS[5:8], (CLAIMS[0],)
"""Those on ECA from its rung, on the pair with it on sums and SORTING, and on k-DYCK from its rung;
each a family of its own.
"""


def claim_runs(claims, preset: str, seeds: int, settings: str = "large_rate") -> list[Run]:
    """Every arm of some claims x seed, from sources pretrained with some settings."""
    arms = dict.fromkeys((c.diagnostic, arm) for c in claims for arm in (c.condition, c.baseline))
    return [
        fine_tuning_run(d, arm, preset, seed, settings=settings)
        for d, arm in arms
        for seed in range(seeds)
    ]


def from_closest() -> list[Run]:
    """Every arm of the claims judged from the closest replication, and no pretraining."""
    fresh = [fine_tuning_run("haystack", "scratch", "standard", seed) for seed in range(10)]
    return fresh + claim_runs(FROM_CLOSEST, "standard", 10, settings="closest")


def scorecard_runs(preset: str, published: bool = True, draws: int = 1000) -> list[Run]:
    """Every arm of every claim of the paper x seed.

    Of the published runs at the full protocol, or of ``preset``.
    """
    plan = find_preset(preset)
    check_count("draws", draws)
    if check_flag("published", published):
        plan, preset = PRESETS["paper"], "standard"
    return claim_runs(CLAIMS, preset, plan.seeds)
