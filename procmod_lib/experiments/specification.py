"""The specification curve: many ways to pretrain IDENTITY, and what each lets its weights carry.

Which settings are asked was fixed before any was run; see the page "Fixed in advance".
"""

from dataclasses import asdict, dataclass, replace

from procmod_lib.experiments.make_runs import SMALL_MODEL, architecture_of, fine_tuning_run
from procmod_lib.experiments.parameters import check_count
from procmod_lib.experiments.settings import CLOSEST, RUNGS
from procmod_lib.randomness import stream
from procmod_lib.runs.run import Run
from procmod_lib.tasks import make_task

STARTS = ("attention=identity", "attention=identity layer=1", "full=identity")
SEEDS = 8


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


def one_at_a_time() -> list[Setting]:
    """The closest replication, and every setting that differs from it in one factor."""
    changes = [Setting(**{name: value}) for name, values in FACTORS.items() for value in values[1:]]
    return [Setting(), *changes]


def drawn() -> list[Setting]:
    """Settings of the full cross drawn evenly, none of which changes one factor alone or none."""
    rng, found = stream("specification"), dict.fromkeys(one_at_a_time())
    already = len(found)
    while len(found) < already + DRAWN:
        choice = {name: values[rng.integers(len(values))] for name, values in FACTORS.items()}
        found[Setting(**choice)] = None
    return list(found)[already:]


def pretrained(setting: Setting, seed: int) -> Run:
    """The run that pretrains IDENTITY with a setting."""
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
    return Run(task, architecture_of(task, SMALL_MODEL, tied=True), budget, seed, preset="small")


def transfers(setting: Setting, preset: str = "small", seeds: int = SEEDS) -> list[Run]:
    """Attention, its last layer and the whole model on HAYSTACK, from models of a setting."""
    check_count("seeds", seeds)
    return [
        replace(
            fine_tuning_run("haystack", start, preset, seed),
            donors=(("identity", pretrained(setting, seed)),),
        )
        for seed in range(seeds)
        for start in STARTS
    ]


def every() -> list[Run]:
    """The transfers of all settings, one seed of each setting before the next seed."""
    runs = [run for setting in [*one_at_a_time(), *drawn()] for run in transfers(setting)]
    return sorted(runs, key=lambda run: run.seed)
