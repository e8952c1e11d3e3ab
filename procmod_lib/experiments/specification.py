"""The specification curve: many ways to pretrain IDENTITY, and what each lets its weights carry.

Which settings are asked was fixed before any was run; see the page "Fixed in advance".
"""

from dataclasses import asdict, dataclass, replace

from procmod_lib.experiments.conditions import BOTH, LAST, WHOLE
from procmod_lib.experiments.grids import without_copies
from procmod_lib.experiments.make_runs import (
    SMALL_MODEL,
    architecture_of,
    find_preset,
    fine_tuning_run,
    seeds_of,
)
from procmod_lib.experiments.parameters import (
    check_one_of,
    read_changes,
    read_list,
)
from procmod_lib.experiments.settings import CLOSEST, RUNGS
from procmod_lib.randomness import stream
from procmod_lib.runs.run import Run
from procmod_lib.tasks import make_task

STARTS = (BOTH, LAST, WHOLE)
SEEDS = 8
CARRIED_IN, SPOILT_IN = 6, 2
"""Of eight seeds: a start carries with so many successes or more, and does not with so few."""


@dataclass(frozen=True)
class Setting:
    """One way to pretrain IDENTITY; the defaults are the closest replication.

    Attributes:
        rate: peak learning rate.
        lengths: ``"fixed"``, ``"all"`` or ``"curriculum"``.
        size: length of the lists and payload ids (V).
        repeats: whether a token may stand in a list twice.
        steps: of 64 sequences.
        dropout: rate.
        decay: weight decay, on every parameter.
    """

    rate: float = RUNGS["identity"].rate
    lengths: str = "fixed"
    size: tuple[int, int] = (20, 21)
    repeats: bool = True
    steps: int = 20_000
    dropout: float = 0.1
    decay: float = 0.01

    @property
    def changed(self) -> dict:
        """What differs from the closest replication."""
        usual = asdict(Setting())
        return {name: value for name, value in asdict(self).items() if value != usual[name]}


FACTORS: dict[str, tuple] = {
    "rate": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
    "lengths": ("fixed", "all", "curriculum"),
    "size": ((20, 21), (64, 100)),
    "repeats": (True, False),
    "steps": (20_000, 2_500, 5_000, 10_000),
    "dropout": (0.1, 0.0),
    "decay": (0.01, 0.0, 0.1),
}
"""The values of each factor, the closest replication's first."""

DRAWN = 16
"""How many settings of the full cross are drawn at random, beside those that change one factor."""


HOW_MANY = 1 + sum(len(values) - 1 for values in FACTORS.values()) + DRAWN
"""How many settings there are."""


def one_at_a_time(factors: list[str] | None = None) -> list[Setting]:
    """The closest replication, and every setting that differs from it in one of the factors."""
    asked = FACTORS if factors is None else factors
    changes = [Setting(**{name: value}) for name in asked for value in FACTORS[name][1:]]
    return [Setting(), *changes]


def drawn() -> list[Setting]:
    """Settings of the full cross drawn evenly, none of which changes one factor alone or none."""
    rng, found = stream("specification"), dict.fromkeys(one_at_a_time())
    already = len(found)
    while len(found) < already + DRAWN:
        choice = {name: values[rng.integers(len(values))] for name, values in FACTORS.items()}
        found[Setting(**choice)] = None
    return list(found)[already:]


def pretrained(setting: Setting, seed: int, preset: str = "small") -> Run:
    """The run that pretrains IDENTITY with a setting; presets of minutes train it for fewer steps.

    Args:
        setting: how.
        seed: 0 or more.
        preset: how large.
    """
    length, symbols = setting.size
    task = make_task(
        "identity",
        form="reference",
        lengths=setting.lengths,
        list_length=length,
        symbols=symbols,
        repeats=setting.repeats,
    )
    budget = replace(
        CLOSEST,
        lr=setting.rate,
        steps=setting.steps,
        dropout=setting.dropout,
        weight_decay=setting.decay,
    )
    if find_preset(preset).is_brief:
        budget = replace(budget, steps=find_preset(preset).pretraining.steps)
    return Run(task, architecture_of(task, SMALL_MODEL, tied=True), budget, seed, preset=preset)


def setting_of(run: Run) -> Setting:
    """The setting with which the source of a transfer was pretrained."""
    ((_, donor),) = run.donors
    task, budget = donor.task, donor.budget
    return Setting(
        budget.lr,
        task.lengths,
        (task.list_length, task.symbols),
        task.repeats,
        budget.steps,
        budget.dropout,
        budget.weight_decay,
    )


def transfers(
    setting: Setting,
    preset: str = "small",
    seeds: range = range(SEEDS),
    starts: tuple[str, ...] = STARTS,
    **changes,
) -> list[Run]:
    """Transfers to HAYSTACK from models of a setting.

    Args:
        setting: how their source was pretrained.
        preset: how large.
        seeds: of the models, each with a fine-tuning of its own.
        starts: initial conditions; the usual three are attention, its last layer and the whole.
        **changes: fields of the fine-tuning budget.
    """
    return [
        replace(
            fine_tuning_run("haystack", start, preset, seed, **changes),
            donors=(("identity", pretrained(setting, seed, preset)),),
        )
        for seed in seeds
        for start in starts
    ]


def settings(
    preset: str,
    factors=("rate",),
    seeds: int | None = None,
    steps: int | None = None,
    first_seed: int = 0,
) -> list[Run]:
    """The transfers of the closest replication and of settings that change one factor of it.

    Args:
        preset: how large.
        factors: names out of :data:`FACTORS`.
        seeds: how many; None takes the preset's.
        steps: of fine-tuning; None takes the preset's.
        first_seed: the seeds are this number and those behind it.

    Raises:
        ValueError: a parameter is unknown or out of range; the sentence names it.
    """
    chosen, factors = seeds_of(preset, seeds, first_seed), read_list("factors", factors)
    for name in factors:
        check_one_of("factors", name, FACTORS)
    if "steps" in factors and find_preset(preset).is_brief:
        allowed = ", ".join(name for name in FACTORS if name != "steps")
        raise ValueError(
            f"factors must be of {allowed} at preset {preset}, which pretrains all settings for as "
            "many steps, got 'steps'."
        )
    asked, changes = one_at_a_time(factors), read_changes(steps)
    runs = [run for setting in asked for run in transfers(setting, preset, chosen, **changes)]
    return without_copies(runs)


def every() -> list[Run]:
    """The transfers of all settings, one seed of each setting before the next seed."""
    runs = [run for setting in [*one_at_a_time(), *drawn()] for run in transfers(setting)]
    return sorted(runs, key=lambda run: run.seed)
