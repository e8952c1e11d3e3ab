"""Where the time of a sweep goes: data, step, evaluation, writing, start-up; and two runs at once.

``python bench/path.py`` trains a part of a full-protocol HAYSTACK run through the store, with a
clock at each station, scales what it finds to the whole run, and then trains two such runs one
after the other and side by side. Some minutes; leave the machine alone meanwhile.
"""

import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

from quiet import Watch

from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.network.engines import KernelEngine
from procmod_lib.runs import training
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.run import Run
from procmod_lib.runs.store import Store
from procmod_lib.runs.sweep import ensure
from procmod_lib.tasks import Task

STEPS = 1000  # of the 10,000 of the protocol
CORES = "procmod_lib.runs.machine.cores"
START_UP = """
from procmod_lib.experiments.make_runs import fine_tuning_run
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.store import Store
from procmod_lib.runs.sweep import ensure
import sys
brief = dict(steps=1, warmup=0, test_samples=16, batch=16)
run = fine_tuning_run("haystack", "scratch", "standard", 0, **brief)
ensure([run], Store(sys.argv[1], None), Machine(workers=1))
"""


def part_of_a_run(seed: int) -> Run:
    """The first steps of a full-protocol run, as if they were all."""
    return fine_tuning_run("haystack", "scratch", "standard", seed, steps=STEPS, warmup=0)


class Clocks:
    """Seconds and calls at each station, while it is entered."""

    def __init__(self) -> None:
        self.seconds: Counter = Counter()
        self.calls: Counter = Counter()

    def around(self, name: str, function: Callable) -> Callable:
        """The function, with a clock."""

        def clocked(*arguments, **options):
            begun = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds[name] += time.perf_counter() - begun
                self.calls[name] += 1

        return clocked

    def stations(self) -> ExitStack:
        """All stations, as a context."""
        stack = ExitStack()
        for name, owner, attribute in (
            ("data", Task, "batch"),
            ("gradient", KernelEngine, "gradient"),
            ("optimiser", training, "adamw"),
            ("evaluation", KernelEngine, "scores"),
            ("writing", Store, "write_run"),
            ("writing", Store, "write_checkpoint"),
        ):
            function = self.around(name, getattr(owner, attribute))
            stack.enter_context(patch.object(owner, attribute, function))
        return stack


def one_run() -> None:
    """Print what each station takes of a whole run."""
    clocks = Clocks()
    with tempfile.TemporaryDirectory() as place, clocks.stations():
        begun = time.perf_counter()
        with patch(CORES, return_value=1):  # as in a sweep, where each core has a run
            ensure([part_of_a_run(0)], Store(place, None), Machine())
        whole = time.perf_counter() - begun
    rest = whole - sum(clocks.seconds.values())
    print(f"{STEPS:,} steps of a HAYSTACK run at the full protocol: {whole:.1f} s")
    for name, seconds in [*clocks.seconds.most_common(), ("all else", rest)]:
        print(f"  {name:12}{100 * seconds / whole:6.1f} %  {clocks.calls[name]:6,} calls")
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-c", START_UP, place]
        subprocess.run(command, check=True, cwd=Path(__file__).parent.parent)
    start_up = time.perf_counter() - begun
    full = 10_000 / STEPS * whole + start_up
    both = 10_000 / STEPS * clocks.seconds["evaluation"] + start_up
    print(f"  start-up {start_up:.1f} s; with evaluation {100 * both / full:.1f} % of a whole run")


def two_runs() -> None:
    """Print how much quicker two runs side by side are than one after the other."""
    seconds = {}
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as place:
            runs, begun = [part_of_a_run(seed) for seed in (1, 2)], time.perf_counter()
            with patch(CORES, return_value=workers):  # a thread a run, both times
                for batch in [runs] if workers == 2 else [[run] for run in runs]:
                    ensure(batch, Store(place, None), Machine(workers=workers))
            seconds[workers] = time.perf_counter() - begun
    print(f"two runs side by side: {seconds[1] / seconds[2]:.2f} times one after the other")


def main() -> None:
    """Measure both; say so where the machine was not ours."""
    watch = Watch()
    one_run()
    two_runs()
    print(f"others used {100 * watch.others():.0f} % of the machine meanwhile")


if __name__ == "__main__":
    main()
