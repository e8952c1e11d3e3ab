"""The fleet on a GPU, in one command: is it right, how fast, and what would the core grid take?

``python bench/gpu.py`` trains the same fleet from the same weights on the same batches on the CPU
and on the GPU and compares the curves, then times fleets of 4 to 140 models on each diagnostic with
this project's kernel (`network/gpu`) and with PyTorch's compiler side by side, and says what
the grid of the core chapter would take at that pace. Writes bench/gpu.json. Some minutes.
``--device cpu --quick`` tries the script itself where there is no GPU.
"""

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from procmod_lib.experiments.conditions import SIX
from procmod_lib.experiments.grids import selective_transfer
from procmod_lib.network import gpt2
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.provenance import provenance
from procmod_lib.runs.run import Run, with_donors
from procmod_lib.runs.training import State, train
from procmod_lib.tasks import make_task

TARGET = Path(__file__).with_name("gpu.json")
DIAGNOSTICS = {"haystack": 1000, "addition": 1000, "reversed_addition": 1000, "sorting": 1000}
SIZES = (4, 35, 70, 140)
ENGINES = {"ours": "kernel", "PyTorch": "torch"}
AGREE = 5e-3  # of the loss after 200 steps; single-precision sums differ in their order
CORE_MINUTES = 30


def fleet(name: str, size: int, batch: int, steps: int, device: str, **options) -> State:
    """Train ``size`` models of a diagnostic for some steps, each from its own fresh weights."""
    task = make_task(name)
    arch = Architecture(task.vocab, max(100, task.length))
    budget = Budget(steps=steps, batch=batch, warmup=20, evaluate_every=steps, test_samples=500)
    weights = np.stack([gpt2.fresh(arch, "gpu", i) for i in range(size)])
    state = State.start(weights, device, task)
    return train(task, arch, budget, list(range(size)), state, device=device, **options)


def equality(device: str, steps: int) -> dict[str, float]:
    """The greatest difference of the losses of two models after some steps, CPU against device."""
    found = {}
    for name in DIAGNOSTICS:
        here = fleet(name, 2, 64, steps, "cpu", engine="torch")
        there = fleet(name, 2, 64, steps, device, engine=ENGINES["ours"])
        pairs = zip(here.curves, there.curves, strict=True)
        found[name] = float(np.max([abs(a[-1]["loss"] - b[-1]["loss"]) for a, b in pairs]))
        verdict = "equal" if found[name] < AGREE else "DIFFERENT"
        print(f"{name:20}{verdict}: losses differ by {found[name]:.1e} at most", flush=True)
    return found


def speeds(device: str, sizes: tuple[int, ...], steps: int) -> dict[str, dict[str, dict]]:
    """Model steps a second (steps a second times models): engine, diagnostic, fleet size."""
    print(f"\n{'model steps a second':30}" + "".join(f"{size:>10}" for size in sizes))
    found: dict[str, dict[str, dict]] = {engine: {} for engine in ENGINES}
    for name, batch in DIAGNOSTICS.items():
        for engine, asked in ENGINES.items():
            row = {size: pace(name, size, batch, steps, device, asked) for size in sizes}
            found[engine][name] = row
            shown = "".join(f"{value:>10,.0f}" for value in row.values())
            print(f"{name:20}{engine:10}{shown}", flush=True)
    return found


def pace(name: str, size: int, batch: int, steps: int, device: str, engine: str) -> float:
    """Model steps a second of one fleet, fresh weights and evaluation included; nan where it does
    not fit.
    """
    try:
        fleet(name, size, batch, 3, device, engine=engine)  # compiles
        begun = time.perf_counter()
        fleet(name, size, batch, steps, device, engine=engine)
    except torch.OutOfMemoryError:
        return float("nan")
    return size * steps / (time.perf_counter() - begun)


def core_grid() -> list[Run]:
    """The runs of the core chapter at the preset ``paper``, their donors included."""
    return with_donors(selective_transfer("paper", sources=SIX, diagnostics=list(DIAGNOSTICS)))


def projected_minutes(found: dict[str, dict[int, float]]) -> float:
    """What the core grid takes at the best pace of each diagnostic; sources at the median one."""
    best = {name: np.nanmax(list(row.values())) for name, row in found.items()}
    usual = float(np.median(list(best.values())))
    seconds = sum(run.budget.steps / best.get(run.task.name, usual) for run in core_grid())
    return seconds / 60


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="small numbers, to try the script")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("There is no GPU here: nothing was measured. Try --device cpu --quick.")
    warnings.simplefilter(
        "error", UserWarning
    )  # a kernel that gives up is not timed under its name
    sizes, steps, compared = ((1, 2), 3, 5) if options.quick else (SIZES, 50, 200)
    result: dict = {"differences": equality(options.device, compared)}
    result["model_steps_a_second"] = speeds(options.device, sizes, steps)
    ours = result["model_steps_a_second"]["ours"]
    result["core_grid_minutes"] = minutes = projected_minutes(ours)
    result["provenance"] = provenance(options.device)
    runs = len(core_grid())
    print(f"\nThe core grid, {runs:,} runs: {minutes:,.0f} minutes ({CORE_MINUTES} wanted).")
    if options.quick:
        return
    TARGET.write_text(json.dumps(result, indent=1) + "\n")
    if not all(difference < AGREE for difference in result["differences"].values()):  # nor is NaN
        sys.exit("The GPU does not give the numbers of the CPU; its results must not be used.")


if __name__ == "__main__":
    main()
