"""Computing what the book's pages still lack, within a time."""

import argparse
import time

from procmod_lib.cli.common import FINISHED, UNFINISHED, add_machine, finish, machine_of, open_store
from procmod_lib.experiments.agenda import AGENDA
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.plan import seconds_for
from procmod_lib.runs.progress import Progress
from procmod_lib.runs.store import Failed, Store
from procmod_lib.runs.sweep import ensure, lacking


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``agenda``."""
    parser.add_argument(
        "--plan",
        action="store_true",
        help="say what is missing, and where a time budget would end; train nothing",
    )
    add_machine(parser)
    finish(parser, run)


def run(options) -> int:
    """Compute what is missing of each entry, in their order, until the time is up."""
    machine, store, begun = machine_of(options), open_store(options), time.monotonic()
    if options.plan:
        if machine.scheduler:
            raise ValueError(
                f"scheduler must not be given with --plan, which times this machine, got "
                f"{machine.scheduler}."
            )
        return plan(store, machine)
    failures = []
    for entry in AGENDA:
        runs, left = entry.runs(store), machine.left_since(begun)
        missing = lacking(runs, store, entry.keep)
        if not missing:
            continue
        if left is None:
            break
        print(f"{entry.name}: {len(missing)} runs are missing.", flush=True)
        try:
            ensure(runs, store, left, keep=entry.keep, progress=Progress())
        except Failed as failed:  # of one section; the others are computed all the same
            failures.append(f"{entry.name}: {failed}")
    if failures:
        raise Failed("; ".join(failures))
    is_left = any(store.missing(entry.runs(store), entry.keep) for entry in AGENDA)
    return UNFINISHED if is_left else FINISHED


def plan(store: Store, machine: Machine) -> int:
    """Print what is missing of each entry, and what it would take on this machine."""
    counted: set[str] = set()
    total, budget = 0.0, machine.time_budget
    for entry in AGENDA:
        runs = entry.runs(store)
        if not runs:
            print(f"    ? missing, its settings are not ranked yet: {entry.name}", flush=True)
            continue
        missing = [run for run in lacking(runs, store, entry.keep) if run.key not in counted]
        counted |= {run.key for run in missing}
        minutes = seconds_for(missing, machine) / 60 if missing else 0.0
        total += minutes
        print(f"{len(missing):5} missing, {minutes:6.1f} minutes: {entry.name}", flush=True)
        if budget and total - minutes <= budget / 60 < total:
            print(f"      a time budget of {budget / 60:g} minutes ends here", flush=True)
    print(f"{len(counted):5} missing, {total:6.1f} minutes in all on this machine.")
    return FINISHED
