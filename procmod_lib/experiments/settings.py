"""With which settings a source is pretrained."""

from dataclasses import replace
from typing import NamedTuple

from procmod_lib.experiments.parameters import check_one_of
from procmod_lib.runs.budget import Budget
from procmod_lib.tasks import Mixture, Task

LARGE_RATE = Budget(
    batch=256,
    lr=1e-2,
    warmup=200,
    final_lr=0.1,
    weight_decay=0.01,
    test_samples=1000,
    evaluate_every=250,
)
"""Without dropout and with a larger learning rate than the released 5e-5.

Chosen on the sources' own scores.
"""

LARGE_RATE_STEPS = 8000
"""At the presets that are meant for results; smoke and quick train all settings for fewer."""

RELEASED = Budget(
    steps=20_000,
    batch=64,
    lr=5e-5,
    warmup=1000,
    final_lr=0.1,
    weight_decay=0.01,
    dropout=0.1,
    test_samples=1000,
)
"""As edition 1 read the released code (sources add their own ``released``).

That they are the paper's is inferred.
"""

CLOSEST = Budget(
    steps=20_000,
    batch=64,
    lr=5e-5,
    warmup=1000,
    schedule="constant",
    weight_decay=0.01,
    decay_all=True,
    dropout=0.1,
    test_samples=1000,
    evaluate_every=100,
    pool=6400,
)
"""The released loop without its early stop (sources add their own ``reference``).

Its cosine spans a million steps, so that within 20,000 the rate is constant in effect.
"""

RELEASED_LOOP = replace(CLOSEST, evaluate_every=10, test_samples=640, stop_after=50)
"""The released loop as it is: it stops after 50 checks of 10 steps without a better score."""

SHIPPED = replace(
    CLOSEST, steps=2501, lr=5e-4, warmup=0, weight_decay=0.1, evaluate_every=500, pool=0
)
"""What the released configuration files ask for, which are meant for much larger models."""

SHIPPED_SYMBOLS, SHIPPED_LENGTH = 100, 64

LADDER = tuple((rate, dropout) for rate in (5e-5, 1e-4, 3e-4, 1e-3, 3e-3) for dropout in (0.1, 0.0))
"""Peak rates and dropouts in the order in which they are tried for the closest replication."""


class Rung(NamedTuple):
    """With what a source is pretrained: peak rate, dropout, and whether lists lengthen."""

    rate: float
    dropout: float
    curriculum: bool

    @property
    def label(self) -> str:
        """In words."""
        lists = "curriculum" if self.curriculum else "one length"
        return f"rate {self.rate:g}, dropout {self.dropout:g}, {lists}"


RUNGS = {
    "identity": Rung(1e-4, 0.1, False),
    "eca": Rung(5e-5, 0.1, False),
    "dyck": Rung(1e-3, 0.0, False),
    "dyck_shuffle": Rung(5e-5, 0.0, False),
}
"""The rung of each source that has climbed; a test chooses them again from the pilots' runs."""

SETTINGS = {
    "large_rate": "a large learning rate, lists of all lengths",
    "released": "the released code's defaults as edition 1 read them, lists of one length",
    "one_length": "as large_rate, but every list has the full length",
    "curriculum": "as large_rate, but lists start at length 2 and lengthen as they are learnt",
    "released_loop": "the released loop with its defaults, its sources and its early stop",
    "released_loop_curriculum": "the same with the released code's optional curriculum",
    "closest": "the released loop without its stop, changed as little as learning demands",
    "closest_curriculum": "as closest for IDENTITY, but with that curriculum",
    "shipped": "what the released configuration files ask for, at our size of model",
}
"""What may be asked for, with a few words on each."""

NAMES = {
    "large_rate": "ours",
    "closest": "closest, one length",
    "closest_curriculum": "closest, curriculum",
    "released_loop_curriculum": "released loop, curriculum",
}
"""What the book calls the four of them from which it draws its conclusions."""

OLD_NAMES = {"better": "large_rate"}
"""Names of edition 1, which keep working."""


def check_settings(name: str) -> str:
    """Return the name of the settings in force today; raises ValueError for unknown ones."""
    name = OLD_NAMES.get(name, name) if isinstance(name, str) else name
    check_one_of("settings", name, SETTINGS)
    return name


def apply_settings(settings: str, task: Task, budget: Budget) -> tuple[Task, Budget]:
    """Return (task, budget) with which a source is pretrained.

    Args:
        settings: one of SETTINGS, or an old name.
        task: the source as the preset has it.
        budget: that of the preset and the source.

    Raises:
        ValueError: the settings are asked of a source that does not have them, such as lists of
            several lengths.
    """
    settings = check_settings(settings)
    if settings == "large_rate":
        return task, budget
    if settings in ("released_loop", "released_loop_curriculum", "shipped"):
        return as_released(settings, task)
    if settings == "closest":
        return as_closest(task)
    if settings == "closest_curriculum":
        check_lists(settings, task)
        return on_the_ladder(task, *RUNGS["identity"]._replace(curriculum=True))
    if settings in ("one_length", "curriculum") and not task.has_lengths:
        raise ValueError(
            f"settings must not be {settings} for {task.name}, which is not drawn in all lengths."
        )
    if isinstance(task, Mixture):
        raise ValueError(
            f"settings must be large_rate for the mixture {task.name}, got {settings}."
        )
    if task.has_lengths:
        task = task.with_(lengths="curriculum" if settings == "curriculum" else "fixed")
    if settings == "released":
        theirs = replace(RELEASED, **task.released)
        evaluation = dict(evaluate_every=budget.evaluate_every, test_samples=budget.test_samples)
        budget = replace(theirs, **evaluation)
    return task, budget


def as_released(settings: str, task: Task) -> tuple[Task, Budget]:
    """(task, budget) of the released loop or of the released configuration files.

    Raises:
        ValueError: it is asked of a source that has no lists.
    """
    check_lists(settings, task)
    task = one_length(task.as_reference())
    if settings == "released_loop":
        return task, RELEASED_LOOP
    if settings == "released_loop_curriculum":
        return task.with_(lengths="curriculum"), RELEASED_LOOP
    return task.at_length(SHIPPED_LENGTH).with_(symbols=SHIPPED_SYMBOLS), SHIPPED


def check_lists(settings: str, task: Task) -> None:
    """Raise ValueError where settings that ask for lists are asked of a source without."""
    if not task.full_length:
        raise ValueError(f"settings must not be {settings} for {task.name}, which has no lists.")


def as_closest(task: Task) -> tuple[Task, Budget]:
    """(task, budget) of the closest replication.

    Raises:
        ValueError: the source has not climbed its ladder.
    """
    if task.name not in RUNGS:
        climbed = ", ".join(RUNGS)
        raise ValueError(f"settings may be closest for {climbed} so far, got {task.name}.")
    return on_the_ladder(task, *RUNGS[task.name])


def one_length(task: Task) -> Task:
    """The source with lists of one length, where it may have several."""
    return task.with_(lengths="fixed") if task.has_lengths else task


def on_the_ladder(task: Task, rate: float, dropout: float, curriculum: bool) -> tuple[Task, Budget]:
    """(task, budget) of one rung of :data:`LADDER`, for the source as the released code draws it.

    Raises:
        ValueError: a curriculum is asked of a source that has no lists.
    """
    task = one_length(task.as_reference())
    if curriculum and not task.full_length:
        raise ValueError(f"curriculum must be False for {task.name}, which has no lists.")
    if curriculum:
        task = task.with_(lengths="curriculum")
    return task, replace(CLOSEST, **{"lr": rate, "dropout": dropout, **task.reference})
