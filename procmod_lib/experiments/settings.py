"""With which settings a source is pretrained."""

from dataclasses import replace

from procmod_lib.experiments.parameters import check_one_of
from procmod_lib.runs.budget import Budget
from procmod_lib.tasks import Task

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

SETTINGS = {
    "large_rate": "a large learning rate, lists of all lengths",
    "released": "the released code's defaults, lists of one length",
    "one_length": "as large_rate, but every list has the full length",
    "curriculum": "as large_rate, but lists start at length 2 and lengthen as they are learnt",
}
"""What may be asked for, with a few words on each."""

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
        budget: that of the preset and the source; where it trains for fewer steps than
            LARGE_RATE_STEPS, all settings do.

    Raises:
        ValueError: ``one_length`` is asked of a source that has no lists.
    """
    settings = check_settings(settings)
    if settings == "large_rate":
        return task, budget
    if settings in ("one_length", "curriculum") and not task.has_lengths:
        raise ValueError(
            f"settings must be large_rate or released for {task.name}, which has no lists of "
            f"several lengths, got {settings!r}."
        )
    if task.has_lengths:
        task = task.with_(lengths="curriculum" if settings == "curriculum" else "fixed")
    if settings == "released":
        theirs = replace(RELEASED, **task.released)
        evaluation = dict(evaluate_every=budget.evaluate_every, test_samples=budget.test_samples)
        budget = replace(theirs, **evaluation)
    return task, budget
