"""What can be learned: procedural sources and diagnostics behind one contract."""

from dataclasses import fields

# In reading order, which is that of every list of sources and diagnostics.
# isort: off
from procmod_lib.tasks.task import Batch, Task
from procmod_lib.tasks.registry import DIAGNOSTICS, SOURCES, TASKS, diagnostic, source
from procmod_lib.tasks.lists import Identity, Set
from procmod_lib.tasks.stack import Stack
from procmod_lib.tasks.brackets import Dyck, DyckShuffle
from procmod_lib.tasks.automaton import Automaton
from procmod_lib.tasks.further_lists import Delete, Reverse, Sort, Union
from procmod_lib.tasks.mixture import Mixture
from procmod_lib.tasks.control import TOKENS_SHUFFLED, Shuffled
from procmod_lib.tasks.haystack import Haystack
from procmod_lib.tasks.arithmetic import Addition, Multiplication, ReversedAddition
from procmod_lib.tasks.sorting import Sorting
from procmod_lib.tasks.language import LanguageModeling
# isort: on

__all__ = [
    "Addition",
    "Automaton",
    "Batch",
    "DIAGNOSTICS",
    "Delete",
    "Dyck",
    "DyckShuffle",
    "Haystack",
    "Identity",
    "LanguageModeling",
    "Mixture",
    "Multiplication",
    "Reverse",
    "ReversedAddition",
    "TOKENS_SHUFFLED",
    "THEN",
    "SOURCES",
    "Set",
    "Shuffled",
    "Sort",
    "Sorting",
    "Stack",
    "TASKS",
    "Task",
    "Union",
    "diagnostic",
    "make_task",
    "source",
    "title",
]

THEN = ">"
"""What stands between two sources where a model learns one after the other."""


def make_task(name: str, **parameters) -> Task:
    """Make a task by name.

    Args:
        name: of a source or diagnostic. ``NAME_tokens_shuffled`` is the structure control of a
            source, its tokens shuffled inside each sequence; ``NAME+NAME`` mixes two sources.
        **parameters: fields of the task; the others keep their defaults.

    Raises:
        ValueError: the name or a parameter is unknown; the sentence says what exists.

    >>> make_task("haystack", pairs=10, vocab_size=256).length
    23
    """
    if "+" in name:
        for parameter in parameters:
            raise ValueError(f"{name}: a mixture has no parameters, got {parameter!r}.")
        if name.count("+") > 1 or len(set(name.split("+"))) < 2:
            raise ValueError(f"task must mix two sources, as in identity+set, got {name!r}.")
        for part in name.split("+"):
            if part.removesuffix(TOKENS_SHUFFLED) not in SOURCES:
                raise ValueError(f"task must mix two of {', '.join(SOURCES)}, got {name!r}.")
        return Mixture(*(make_task(part) for part in name.split("+")))
    base = name.removesuffix(TOKENS_SHUFFLED)
    known = TASKS if base == name else SOURCES
    if base not in known:
        raise ValueError(f"task must be one of {', '.join(known)}, got {name!r}.")
    names = [field.name for field in fields(TASKS[base])]
    for parameter in parameters:
        if parameter not in names:
            raise ValueError(
                f"{name}: there is no parameter {parameter!r}; it has {', '.join(names)}."
            )
    task = TASKS[base](**parameters)
    return task if base == name else Shuffled(task)


def title(name: str) -> str:
    """How figures and tables write the name of a task, a mixture, a sequence, a control or a model
    of a later seed (``identity@1``).

    >>> title("dyck_shuffle"), title("identity+set"), title("stack_tokens_shuffled")
    ('k-Dyck shuffle', 'Identity+Set', 'Stack, tokens shuffled')
    >>> title("identity>set")
    'Identity, then Set'
    """
    name, later, _ = name.partition("@")
    if later:
        return f"{title(name)} of another seed"
    if THEN in name:
        return ", then ".join(map(title, name.split(THEN)))
    if "+" in name:
        return "+".join(map(title, name.split("+")))
    if name.endswith(TOKENS_SHUFFLED):
        return f"{title(name.removesuffix(TOKENS_SHUFFLED))}, tokens shuffled"
    return TASKS[name].title() if name in TASKS else name.replace("_", " ").title()
