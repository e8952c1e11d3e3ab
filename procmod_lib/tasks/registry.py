"""Every source and diagnostic by name: a class of its own registers itself and owns its facts."""

from collections import ChainMap

from procmod_lib.tasks.task import Task

SOURCES: dict[str, type[Task]] = {}
"""What a model can be pretrained on."""

DIAGNOSTICS: dict[str, type[Task]] = {}
"""What a model is usually fine-tuned on."""

TASKS = ChainMap(SOURCES, DIAGNOSTICS)
"""All of them, diagnostics first: a source can be fine-tuned on too."""


def source(cls: type[Task]) -> type[Task]:
    """Class decorator: offer a task as a source to pretrain on."""
    return _register(SOURCES, cls)


def diagnostic(cls: type[Task]) -> type[Task]:
    """Class decorator: offer a task as a diagnostic to fine-tune on."""
    return _register(DIAGNOSTICS, cls)


def _register(where: dict[str, type[Task]], cls: type[Task]) -> type[Task]:
    if cls.name in TASKS:
        raise ValueError(f"task must have a name of its own, got {cls.name!r}, which is taken.")
    where[cls.name] = cls
    return cls
