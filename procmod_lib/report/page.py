"""What every notebook begins with.

Its parameters checked, its runs, a store, a machine, and texts for other pages.
"""

import inspect
import shlex
from collections.abc import Callable, Iterable

from IPython.display import Markdown

from procmod_lib.report import figures, tables
from procmod_lib.report.inside import Inside
from procmod_lib.report.origin import origin
from procmod_lib.report.section import Section
from procmod_lib.report.sentences import from_to
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.progress import Progress
from procmod_lib.runs.run import Run, donors_of
from procmod_lib.runs.store import Store, folder_of

ABSENT = object()
"""What a parameter is that a notebook does not have."""


class BadParameter(ValueError):
    """A notebook parameter that is unknown or out of range.

    Jupyter and papermill show the sentence alone.
    """

    def _render_traceback_(self):
        return [f"BadParameter: {self}"]


class Page:
    """A chapter: made in the notebook's first cell, opened behind its parameters.

    Args:
        namespace: ``globals()`` of the notebook; what exists before the parameters cell is no
            parameter.
    """

    runs: list[Run]
    store: Store
    machine: Machine
    progress: Progress
    given: list[str]
    """Options of papermill, as the shell reads them, that ask for the same runs."""

    def __init__(self, namespace: dict):
        self.namespace = namespace
        self.before = {*namespace, "page"}

    def open(
        self,
        grid: Callable,
        *,
        store: str,
        device=ABSENT,
        scheduler=ABSENT,
        time_budget=ABSENT,
        **parameters,
    ) -> None:
        """Check all parameters; nothing is written before everything is checked.

        Args:
            grid: a function that returns runs, such as those of
                :mod:`procmod_lib.experiments.grids`.
            store: folder of new results, see :func:`procmod_lib.runs.store.folder_of`.
            device: see :class:`procmod_lib.runs.machine.Machine`, as for the next two; a notebook
                that trains nothing has none of them.
            scheduler: a Dask cluster, or None.
            time_budget: seconds, or None.
            **parameters: every other parameter of the notebook; they go to ``grid``, but for None,
                which takes the grid's default.

        Raises:
            BadParameter: one sentence that names the parameter, what was given and what is allowed.
        """
        where = dict(device=device, scheduler=scheduler, time_budget=time_budget)
        where = {name: value for name, value in where.items() if value is not ABSENT}
        try:
            self._refuse_unknown([*parameters, *where, "store"])
            self.machine = Machine(**where)
            asked = _without_none(grid, parameters)
            self.runs = grid(**asked)
            self.given = _as_given(grid, asked)
            self.store = Store(folder_of(store))
        except ValueError as error:
            raise BadParameter(str(error)) from None
        self.progress = Progress()
        figures.use_style()
        figures.keep_all_forms()

    def _refuse_unknown(self, known: Iterable[str]) -> None:
        """Raise ValueError where a parameter was given that the notebook does not have."""
        given = set(self.namespace) - self.before - set(known)
        unknown = sorted(
            n for n in given if not n.startswith("_") and not inspect.ismodule(self.namespace[n])
        )
        if unknown:
            raise ValueError(
                f"there is no parameter {unknown[0]!r}; this notebook has {', '.join(known)}."
            )

    def section(self, table) -> Section:
        """The section of the notebook's own runs, whose table was just computed."""
        return Section(self.runs, table, self.store)

    def published(self, runs: list[Run]) -> Section:
        """A section of runs that are read from the store and never trained here."""
        return Section(runs, self.store.load(runs), self.store)

    def inside(self, runs: list[Run], table=None) -> Inside:
        """A section of runs whose starts and snapshots are looked into.

        They are read from the store and never trained here, but for those whose ``table`` was just
        computed.
        """
        return Inside(runs, self.store.load(runs) if table is None else table, self.store)

    def box(self, title: str, live: Section, about: str) -> Markdown:
        """The box at a chapter's head: preset, cost as measured, hardware, commit, command.

        Args:
            title: the notebook's name.
            live: its own runs.
            about: what the preset says of itself.
        """
        keys = set(live.table.key)
        donors = donors_of([run for run in self.runs if run.key in keys])
        seeds = len({run.seed for run in self.runs})
        steps, batch = (
            from_to([getattr(run.budget, name) for run in self.runs]) for name in ("steps", "batch")
        )
        scale = f"Here {seeds} seeds, {steps} steps of {batch} samples."
        pretrained = f", from {len(donors)} pretrained models" if donors else ""
        command = f"`papermill notebooks/{title}.ipynb out.ipynb {' '.join(self.given)}`"
        rows = [
            ["**Preset**", f"`{self.runs[0].preset}`: {about} {scale}"],
            ["**Runs**", f"{len(keys)} of {len(self.runs)}{pretrained}"],
            ["**Made with**", origin(live.table, self.store)],
            ["**Command**", command],
        ]
        return tables.grid(["cost and origin", "of this chapter's own runs"], rows)

    def answer(self, text: str) -> Markdown:
        """The chapter's answer, right below its question."""
        return Markdown(f"**The answer.** {text}")

    def sure(self, text: str) -> Markdown:
        """How sure the answer is: n, the interval, the null beside it."""
        return Markdown(f"**How sure.** {text}")

    def live_note(self, about: str) -> Markdown:
        """What the live part of a chapter is worth: the preset, in the preset's own words."""
        return Markdown(f"*Preset `{self.runs[0].preset}`. {about}*")

    def glue(self, name: str, text: str) -> None:
        """Name a text, plain, so that any page of the book can show it.

        Does nothing where MyST-NB is not installed.
        """
        try:
            from myst_nb import glue
        except ImportError:
            return
        glue(name, text.replace("*", ""), display=False)


def _without_none(grid: Callable, parameters: dict) -> dict:
    """The parameters, without those that are None where the grid has a default."""
    usual = inspect.signature(grid).parameters
    return {
        name: value
        for name, value in parameters.items()
        if value is not None or usual[name].default is inspect.Parameter.empty
    }


def _as_given(grid: Callable, parameters: dict) -> list[str]:
    """Options of papermill for the preset and every parameter that is not as the grid has it."""
    usual = inspect.signature(grid).parameters
    options = []
    for name, value in parameters.items():
        if _in_one_word(value) == _in_one_word(usual[name].default):
            continue
        is_text = not isinstance(value, int | float)
        options.append(f"-{'r' if is_text else 'p'} {name} {shlex.quote(_in_one_word(value))}")
    return options


def _in_one_word(value) -> str:
    """A list with commas between its names, anything else as Python writes it."""
    return ",".join(value) if isinstance(value, list | tuple) else str(value)
