"""What can be learned: procedural sources and diagnostics behind one contract."""

from dataclasses import fields

from procmod_lib.tasks.arithmetic import Addition, Multiplication, ReversedAddition
from procmod_lib.tasks.automaton import Automaton
from procmod_lib.tasks.brackets import Dyck, DyckShuffle
from procmod_lib.tasks.control import Shuffled
from procmod_lib.tasks.haystack import Haystack
from procmod_lib.tasks.language import LanguageModeling
from procmod_lib.tasks.lists import Delete, Identity, Reverse, Set, Sort, Union
from procmod_lib.tasks.mixture import Mixture
from procmod_lib.tasks.sorting import Sorting
from procmod_lib.tasks.stack import Stack
from procmod_lib.tasks.task import Batch as Batch
from procmod_lib.tasks.task import Task

SOURCES = {t.name: t for t in (Identity, Set, Stack, Dyck, DyckShuffle, Automaton, Reverse, Sort, Union, Delete)}
DIAGNOSTICS = {t.name: t for t in (Haystack, Addition, ReversedAddition, Multiplication, Sorting, LanguageModeling)}
TASKS = SOURCES | DIAGNOSTICS


def make_task(name: str, **parameters) -> Task:
    """Make a task by name; raises ValueError, naming what exists, for an unknown name or parameter.

    ``NAME_tokens_shuffled`` is the structure control of a source; ``NAME+NAME`` mixes two sources.

    >>> make_task("haystack", pairs=10, vocab_size=256).length
    23
    """
    if "+" in name:
        return Mixture(*(make_task(part) for part in name.split("+", 1)))
    base = name.removesuffix("_tokens_shuffled")
    if base not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}, got {name!r}.")
    known = [f.name for f in fields(TASKS[base])]
    for parameter in parameters:
        if parameter not in known:
            raise ValueError(f"{name}: there is no parameter {parameter!r}; it has {', '.join(known)}.")
    task = TASKS[base](**parameters)
    return task if base == name else Shuffled(task)
