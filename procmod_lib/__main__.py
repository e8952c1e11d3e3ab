"""The same grids from a shell, for a machine without Jupyter: ``python -m procmod_lib sweep selective_transfer --preset quick``."""

import argparse
import re
import sys
import time

from . import experiments, notebook
from .results import PUBLISHED, Failed, Store

GRIDS = {"selective_transfer": experiments.selective_transfer}


def seconds(text: str) -> float:
    """Read ``90``, ``90s``, ``9m`` or ``2h``.

    >>> seconds("9m")
    540.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not match or not float(match[1]) > 0:
        raise argparse.ArgumentTypeError(f"must be a time above 0 such as 90s, 9m or 2h, got {text!r}")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m procmod_lib", description=__doc__)
    parser.add_argument("action", choices=["sweep", "plan", "status"], help="compute what is missing, say what it would cost, or say what is there")
    parser.add_argument("grid", choices=list(GRIDS))
    parser.add_argument("--preset", default="quick", help="smoke, quick, standard or paper")
    parser.add_argument("--sources", default="identity", help="comma-separated, e.g. identity,dyck")
    parser.add_argument("--diagnostics", default="haystack", help="comma-separated, e.g. haystack,addition")
    parser.add_argument("--initial-conditions", default="scratch,full,attention,mlp",
                        help="comma-separated: scratch, full, attention, mlp (of each source) or whole conditions")  # fmt: skip
    parser.add_argument("--seeds", type=int, help="how many; the preset's by default")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--store", default="store", help="folder of results, below the project unless absolute; 'published' is book/results")
    parser.add_argument("--time-budget", type=seconds, help="stop cleanly after, e.g. 9m; what is unfinished goes on next time")
    options = parser.parse_args(arguments)
    try:
        notebook.check_device(options.device)
        runs = GRIDS[options.grid](options.preset, options.sources, options.diagnostics, options.initial_conditions, options.seeds)
        store = Store(PUBLISHED if options.store == "published" else notebook.place(options.store))
    except ValueError as error:
        parser.error(str(error))
    if options.action == "sweep":
        return sweep(store, runs, options)
    return report(store, runs)


def sweep(store: Store, runs: list, options) -> int:
    """Compute what is missing; 0 when all is there, 3 when the time budget ended first, 1 when a run failed."""
    progress = notebook.Progress(len(runs))
    begun = time.monotonic()
    try:
        store.ensure(runs, device=options.device, time_budget=options.time_budget, progress=progress)
    except Failed as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    missing = sum(not store.has(r) for r in runs)
    print(f"{len(runs) - missing} of {len(runs)} runs are finished, after {time.monotonic() - begun:.0f} s.")
    return 3 if missing else 0


def report(store: Store, runs: list) -> int:
    """Print what is finished and what is missing, donors included."""
    every = {r.key: r for run in runs for r in [*(d for _, d in run.donors), run]}
    for run in every.values():
        print(f"{'finished' if store.has(run) else 'missing ':9} {run.key}  {run.label}")
    missing = [r for r in every.values() if not store.has(r)]
    print(f"{len(every) - len(missing)} finished, {len(missing)} missing: {sum(r.budget.steps for r in missing):,} training steps.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
