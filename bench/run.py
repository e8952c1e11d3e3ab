"""Speed, side by side in one run: our training step against a plain Hugging Face loop, our
generators against per-sample Python.

Prints one table and writes bench/latest.json. Every figure is a ratio of medians of interleaved
timings, since machines differ and are noisy.
"""

import json
import platform
import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel, get_cosine_schedule_with_warmup

from procmod_lib.network import gpt2 as model
from procmod_lib.network.engines import make_engine
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.randomness import stream
from procmod_lib.runs.training import Budget, State, train
from procmod_lib.tasks import make_task

TASKS = {"haystack": 1000, "addition": 1000, "reversed_addition": 1000, "sorting": 1000, "dyck": 64}
REPEATS, STEPS = (
    5,
    20,
)  # ours takes STEPS at a time, as it trains: working space is made once a call


def haystack_sample(rng):
    n = rng.randint(1, 30)
    keys = rng.sample(range(128, 158), n)
    values = [rng.randint(1, 127) for _ in keys]
    i = rng.randrange(n)
    row = [t for pair in zip(keys, values) for t in pair] + [keys[i] + 30, values[i]]
    return row + [0] * (63 - len(row)), [2 * n]


def addition_sample(rng, digits=5, order=1):
    a, b = (rng.randint(10 ** (digits - 1), 10**digits - 1) for _ in range(2))
    x, y, z = (str(v)[::order] for v in (a, b, a + b))
    row = [int(c) for c in x] + [10] + [int(c) for c in y] + [11] + [20 + int(c) for c in z] + [30]
    row += [12] * (3 * digits + 4 - len(row))
    return row, [p for p in range(len(row) - 1) if row[p] >= 20]


def sorting_sample(rng):
    values = [rng.randint(1, 99) for _ in range(16)]
    return values + [0] + sorted(values), list(range(16, 32))


def dyck_sample(rng, k=16, length=128):
    row, stack = [], []
    for t in range(length):
        if not stack or (len(stack) < length - t and rng.random() < 0.5):
            stack.append(rng.randrange(k))
            row.append(stack[-1])
        else:
            row.append(k + stack.pop())
    return row, list(range(length - 1))


def identity_sample(rng):
    values = [rng.randint(1, 20) for _ in range(rng.randint(2, 20))]
    return values + [21] + values + [0] * (41 - 1 - 2 * len(values)), list(
        range(len(values), 2 * len(values))
    )


def set_sample(rng):
    values = [rng.randint(1, 20) for _ in range(rng.randint(2, 20))]
    row = values + [21] + list(dict.fromkeys(values))
    return row + [0] * (41 - len(row)), list(range(len(values), len(row) - 1))


SAMPLES = {
    "haystack": haystack_sample,
    "addition": addition_sample,
    "reversed_addition": lambda rng: addition_sample(rng, 10, -1),
    "sorting": sorting_sample,
    "dyck": dyck_sample,
    "identity": identity_sample,
    "set": set_sample,
}


