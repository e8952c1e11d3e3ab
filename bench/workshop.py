"""How long the runs of each workshop session take, from nothing.

``python bench/workshop.py`` trains what each session trains, in a process of its own with an empty
store and an empty cache of compiled code, as on a student's laptop, and writes the times to
book/workshop.json. About five minutes on two cores; leave the machine alone meanwhile.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from procmod_lib.runs.provenance import provenance
from procmod_lib.workshop.outcomes import RUNS, SEEDS

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "book" / "workshop.json"
TRAIN = """
import sys
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.store import Store
from procmod_lib.runs.sweep import ensure
from procmod_lib.workshop.outcomes import workshop_runs

ensure(workshop_runs(sys.argv[1], int(sys.argv[2])), Store(sys.argv[3], None), Machine())
"""


def seconds_of(session: str) -> float:
    """Train a session's runs as a laptop does; return the wall time, start-up included."""
    with tempfile.TemporaryDirectory() as place:
        environment = os.environ | {"NUMBA_CACHE_DIR": f"{place}/compiled"}
        command = [sys.executable, "-c", TRAIN, session, str(SEEDS), f"{place}/store"]
        begun = time.perf_counter()
        subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begun


def main() -> None:
    """Measure every session once and write the times."""
    times, made_by = {}, provenance("cpu")  # now, before anybody edits the code
    for session in RUNS:
        times[session] = seconds_of(session)
        print(f"Session {session}: {times[session]:.0f} s.", flush=True)
    TARGET.write_text(json.dumps({"seconds": times, "provenance": made_by}, indent=1) + "\n")


if __name__ == "__main__":
    main()
