"""The same grids from a shell, for a machine without Jupyter.

``procmod sweep selective_transfer --preset quick``.
"""

import argparse
import inspect
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from procmod_lib.experiments import grids
from procmod_lib.experiments.make_runs import fine_tuning_run, pretraining_run
from procmod_lib.experiments.presets import PRESETS
from procmod_lib.initial.words import WORDS
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs.fleet import initial_weights
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.plan import estimate
from procmod_lib.runs.progress import Progress
from procmod_lib.runs.provenance import PROJECT
from procmod_lib.runs.run import Run, with_donors
from procmod_lib.runs.stops import Stopped
from procmod_lib.runs.store import PUBLISHED, Failed, Store
from procmod_lib.runs.sweep import ensure

GRIDS = {
    name: grid
    for name, grid in inspect.getmembers(grids, inspect.isfunction)
    if not name.startswith("_")
    and grid.__module__ == grids.__name__
    and next(iter(inspect.signature(grid).parameters), "") == "preset"
}
"""The public functions of :mod:`procmod_lib.experiments.grids` that begin with a preset."""
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
NUMBERS = {"int": int, "<class 'int'>": int, "int | None": int, "float | None": float}
FINISHED, FAILED, UNFINISHED = 0, 1, 3  # exit codes


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
        return options.parser.error(str(error))


def make_parser() -> argparse.ArgumentParser:
    """The parser.

    A subcommand an action, and below it one a grid, with only the options that the grid has.
    """
    parser = argparse.ArgumentParser(prog="procmod", description=__doc__)
    actions = parser.add_subparsers(title="what to do", required=True, metavar="ACTION")
    for name, action, about in (
        ("sweep", sweep, "compute what is missing, donors first"),
        ("plan", plan, "say what is missing and what it would cost"),
        ("status", status, "say what is finished and what is missing"),
    ):
        _add_grids(actions.add_parser(name, help=about, description=capital(about)), action)
    merge_parser = actions.add_parser(
        "merge", help="copy what another store has and this one lacks"
    )
    merge_parser.add_argument("other", help="folder of the store to copy from")
    _finish(merge_parser, merge)
    _finish(actions.add_parser("pack", help="put all runs of a store in one file"), pack)
    _finish(actions.add_parser("words", help="explain the words of initial conditions"), words)
    _add_export(
        actions.add_parser("export", help="write a model as a folder that transformers loads")
    )
    return parser


def capital(text: str) -> str:
    """A sentence out of a few words."""
    return f"{text[0].upper()}{text[1:]}."


def _add_grids(parser: argparse.ArgumentParser, action: Callable) -> None:
    choices = parser.add_subparsers(title="of which grid", required=True, metavar="GRID")
    for name, grid in GRIDS.items():
        about = (inspect.getdoc(grid) or "").split("\n")[0]
        one = choices.add_parser(name, help=about.rstrip("."), description=about)
        one.add_argument("--preset", default="quick", help=", ".join(PRESETS))
        for parameter in list(inspect.signature(grid).parameters.values())[1:]:
            _add_option(one, parameter)
        one.add_argument("--device", default="cpu", help="cpu or cuda")
        one.add_argument(
            "--scheduler",
            help="tcp://HOST:PORT, local:N or slurm:FILE; trains in this process by default",
        )
        one.add_argument(
            "--time-budget",
            type=seconds,
            help="stop after this long, e.g. 9m; the rest goes on next time",
        )
        one.set_defaults(grid=grid)
        _finish(one, action)


