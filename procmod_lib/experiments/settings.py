"""With which settings a source is pretrained."""

from collections.abc import Callable
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


def one_length(task: Task) -> Task:
    """The source with lists of one length, where it may have several."""
    return task.with_(lengths="fixed") if task.has_lengths else task


def _ours(task: Task, budget: Budget) -> tuple[Task, Budget]:
    return task, budget


def _ours_of_one_length(task: Task, budget: Budget) -> tuple[Task, Budget]:
    return one_length(task), budget


def _ours_lengthening(task: Task, budget: Budget) -> tuple[Task, Budget]:
    return task.with_(lengths="curriculum"), budget


def _released(task: Task, budget: Budget) -> tuple[Task, Budget]:
    evaluation = dict(evaluate_every=budget.evaluate_every, test_samples=budget.test_samples)
    return one_length(task), replace(RELEASED, **{**task.released, **evaluation})


def _released_loop(task: Task, budget: Budget) -> tuple[Task, Budget]:
    return one_length(task.as_reference()), RELEASED_LOOP


def _released_loop_lengthening(task: Task, budget: Budget) -> tuple[Task, Budget]:
    return task.as_reference().with_(lengths="curriculum"), RELEASED_LOOP


def _closest(task: Task, budget: Budget) -> tuple[Task, Budget]:
    return on_the_ladder(task, *RUNGS[task.name])


def _closest_lengthening(task: Task, budget: Budget) -> tuple[Task, Budget]:
    return on_the_ladder(task, *RUNGS["identity"]._replace(curriculum=True))


def _shipped(task: Task, budget: Budget) -> tuple[Task, Budget]:
    longer = one_length(task.as_reference()).at_length(SHIPPED_LENGTH)
    return longer.with_(symbols=SHIPPED_SYMBOLS), SHIPPED


# Why settings cannot be asked of a source; nothing where they can.
def _is_mixture(task: Task) -> str:
    return "which is a mixture" if isinstance(task, Mixture) else ""


def _is_of_one_length(task: Task) -> str:
    return "" if task.has_lengths else "which is not drawn in all lengths"


def _has_no_lists(task: Task) -> str:
    return "" if task.full_length else "which has no lists"


def _is_not_climbed(task: Task) -> str:
    return "" if task.name in RUNGS else f"which has climbed no ladder, as {', '.join(RUNGS)} have"


class Settings(NamedTuple):
    """One way to pretrain.

    Attributes:
        about: in a few words.
        apply: (task as the preset has it, usual budget) -> (task, budget).
        unfit: why it cannot be asked of a source, or the empty string.
    """

    about: str
    apply: Callable[[Task, Budget], tuple[Task, Budget]]
    unfit: Callable[[Task], str] = lambda task: ""


SETTINGS = {
    "large_rate": Settings("a large learning rate, lists of all lengths", _ours),
    "released": Settings(
        "the released code's defaults as edition 1 read them, lists of one length",
        _released,
        _is_mixture,
    ),
    "one_length": Settings(
        "as large_rate, but every list has the full length", _ours_of_one_length, _is_of_one_length
    ),
    "curriculum": Settings(
        "as large_rate, but lists start at length 2 and lengthen as they are learnt",
        _ours_lengthening,
        _is_of_one_length,
    ),
    "released_loop": Settings(
        "the released loop with its defaults, its sources and its early stop",
        _released_loop,
        _has_no_lists,
    ),
    "released_loop_curriculum": Settings(
        "the same with the released code's optional curriculum",
        _released_loop_lengthening,
        _has_no_lists,
    ),
    "closest": Settings(
        "the released loop without its stop, changed as little as learning demands",
        _closest,
        _is_not_climbed,
    ),
    "closest_curriculum": Settings(
        "as closest for IDENTITY, but with that curriculum", _closest_lengthening, _has_no_lists
    ),
    "shipped": Settings(
        "what the released configuration files ask for, at our size of model",
        _shipped,
        _has_no_lists,
    ),
}
"""What may be asked for."""

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
        ValueError: there are no such settings, or they cannot be asked of this source.
    """
    name = check_settings(settings)
    if why := SETTINGS[name].unfit(task):
        raise ValueError(f"settings must not be {name} for {task.name}, {why}.")
    return SETTINGS[name].apply(task, budget)
