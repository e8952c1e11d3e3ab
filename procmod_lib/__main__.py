"""The same grids from a shell, for a machine without Jupyter: ``python -m procmod_lib sweep selective_transfer --preset quick``."""

import argparse
import inspect
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from procmod_lib.experiments import grids as experiments
from procmod_lib.network import gpt2 as model
from procmod_lib.report import page as notebook
from procmod_lib.runs import cluster, packs
from procmod_lib.runs.store import PUBLISHED, Failed, Store
from procmod_lib.runs.training import State, bytes_a_member, split, train

GRIDS = {g.__name__: g for g in (experiments.selective_transfer, experiments.perturbation, experiments.localisation,
                                 experiments.composition, experiments.pretraining, experiments.answer_masks)}  # fmt: skip


def seconds(text: str) -> float:
    """Read ``90``, ``90s``, ``9m`` or ``2h``.

    >>> seconds("9m")
    540.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not match or not float(match[1]) > 0:
        raise argparse.ArgumentTypeError(f"must be a time above 0 such as 90s, 9m or 2h, got {text!r}")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def parameters() -> dict[str, inspect.Parameter]:
    """Every parameter of every grid by name; lists are given with commas."""
    return {n: p for grid in GRIDS.values() for n, p in inspect.signature(grid).parameters.items() if n != "preset"}


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m procmod_lib", description=__doc__)
    parser.add_argument("action", choices=["sweep", "plan", "status", "merge", "pack"],
                        help="compute what is missing; say what it would cost; say what is there; copy runs from --other; put all runs in one file")
    parser.add_argument("grid", choices=list(GRIDS), nargs="?", default="selective_transfer")
    parser.add_argument("--preset", default="quick", help="smoke, quick, small, standard or paper")
    for name, parameter in parameters().items():
        numbers = {int | None: {"type": int}, float | None: {"type": float}, bool: {"action": "store_true", "default": None}}
        kind = numbers.get(parameter.annotation, {})
        parser.add_argument("--" + name.replace("_", "-"), help="of the grids that have it, which otherwise take their own or the preset's", **kind)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--store", default="store", help="folder of results, below the project unless absolute; 'published' is book/results")
    parser.add_argument("--time-budget", type=seconds, help="stop cleanly after, e.g. 9m; what is unfinished goes on next time")
    parser.add_argument("--scheduler", help="a Dask cluster: tcp://HOST:PORT, local:N or slurm:FILE; trains in this process by default")
    parser.add_argument("--other", help="for merge: the store to copy from")
    options = parser.parse_args(arguments)
    try:
        notebook.check_device(options.device)
        cluster.check(options.scheduler)
        given = {n: value for n in parameters() if (value := getattr(options, n)) is not None}
        known = [n for n in inspect.signature(GRIDS[options.grid]).parameters if n != "preset"]
        for name in given:
            if name not in known:
                raise ValueError(f"{name} is not a parameter of {options.grid}, which has {', '.join(known)}.")
        runs = GRIDS[options.grid](options.preset, **given)
        store = Store(PUBLISHED if options.store == "published" else notebook.place(options.store))
    except ValueError as error:
        parser.error(str(error))
    if options.action == "merge":
        if not options.other or not (Path(options.other) / "runs").is_dir():
            parser.error(f"other must be the folder of a store, got {options.other!r}")
        print(f"{store.merge(options.other)} files copied.")
        return 0
    if options.action == "pack":
        print(f"{packs.pack(store.folder)} runs are in one pack.")
        return 0
    actions = {"sweep": lambda: sweep(store, runs, options), "status": lambda: report(store, runs), "plan": lambda: plan(store, runs, options.device)}
    return actions[options.action]()


def sweep(store: Store, runs: list, options) -> int:
    """Compute what is missing; 0 when all is there, 3 when the time budget ended first, 1 when a run failed."""
    progress = notebook.Progress()
    begun = time.monotonic()
    try:
        store.ensure(runs, device=options.device, time_budget=options.time_budget, progress=progress, scheduler=options.scheduler,
                     keep_weights=options.grid == "pretraining")  # fmt: skip
    except (Failed, OSError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    missing = sum(not store.has(r) for r in runs)
    print(f"{len(runs) - missing} of {len(runs)} runs are finished, after {time.monotonic() - begun:.0f} s.")
    return 3 if missing else 0


def everything(runs: list) -> list:
    """Runs and their donors, each once, donors first."""
    return list({r.key: r for run in runs for r in [*(d for _, d in run.donors), run]}.values())


def report(store: Store, runs: list) -> int:
    """Print what is finished and what is missing, donors included."""
    every = everything(runs)
    missing = [r for r in every if not store.has(r)]
    for run in every:
        print(f"{'missing ' if run in missing else 'finished':9} {run.key}  {run.label}")
    print(f"{len(every) - len(missing)} finished, {len(missing)} missing.")
    return 0


def plan(store: Store, runs: list, device: str) -> int:
    """Print what is missing with its estimated time and memory: a few steps of each kind of run are timed, all cores at work."""
    missing = [r for r in everything(runs) if not store.has(r)]
    cores, seconds, memory = os.cpu_count() or 1, 0.0, 0
    for fleet in split(missing, device, most=len(missing) or 1):
        each = time_a_run(fleet[0], device, cores if len(missing) > 1 else 1)
        together = min(cores, len(missing)) if device == "cpu" else 1
        seconds += each * len(fleet) / together
        memory = max(memory, bytes_a_member(fleet[0]) * (len(fleet) if device != "cpu" else 1))
        print(f"{len(fleet):5} x {fleet[0].task.name}: {each:.0f} s each")
    print(f"{len(missing)} runs are missing: about {seconds / 60:.1f} minutes on {'this GPU' if device != 'cpu' else f'{cores} cores'}, "
          f"{memory / 2**30:.1f} GiB of {'its' if device != 'cpu' else 'main'} memory at most.")  # fmt: skip
    return 0


def time_a_run(run, device: str, workers: int) -> float:
    """Estimate the seconds of one run from a few of its steps and one evaluation, ``workers`` of them at work at once."""
    few = replace(run, budget=replace(run.budget, steps=30, evaluate_every=10**9, warmup=0, patience=0))
    none = replace(few, budget=replace(few.budget, steps=1))

    def clock(which) -> float:
        weights = model.fresh(run.arch, "plan")[None]
        state = State.start(weights, device, run.task)
        begun = time.perf_counter()
        train(run.task, run.arch, which.budget, [run.seed], state, answer_mask=run.answer_mask, device=device, threads=1)
        return time.perf_counter() - begun

    clock(none)  # compiles
    with ThreadPoolExecutor(workers) as pool:
        short, long = (max(pool.map(clock, [which] * workers)) for which in (none, few))
    step = (long - short) / 29
    return step * run.budget.steps + short / 2 * (run.budget.steps / run.budget.evaluate_every + 1)


if __name__ == "__main__":
    sys.exit(main())
