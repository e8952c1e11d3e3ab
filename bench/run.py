"""Speed, side by side in one run: our training step against a plain Hugging Face loop (and, with
--peers, against PyTorch and JAX as experts write them), our generators against per-sample Python.

Prints tables and writes bench/latest.json. Every figure is a ratio of interleaved timings, since
machines differ and are noisy; where somebody else used the machine, or the repeats disagree, there
is no ratio. With --readme the table of the README is written too.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import peers
import torch
from loops import STEPS, our_loop, plain_loop, timed
from peers import TASKS
from samples import SAMPLES

from procmod_lib.network import gpt2
from procmod_lib.network.engines import make_engine
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.randomness import stream
from procmod_lib.runs.machine import cores
from procmod_lib.tasks import make_task

REPEATS = 5


def generator_ratios() -> tuple[dict, dict]:
    """Samples a second on one core, ours and a Python loop over samples: (ratios, our speeds)."""
    print(f"\n{'samples a second':20}{'per-sample Python':>20}{'ours':>14}{'ratio':>9}")
    ratios, speeds = {}, {}
    for name in (*TASKS, "identity", "set"):
        task, rng, n = make_task(name), random.Random(0), 640 if name == "dyck" else 10_000
        pairs = []
        for i in range(REPEATS):
            slow = n / timed(lambda n=n, name=name, rng=rng: [SAMPLES[name](rng) for _ in range(n)])
            fast = n / timed(lambda i=i, n=n, task=task: task.sample(n, stream("bench", i)))
            pairs.append((slow, fast))
        a, b = np.median(pairs, 0)
        ratios[name] = round(float(np.median([y / x for x, y in pairs])), 2)
        speeds[name] = round(float(b), -3)
        print(f"{name:20}{a:>20,.0f}{b:>14,.0f}{ratios[name]:>8.1f}x", flush=True)
    return ratios, speeds


def growth() -> dict:
    """Milliseconds a step as one thing grows: batch, list length, width."""
    print("\nour step as it grows (ms)")
    found = {}
    for what, cases in {
        "batch": [250, 500, 1000, 2000],
        "pairs": [8, 15, 30, 60],
        "width": [16, 32, 64],
    }.items():
        row = {}
        for case in cases:
            pairs = case if what == "pairs" else 30
            task = make_task("haystack", pairs=pairs, vocab_size=256 if pairs <= 30 else 512)
            arch = Architecture(
                task.vocab, max(100, task.length), width=case if what == "width" else 16
            )
            ours = our_loop(task, arch, case if what == "batch" else 1000)
            ours()
            row[case] = round(1e3 * float(np.median([timed(ours) / STEPS for _ in range(3)])), 2)
        found[what] = row
        print(f"  {what:8}" + "".join(f"{k:>8}: {v:<8.1f}" for k, v in row.items()), flush=True)
    return found


def fleet_growth() -> dict:
    """Milliseconds a step and model as the fleet grows, HAYSTACK at batch 250: the compiled kernel,
    and PyTorch's batched path.
    """
    print("\nour step by fleet size (ms a model)")
    task = make_task("haystack")
    arch, found = Architecture(task.vocab, 100), {}
    for engine in ("kernel", "torch"):
        row = {}
        for size in (1, 2, 4, 8):
            compute = make_engine(engine, arch, 0.0, "cpu", cores())
            weights = torch.from_numpy(
                np.stack([gpt2.fresh(arch, "bench", i) for i in range(size)])
            )
            batches = [task.batch(250, "train", 0).trained_on("reference")] * size
            compute.gradient(weights, batches, 0.0, [])
            seconds = [
                timed(partial(compute.gradient, weights, batches, 0.0, [])) for _ in range(3)
            ]
            row[size] = round(1e3 * float(np.median(seconds)) / size, 2)
        found[engine] = row
        print(f"  {engine:8}" + "".join(f"{k:>8}: {v:<8.1f}" for k, v in row.items()), flush=True)
    return found


def peak_memory() -> dict:
    """Peak resident memory of a process that takes a few HAYSTACK steps at batch 1,000, in MiB."""
    found = {}
    for who in ("nothing", "theirs", "ours"):
        done = subprocess.run(
            [sys.executable, __file__, "--memory", who], capture_output=True, text=True, check=True
        )
        found[who] = round(int(done.stdout.split()[-1]) / 1024)
    print(
        f"\npeak memory (MiB): imports alone {found['nothing']}, Hugging Face {found['theirs']}, "
        f"ours {found['ours']}",
        flush=True,
    )
    return found


def take_steps(who: str) -> None:
    """In a process of its own: a few steps, then print the peak of memory in KiB."""
    task = make_task("haystack")
    arch = Architecture(task.vocab, 100)
    if who == "theirs":
        step = plain_loop("haystack", arch, 1000)
        step()
        step()
    elif who == "ours":
        our_loop(task, arch, 1000)()
    print(
        next(
            line.split()[1]
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("VmHWM")
        )
    )  # Linux only


def machine() -> dict:
    """The machine's own ceiling: a large matrix product and a memory copy."""
    a = torch.randn(2048, 2048)
    a @ a
    product = 2 * 2048**3 / min(timed(lambda: a @ a) for _ in range(5)) / 1e9
    block = torch.randn(64 * 2**20)
    block.clone()
    copy = 2 * block.nbytes / min(timed(block.clone) for _ in range(5)) / 1e9
    print(
        f"matrix product {product:.0f} GFLOP/s, memory {copy:.1f} GB/s, "
        f"{os.cpu_count()} cores, {platform.machine()}"
    )
    return {
        "matrix_gflops": round(product, 1),
        "memory_gbs": round(copy, 1),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
    }