def _add_option(parser: argparse.ArgumentParser, parameter: inspect.Parameter) -> None:
    """An option for one parameter of a grid; lists are given with commas."""
    flag, kind = f"--{parameter.name.replace('_', '-')}", parameter.annotation
    if kind is bool:
        parser.add_argument(flag, action="store_true", default=None)
        return
    number = NUMBERS.get(str(kind))
    default = "the preset's" if parameter.default is None else parameter.default
    shown = ",".join(default) if isinstance(default, tuple) else default
    parser.add_argument(flag, type=number, help=f"default: {shown}")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", help="where to write; must not exist yet")
    parser.add_argument(
        "--start", help='an initial condition that a model starts from, such as "loud=0.3 head=1.0"'
    )
    parser.add_argument(
        "--diagnostic", default="haystack", help="whose vocabulary and positions a start has"
    )
    parser.add_argument(
        "--source", help="in place of --start: a pretrained source, such as identity"
    )
    parser.add_argument("--preset", default="standard", help=", ".join(PRESETS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="layers_heads_width, such as 2_4_16")
    _finish(parser, export)


def _finish(parser: argparse.ArgumentParser, action: Callable) -> None:
    """What every subcommand has."""
    parser.add_argument(
        "--store", default="store", help="folder of results; 'published' is that of the book"
    )
    parser.set_defaults(action=action, parser=parser)


def seconds(text: str) -> float:
    """Read ``90``, ``90s``, ``9m`` or ``2h``.

    >>> seconds("9m")
    540.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not match or not float(match[1]) > 0:
        raise argparse.ArgumentTypeError(
            f"must be a time above 0 such as 90s, 9m or 2h, got {text!r}"
        )
    return float(match[1]) * UNITS[match[2]]


def open_store(options) -> Store:
    """The store that the options name."""
    return Store(
        PUBLISHED if options.store == "published" else PROJECT / Path(options.store).expanduser()
    )


def runs_of(options) -> list[Run]:
    """The grid's runs with the options that were given."""
    names = list(inspect.signature(options.grid).parameters)[1:]
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    return options.grid(options.preset, **given)


def sweep(options) -> int:
    """Compute what is missing."""
    machine = Machine(
        device=options.device, time_budget=options.time_budget, scheduler=options.scheduler
    )
    runs, begun = runs_of(options), time.monotonic()
    store = open_store(options)
    keep_weights = options.grid is grids.pretraining
    try:
        ensure(runs, store, machine, keep_weights=keep_weights, progress=Progress())
    except (Failed, OSError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return FAILED
    missing = len(store.missing(runs))
    print(
        f"{len(runs) - missing} of {len(runs)} runs are finished, after "
        f"{time.monotonic() - begun:.0f} s."
    )
    return UNFINISHED if missing else FINISHED


def status(options) -> int:
    """Print what is finished and what is missing, donors included."""
    every = with_donors(runs_of(options))
    store = open_store(options)
    missing = {run.key for run in store.missing(every)}
    for run in every:
        print(f"{'missing' if run.key in missing else 'finished':9} {run.key}  {run.label}")
    print(f"{len(every) - len(missing)} finished, {len(missing)} missing.")
    return FINISHED


def plan(options) -> int:
    """Print what is missing with its estimated time and memory."""
    machine = Machine(device=options.device)
    every = with_donors(runs_of(options))
    store = open_store(options)
    print(estimate(store.missing(every), machine))
    return FINISHED


def merge(options) -> int:
    """Copy what another store has and this one lacks."""
    if not (Path(options.other) / "runs").is_dir():
        raise ValueError(f"other must be the folder of a store, got {options.other!r}")
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


def export(options) -> int:
    """Write a pretrained source, or the start of a model, as a ``save_pretrained`` folder."""
    from procmod_lib.network.huggingface import to_huggingface

    if (options.start is None) == (options.source is None):
        raise ValueError("export needs either --start or --source.")
    if Path(options.folder).exists():
        raise ValueError(f"folder must not exist yet, got {options.folder!r}.")
    shape = {} if options.model is None else {"model": options.model}
    if options.source:
        run = pretraining_run(options.source, options.preset, options.seed)
        weights = open_store(options).weights(run)
    else:
        run = fine_tuning_run(
            options.diagnostic, options.start, options.preset, options.seed, **shape
        )
        weights, _ = initial_weights(run, open_store(options))
    if weights is None:
        raise ValueError(
            f"source: the weights of {run.label} are not in the store; sweep the grid pretraining "
            "first."
        )
    check_exportable(run.arch)
    to_huggingface(weights, run.arch).save_pretrained(options.folder)
    print(f"{run.label} is in {options.folder}.")
    return FINISHED


def check_exportable(arch: Architecture) -> None:
    """Raise ValueError for a model that ``transformers`` has no class for."""
    if arch.inputs != "tokens":
        raise ValueError(
            "source must have tokens; transformers' GPT-2 cannot read rows of bits (eca)."
        )