def plain_loop(name: str, arch: Architecture, batch: int):
    """The usual way: GPT2LMHeadModel, full-length logits, a Python loop for the samples,
    torch.optim.AdamW. Returns a step function.
    """
    config = GPT2Config(
        vocab_size=arch.vocab,
        n_positions=arch.positions,
        n_embd=arch.width,
        n_layer=arch.layers,
        n_head=arch.heads,
        resid_pdrop=0,
        embd_pdrop=0,
        attn_pdrop=0,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=0,
    )
    network, rng = GPT2LMHeadModel(config), random.Random(0)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-3)
    schedule = get_cosine_schedule_with_warmup(optimiser, 500, 10_000)

    def step():
        rows, scored = zip(*(SAMPLES[name](rng) for _ in range(batch)))
        tokens = torch.tensor(rows)
        labels = torch.full_like(tokens, -100)
        for r, positions in enumerate(scored):
            labels[r, [p + 1 for p in positions]] = tokens[r, [p + 1 for p in positions]]
        optimiser.zero_grad()
        network(tokens, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()

    return step


def our_loop(name: str, arch: Architecture, batch: int, task):
    """Our loop as it trains, data included; evaluation is left out of both. Returns a function that
    takes STEPS steps.
    """
    budget = Budget(steps=10**6, batch=batch, evaluate_every=10**6, test_samples=1)
    state = State.start(model.fresh(arch, "bench")[None], "cpu", task)
    state.curves[0].append({"step": 0})

    def steps():
        goal = state.step + STEPS

        def stop():
            return state.step >= goal

        try:
            train(task, arch, budget, [0], state, should_stop=stop)
        except Exception as error:
            if type(error).__name__ != "Interrupted":
                raise

    return steps


def timed(function) -> float:
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def step_ratios() -> dict:
    print(f"{'step':20}{'batch':>7}{'Hugging Face':>16}{'ours':>12}{'ratio':>9}{'GFLOP/s':>10}")
    ratios = {}
    for name, batch in TASKS.items():
        task = make_task(name)
        arch = Architecture(task.vocab, max(100, task.length))
        theirs, ours = plain_loop(name, arch, batch), our_loop(name, arch, batch, task)
        theirs(), ours()
        pairs = [(timed(theirs), timed(ours) / STEPS) for _ in range(REPEATS)]
        a, b = np.median(pairs, 0)
        ratios[name] = round(float(np.median([x / y for x, y in pairs])), 2)
        rate = step_flops(name, batch) / b / 1e9
        print(
            f"{name:20}{batch:>7}{1e3 * a:>13.1f} ms{1e3 * b:>9.1f} "
            f"ms{ratios[name]:>8.1f}x{rate:>10.0f}",
            flush=True,
        )
    return ratios


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
            ours = our_loop("haystack", arch, case if what == "batch" else 1000, task)
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
            compute = make_engine(engine, arch, 0.0, "cpu", None)
            weights = torch.from_numpy(
                np.stack([model.fresh(arch, "bench", i) for i in range(size)])
            )
            batches = [task.batch(250, "train", 0).trained_on("reference")] * size
            compute.gradient(weights, batches, 0.0, ())
            seconds = [
                timed(partial(compute.gradient, weights, batches, 0.0, ())) for _ in range(3)
            ]
            row[size] = round(1e3 * float(np.median(seconds)) / size, 2)
        found[engine] = row
        print(f"  {engine:8}" + "".join(f"{k:>8}: {v:<8.1f}" for k, v in row.items()), flush=True)
    return found


def step_flops(name: str, batch: int) -> float:
    """Floating-point operations of one training step, no more than what is scored: matrix products
    alone, the way back twice the way there.
    """
    rows = make_task(name).batch(batch, "train", 0).trained_on("reference")
    vocab, d, scored = make_task(name).vocab, 16, rows.targets >= 0
    total = 0.0
    for mask, positions in zip(scored, rows.positions):
        w = positions[mask] + 1
        t, q, seen = w.max(), len(w), w.sum()
        first = (
            24 * t * d * d + 2 * t * (t + 1) * d
        )  # q, k, v, out and the MLP at every time; causal attention
        last = 4 * t * d * d + 20 * q * d * d + 4 * seen * d
        total += first + last + 2 * q * d * vocab
    return 3 * total


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
        step(), step()
    elif who == "ours":
        our_loop("haystack", arch, 1000, task)()
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
        f"\nmatrix product {product:.0f} GFLOP/s, memory {copy:.1f} GB/s, "
        f"{torch.get_num_threads()} threads, {platform.machine()}"
    )
    return {
        "matrix_gflops": round(product, 1),
        "memory_gbs": round(copy, 1),
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
    }


def into_readme(result: dict) -> None:
    """Put the table of ratios between the markers in README.md, with the machine and the day."""
    path = Path(__file__).parent.parent / "README.md"
    before, _, rest = path.read_text().partition("<!-- bench -->")
    after = rest.partition("<!-- /bench -->")[2]
    names, ratios = zip(*result["step_ratio"].items())
    m, memory = result["machine"], result["peak_mib"]
    table = [
        f"| {' | '.join(['training step', *(n.replace('_', ' ') for n in names)])} |",
        "|---|" + "--:|" * len(names),
        f"| {' | '.join(['times a plain Hugging Face loop', *(f'{r:.1f}' for r in ratios)])} |",
    ]
    caption = (
        f"Measured by `make bench` on {time.strftime('%Y-%m-%d')}: {m['threads']} threads, "
        f"{m['machine']}, large matrix products at "
        f"{m['matrix_gflops']:.0f} GFLOP/s; batch 1,000 (k-DYCK 64 x 128), size 2_4_16, data "
        f"included. Peak memory {memory['ours']} MiB beside "
        f"{memory['theirs']} MiB (imports alone {memory['nothing']}). Samples a second on one "
        "core, and times a Python loop over samples: "
        + ", ".join(
            f"{n.replace('_', ' ')} {v:,.0f} ({result['generator_ratio'][n]:.1f})"
            for n, v in result["samples_a_second"].items()
        )
        + "."
    )
    path.write_text(
        before
        + "<!-- bench -->\n"
        + "\n".join(table)
        + "\n\n"
        + caption
        + "\n<!-- /bench -->"
        + after
    )


def main() -> None:
    steps, (ratios, speeds) = step_ratios(), generator_ratios()
    result = {
        "step_ratio": steps,
        "generator_ratio": ratios,
        "samples_a_second": speeds,
        "growth_ms": growth(),
        "fleet_ms": fleet_growth(),
        "peak_mib": peak_memory(),
        "machine": machine(),
    }
    Path(__file__).with_name("latest.json").write_text(json.dumps(result, indent=1) + "\n")
    if "--readme" in sys.argv:
        into_readme(result)


if __name__ == "__main__":
    take_steps(sys.argv[2]) if sys.argv[1:2] == ["--memory"] else main()
