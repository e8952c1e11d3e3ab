"""What the subcommands share: exit codes, the store, options that all of them have."""

import argparse
import re
from collections.abc import Callable

from procmod_lib.runs.machine import Machine
from procmod_lib.runs.store import Store, folder_of

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
FINISHED, FAILED, UNFINISHED = 0, 1, 3  # exit codes


def finish(parser: argparse.ArgumentParser, action: Callable, *, reads_store: bool = True) -> None:
    """What every subcommand has; ``--store`` where it reads or writes results."""
    if reads_store:
        parser.add_argument(
            "--store",
            default="store",
            help="folder of results, below the project where it is relative; 'published' is the "
            "book's",
        )
    parser.set_defaults(action=action, parser=parser)


def add_device(parser: argparse.ArgumentParser) -> None:
    """On what to train."""
    parser.add_argument("--device", default="cpu", help="cpu or cuda")


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Where to train and for how long."""
    add_device(parser)
    parser.add_argument(
        "--scheduler",
        help="tcp://HOST:PORT, local:N or slurm:FILE; trains in this process by default",
    )
    parser.add_argument(
        "--time-budget",
        type=seconds,
        help="stop after this long, e.g. 9m; the rest goes on next time",
    )


def machine_of(options) -> Machine:
    """The machine that the options of :func:`add_machine` name."""
    return Machine(
        device=options.device, time_budget=options.time_budget, scheduler=options.scheduler
    )


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
    return Store(folder_of(options.store))
