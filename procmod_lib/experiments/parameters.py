"""What a grid accepts.

Each check raises ValueError with one sentence that names the parameter, what was given and what is
allowed.
"""

import re

from procmod_lib.tasks import SOURCES, TASKS, THEN, TOKENS_SHUFFLED
from procmod_lib.tasks.task import is_count


def check_one_of(name: str, value, allowed) -> None:
    """A name out of those allowed."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}.")


LAST_SEED = 1_000_000
MOST = {"seeds": 1000, "steps": 10_000_000, "draws": 1_000_000}
"""The largest number that is taken for each count."""


def check_count(name: str, value) -> int:
    """A whole number above 0, and not so large that nobody can have meant it."""
    most = MOST.get(name, 10_000_000)
    if not is_count(value):
        raise ValueError(f"{name} must be a whole number above 0, got {value!r}.")
    if value > most:
        raise ValueError(f"{name} must be at most {most:,}, got {value:,}.")
    return value


def read_seeds(count: int, first: int) -> range:
    """So many seeds, from the first on."""
    if not is_count(first, 0) or first > LAST_SEED:
        raise ValueError(
            f"first_seed must be a whole number from 0 to {LAST_SEED:,}, got {first!r}."
        )
    return range(first, first + check_count("seeds", count))


def check_seed(seed) -> None:
    """The number of a seed."""
    if not is_count(seed, 0):
        raise ValueError(f"seed must be a whole number, 0 or more, got {seed!r}.")


def check_flag(name: str, value) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}.")
    return value


def check_shape(name: str, value) -> None:
    """None, or layers_heads_width; papermill's ``-p`` takes 2_4_16 for a number, not ``-r``."""
    if value is None:
        return
    if isinstance(value, str) and re.fullmatch(r"([1-9]\d*_){2}[1-9]\d*", value):
        _, heads, width = map(int, value.split("_"))
        if width % heads == 0:
            return
        raise ValueError(f"{name} must have a width that is a multiple of heads, got {value!r}.")
    raise ValueError(
        f"{name} must be layers_heads_width, for example 2_4_16 (in papermill: -r {name} 2_4_16), "
        f"or None, got {value!r}."
    )


def read_list(name: str, values) -> list[str]:
    """A list of names, each once.

    Papermill's ``-p`` and the shell can pass only a string, with commas between them.
    """
    if isinstance(values, str):
        values = [v.strip() for v in values.split(",") if v.strip()]
    is_list = isinstance(values, (list, tuple)) and len(values) > 0
    if not is_list or not all(isinstance(v, str) for v in values):
        raise ValueError(f"{name} must be a list of at least one name, got {values!r}.")
    return list(dict.fromkeys(values))


def read_diagnostics(values) -> list[str]:
    """A list of diagnostics, or of sources that are fine-tuned on."""
    values = read_list("diagnostics", values)
    for value in values:
        check_one_of("diagnostics", value, TASKS)
    return values


def read_sources(name: str, values) -> list[str]:
    """A list of sources, or of two of them with + between (a mixture) or > (one, then the other).

    @ and a number above 0 ask for the model of a seed so many later.
    """
    values = read_list(name, values)
    for value in values:
        plain = re.sub(r"@[1-9]\d*$", "", value)
        between = THEN if THEN in plain else "+"
        parts = plain.split(between) if plain.count(between) == 1 else [plain]
        for part in parts:
            check_one_of(name, part.removesuffix(TOKENS_SHUFFLED), SOURCES)
        if between == "+" and len(set(parts)) < len(parts):
            raise ValueError(f"{name} must mix two different sources, got {value!r}.")
    return values


def read_changes(steps: int | None, lr: float | None = None) -> dict:
    """The fields of a fine-tuning budget that a grid changes."""
    changes: dict = {}
    if steps is not None:
        changes["steps"] = check_count("steps", steps)
    if lr is not None:
        if type(lr) not in (int, float) or not 0 < lr <= 1:
            raise ValueError(f"lr must be a number above 0 and at most 1, got {lr!r}.")
        changes["lr"] = float(lr)
    return changes
