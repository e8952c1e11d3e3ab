"""The training step of this library beside its peers, in one run, interleaved.

``make bench PEERS=1``: the plain Hugging Face loop, PyTorch and JAX as an expert would write them.
JAX lives in an environment of its own, ``.venv-jax``, which is made on the first call; the
library never needs it.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from loops import STEPS, expert_loop, our_loop, plain_loop, timed
from quiet import Watch, why_not

from procmod_lib.network.gpt2 import Architecture
from procmod_lib.tasks import Task, make_task

ROOT = Path(__file__).resolve().parent.parent
JAX = ROOT / ".venv-jax" / "bin" / "python"
PACKAGES = ("jax==0.10.2", "jaxlib==0.10.2", "optax==0.2.8", "numpy==2.4.6")
TASKS = {"haystack": 1000, "addition": 1000, "reversed_addition": 1000, "sorting": 1000, "dyck": 64}
"""Diagnostics and a source, with the batch that each is trained with."""
REPEATS = 7


class JaxPeer:
    """The JAX loop, in its own process and environment.

    Args:
        task: what it trains on.
        arch: the shape.
        batch: how many samples.
        threads: of XLA.
    """

    def __init__(self, task: Task, arch: Architecture, batch: int, threads: int):
        self.place = tempfile.TemporaryDirectory()
        path = Path(self.place.name) / "data.npz"
        arrays = dict(shape=[arch.vocab, arch.positions, arch.layers, arch.heads, arch.width])
        for i in range(4):
            data = task.batch(batch, "train", 0, i).trained_on("reference")
            arrays |= {f"tokens{i}": data.tokens, f"positions{i}": data.positions}
            arrays |= {f"targets{i}": np.maximum(data.targets, 0), f"mask{i}": data.loss_mask}
        np.savez(path, batches=4, **arrays)
        flags = "" if threads > 1 else "--xla_cpu_multi_thread_eigen=false"
        environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
        self.process = subprocess.Popen(
            [JAX, ROOT / "bench" / "jax_peer.py", path],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if threads == 1:
            os.sched_setaffinity(self.process.pid, {0})

    def seconds(self, steps: int = 1) -> float:
        """Seconds that so many steps take."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the JAX loop ended; what it said stands above.")
        return float(line)

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        self.place.cleanup()


def make_environment() -> None:
    """Make ``.venv-jax`` where it is missing."""
    if JAX.exists():
        return
    print("Making .venv-jax, the environment of the JAX loop (once).", flush=True)
    subprocess.run([sys.executable, "-m", "venv", JAX.parent.parent], check=True)
    subprocess.run([JAX, "-m", "pip", "install", "-q", *PACKAGES], check=True)


def clocks(name: str, batch: int, jax: JaxPeer | None) -> dict[str, Callable]:
    """A function for each loop that takes some steps and returns the seconds of one."""
    task = make_task(name)
    arch = Architecture(task.vocab, max(100, task.length))
    plain, ours = plain_loop(name, arch, batch), our_loop(task, arch, batch)
    found = {"Hugging Face": lambda: timed(plain), "ours": lambda: timed(ours) / STEPS}
    if jax:
        expert = expert_loop(task, arch, batch)
        found |= {"PyTorch": lambda: timed(expert), "JAX": lambda: jax.seconds(3) / 3}
    return found


def compare(name: str, threads: int, *, peers: bool) -> dict:
    """Milliseconds of a step of each loop, and how many times ours the others take.

    Returns:
        ``ms``: median of each; ``least``: minimum; ``ratio``: (median, low, high) of each over
        ours, repeat by repeat, where low and high bound the middle half; ``refused``: of those
        without a ratio, why.
    """
    torch.set_num_threads(threads)
    batch, task = TASKS[name], make_task(name)
    arch = Architecture(task.vocab, max(100, task.length))
    jax = JaxPeer(task, arch, batch, threads) if peers else None
    try:
        loops = clocks(name, batch, jax)
        for clock in loops.values():  # compiles, fills caches
            clock()
            clock()
        watch = Watch((jax.process.pid,) if jax else ())
        rows = [{who: clock() for who, clock in loops.items()} for _ in range(REPEATS)]
        others = watch.others()
    finally:
        if jax:
            jax.close()
    result: dict = {"ms": {}, "least": {}, "ratio": {}, "refused": {}, "others": others}
    for who in loops:
        times = [row[who] for row in rows]
        result["ms"][who] = round(1e3 * float(np.median(times)), 2)
        result["least"][who] = round(1e3 * min(times), 2)
        ratios = [row[who] / row["ours"] for row in rows]
        low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
        if who != "ours":
            result["ratio"][who] = [round(float(v), 2) for v in (middle, low, high)]
            reason = why_not(ratios, others)
            if reason:
                result["refused"][who] = reason
    return result


def step_flops(name: str) -> float:
    """Floating-point operations of one training step, no more than what is scored.

    Matrix products alone, the way back twice the way there.
    """
    rows, d = make_task(name).batch(TASKS[name], "train", 0).trained_on("reference"), 16
    vocab, total = make_task(name).vocab, 0.0
    for mask, positions in zip(rows.targets >= 0, rows.positions, strict=True):
        seen = positions[mask] + 1
        t, outputs = seen.max(), len(seen)
        first = 24 * t * d * d + 2 * t * (t + 1) * d  # everything at every time, causal attention
        last = 4 * t * d * d + 20 * outputs * d * d + 4 * seen.sum() * d
        total += first + last + 2 * outputs * d * vocab
    return 3 * total


def table(threads: int, *, peers: bool) -> dict[str, dict]:
    """Compare on every task; print a line each."""
    print(f"\ntraining step, {threads} thread{'s' if threads > 1 else ''}: ms, and times ours")
    found = {}
    for name in TASKS:
        found[name] = result = compare(name, threads, peers=peers)
        rate = step_flops(name) / result["ms"]["ours"] / 1e6
        line = [f"  {name:18}ours {result['ms']['ours']:7.1f} ms, {rate:.0f} GFLOP/s"]
        for who, (middle, low, high) in result["ratio"].items():
            shown = f"{middle:.1f}x ({low:.1f} to {high:.1f})"
            refused = result["refused"].get(who)
            line.append(f"{who} {f'no ratio, {refused}' if refused else shown}")
        print(" · ".join(line), flush=True)
    return found
