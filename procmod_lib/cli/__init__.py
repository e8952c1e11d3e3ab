"""Everything from a shell, for a machine without Jupyter: grids, the agenda, ladders, export.

``procmod sweep selective_transfer --preset quick``.
"""

import argparse
import inspect
import sys
import time
from collections.abc import Callable

from procmod_lib.cli import agenda, climbing, exporting
from procmod_lib.cli.common import (
    FAILED,
    FINISHED,
    UNFINISHED,
    add_device,
    add_machine,
    finish,
    machine_of,
    open_store,
)
from procmod_lib.experiments import grids, specification
from procmod_lib.experiments.presets import PRESETS
from procmod_lib.initial.words import WORDS
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.plan import estimate
from procmod_lib.runs.progress import Progress
from procmod_lib.runs.run import Run, with_donors
from procmod_lib.runs.stops import Stopped
from procmod_lib.runs.store import Failed
from procmod_lib.runs.sweep import ensure, lacking

GRIDS = {
    grid.__name__: grid
    for grid in (
        grids.pretraining,
        grids.answer_masks,
        grids.selective_transfer,
        grids.perturbation,
        grids.localisation,
        grids.by_hand,
        grids.inside,
        grids.composition,
        specification.settings,
    )
}
"""The grids of the chapters, by name."""
NUMBERS = {int: int, int | None: int, float | None: float}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        return options.action(options)
    except Stopped as stopped:
        print(stopped, file=sys.stderr)
        return stopped.code
    except ValueError as error:
        subparser: argparse.ArgumentParser = options.parser
        subparser.error(str(error))
    except (Failed, OSError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return FAILED


def make_parser() -> argparse.ArgumentParser:
    """The parser: a subcommand an action, and below it one a grid, with only the options that the
    grid has.
    """
    parser = argparse.ArgumentParser(prog="procmod", description=__doc__)
    actions = parser.add_subparsers(title="what to do", required=True, metavar="ACTION")
    for name, action, about in (
        ("sweep", sweep, "compute what is missing, donors first"),
        ("plan", plan, "say what is missing and what it would cost"),
        ("status", status, "say what is finished and what is missing"),
    ):
        parser_of_action = actions.add_parser(name, help=about, description=capital(about))
        _add_grids(parser_of_action, action)
    merge_parser = actions.add_parser(
        "merge", help="copy what another store has and this one lacks"
    )
    merge_parser.add_argument("other", help="folder of the store, as the shell reads it")
    finish(merge_parser, merge)
    finish(actions.add_parser("pack", help="put all runs of a store in one file"), pack)
    words_parser = actions.add_parser("words", help="explain the words of initial conditions")
    finish(words_parser, words, reads_store=False)
    about = "write a model as a folder that transformers loads"
    exporting.add_options(actions.add_parser("export", help=about))
    about = "compute what the book's pages still lack, the most important first"
    agenda.add_options(actions.add_parser("agenda", help=about, description=capital(about)))
    about = "find the settings of the closest replication for a source, by its own score"
    climbing.add_options(actions.add_parser("climb", help=about, description=capital(about)))
    return parser


def capital(text: str) -> str:
    """A sentence out of a few words."""
    return f"{text[0].upper()}{text[1:]}."


def _add_grids(parser: argparse.ArgumentParser, action: Callable) -> None:
    choices = parser.add_subparsers(title="of which grid", required=True, metavar="GRID")
    for name, grid in GRIDS.items():
        about = (inspect.getdoc(grid) or "").split("\n\n")[0].replace("\n", " ")
        one = choices.add_parser(name, help=about.rstrip("."), description=about)
        one.add_argument("--preset", default="quick", help=f"{', '.join(PRESETS)} (default: quick)")
        for parameter in list(inspect.signature(grid).parameters.values())[1:]:
            _add_option(one, parameter)
        if action is sweep:
            add_machine(one)
        elif action is plan:
            add_device(one)
        one.set_defaults(grid=grid)
        finish(one, action)


def _add_option(parser: argparse.ArgumentParser, parameter: inspect.Parameter) -> None:
    """An option for one parameter of a grid; lists are given with commas."""
    flag, kind = f"--{parameter.name.replace('_', '-')}", parameter.annotation
    if kind is bool:
        parser.add_argument(flag, action="store_true", default=None)
        return
    number = NUMBERS.get(kind)
    default = "the preset's" if parameter.default is None else parameter.default
    shown = ",".join(default) if isinstance(default, tuple) else default
    parser.add_argument(flag, type=number, help=f"default: {shown}")


def runs_of(options) -> list[Run]:
    """The grid's runs with the options that were given."""
    names = list(inspect.signature(options.grid).parameters)[1:]
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    return options.grid(options.preset, **given)


def sweep(options) -> int:
    """Compute what is missing."""
    runs, begun = runs_of(options), time.monotonic()
    store, machine = open_store(options), machine_of(options)
    keep = grids.kept_by(options.grid)
    ensure(runs, store, machine, keep=keep, progress=Progress())
    missing = len(store.missing(runs, keep))
    print(
        f"{len(runs) - missing} of {len(runs)} runs are finished, after "
        f"{time.monotonic() - begun:.0f} s."
    )
    return UNFINISHED if missing else FINISHED


def status(options) -> int:
    """Print what is finished and what is missing, donors included."""
    runs, store = runs_of(options), open_store(options)
    every = with_donors(runs)
    missing = {run.key for run in lacking(runs, store, grids.kept_by(options.grid))}
    for run in every:
        print(f"{'missing' if run.key in missing else 'finished':9} {run.key}  {run.label}")
    print(f"{len(every) - len(missing)} finished, {len(missing)} missing.")
    return FINISHED


def plan(options) -> int:
    """Print what is missing with its estimated time and memory."""
    machine = Machine(device=options.device)
    runs, store = runs_of(options), open_store(options)
    missing = lacking(runs, store, grids.kept_by(options.grid))
    print(estimate(missing, machine))
    return FINISHED


def merge(options) -> int:
    """Copy what another store has and this one lacks."""
    print(f"{open_store(options).merge(options.other)} files copied.")
    return FINISHED


def pack(options) -> int:
    """Put all runs of a store in one file."""
    print(f"{open_store(options).pack()} runs are in one pack.")
    return FINISHED


def words(options) -> int:
    """Print every word of initial conditions with what it does."""
    for word in WORDS.values():
        written = word.name if word.default is False else f"{word.name}=..."
        print(f"{written:20} {word.about}")
    return FINISHED