def readme_table(found: dict[str, dict]) -> list[str]:
    """Lines of Markdown: a column a task, a row a peer, times ours with the middle half."""
    names = list(found)
    lines = [f"| times ours | {' | '.join(n.replace('_', ' ') for n in names)} |"]
    lines.append("|---|" + "--:|" * len(names))
    for who in next(iter(found.values()))["ratio"]:
        cells = []
        for name in names:
            middle, low, high = found[name]["ratio"][who]
            refused = who in found[name]["refused"]
            cells.append("no ratio" if refused else f"{middle:.1f} ({low:.1f} to {high:.1f})")
        lines.append(f"| {who} | {' | '.join(cells)} |")
    ours = " | ".join(f"{found[name]['ms']['ours']:.1f} ms" for name in names)
    return [*lines, f"| a step of ours | {ours} |"]


def into_readme(result: dict) -> None:
    """Put the tables between the markers in README.md, with the machine and the day."""
    path = Path(__file__).parent.parent / "README.md"
    before, _, rest = path.read_text().partition("<!-- bench -->")
    after = rest.partition("<!-- /bench -->")[2]
    machine, memory = result["machine"], result["peak_mib"]
    lines = ["<!-- bench -->"]
    for threads, found in result["step"].items():
        word = "thread" if threads == "1" else "threads"
        lines += [f"{threads} {word}, the middle half of {peers.REPEATS} repeats in brackets:", ""]
        lines += [*readme_table(found), ""]
    speeds = ", ".join(
        f"{n.replace('_', ' ')} {v:,.0f} ({result['generator_ratio'][n]:.1f})"
        for n, v in result["samples_a_second"].items()
    )
    lines.append(
        f"Measured by `bench/run.py --peers --readme` on {time.strftime('%Y-%m-%d')}: "
        f"{machine['cores']} cores, {machine['machine']}, large matrix products at "
        f"{machine['matrix_gflops']:.0f} GFLOP/s; "
        f"batch 1,000 (k-DYCK 64 x 128), size 2_4_16, data included. Peak memory {memory['ours']} "
        f"MiB beside {memory['theirs']} MiB (imports alone {memory['nothing']}). No ratio: the "
        "repeats disagreed, or others used the machine. Samples a second "
        f"on one core, and times a Python loop over samples: {speeds}."
    )
    path.write_text(before + "\n".join(lines) + "\n<!-- /bench -->" + after)


def read_options() -> argparse.Namespace:
    """What to measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--peers", action="store_true", help="PyTorch and JAX as experts write them"
    )
    parser.add_argument("--readme", action="store_true", help="write the README's table too")
    parser.add_argument(
        "--memory",
        choices=("nothing", "theirs", "ours"),
        help="take steps and end; for the peak memory",
    )
    return parser.parse_args()


def main(options: argparse.Namespace) -> None:
    """Measure everything, print it, keep it."""
    with_peers = options.peers
    if with_peers:
        peers.make_environment()
    result = {
        "machine": machine(),
        "step": {
            str(threads): peers.table(threads, peers=with_peers)
            for threads in ((2, 1) if with_peers else (2,))
        },
    }
    result["generator_ratio"], result["samples_a_second"] = generator_ratios()
    result |= {"growth_ms": growth(), "fleet_ms": fleet_growth(), "peak_mib": peak_memory()}
    Path(__file__).with_name("latest.json").write_text(json.dumps(result, indent=1) + "\n")
    if options.readme:
        into_readme(result)


if __name__ == "__main__":
    asked = read_options()
    if asked.memory:
        take_steps(asked.memory)
    else:
        main(asked)
