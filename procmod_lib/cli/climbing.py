"""Climbing the ladder of the closest replication."""

import argparse
import time

from procmod_lib.cli.common import FINISHED, UNFINISHED, add_machine, finish, machine_of, open_store
from procmod_lib.experiments import ladder
from procmod_lib.runs.curves import final_scores
from procmod_lib.runs.run import Run
from procmod_lib.runs.sweep import ensure


class OutOfTimeError(Exception):
    """A pilot did not end within the time budget."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``climb``."""
    parser.add_argument("sources", nargs="+", help="names, such as set stack")
    add_machine(parser)
    finish(parser, run)


def run(options) -> int:
    """Train pilots until the rule has chosen; print each and the rung that is taken."""
    machine, store, begun = machine_of(options), open_store(options), time.monotonic()

    def is_learnt(pilot: Run) -> bool:
        left = machine.left_since(begun)
        table = store.load([pilot]) if left is None else ensure([pilot], store, left)
        if not len(table):
            raise OutOfTimeError
        learnt = ladder.has_learnt(pilot, table)
        rate, dropout = pilot.budget.lr, pilot.budget.dropout
        score = final_scores(table)[pilot.key]
        print(
            f"{pilot.label}, rate {rate:g}, dropout {dropout:g}, lists "
            f"{pilot.task.lengths}: {100 * score:.1f} %, "
            f"{'learnt' if learnt else 'not learnt'}",
            flush=True,
        )
        return learnt

    for source in options.sources:
        ladder.ladders(source)  # before any work
    for source in options.sources:
        try:
            rung = ladder.choose(source, is_learnt)
        except OutOfTimeError:
            return UNFINISHED
        print(f"{source}: {rung.label if rung else 'not learnt on any rung'}", flush=True)
    return FINISHED
