"""Reading a large store: a filtered view and a grid's table out of 100,000 runs x 200 evaluations,
time and memory.

Writes a pack of that size (about 700 MB) to a temporary folder, then reads it in a process of its
own, as a notebook would. Takes some minutes."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from procmod_lib.runs import packs
from procmod_lib.runs.files import digest

RUNS, EVALUATIONS = 100_000, 200


def build(folder: Path) -> None:
    """Write RUNS x EVALUATIONS rows as ``packs.pack`` would: sorted, a digest in the name."""
    (folder / "runs").mkdir(parents=True)
    keys = [f"{i:016x}" for i in range(RUNS)]
    rng, path = np.random.default_rng(0), folder / "runs" / "new"
    writer, chunk = None, packs.ROWS // EVALUATIONS
    for first in range(0, RUNS, chunk):
        n = chunk * EVALUATIONS
        run = np.repeat(np.arange(first, first + chunk), EVALUATIONS)
        cell = (
            run // 10
        )  # ten seeds a cell, cells in order: 10 diagnostics of 1,000 initial conditions
        columns = {
            "diagnostic": np.char.add("diagnostic", (cell // 1000).astype(str)),
            "initial_condition": np.char.add("attention=", (cell % 1000).astype(str)),
            "preset": np.full(n, "paper"),
            "seed": run % 10,
            "step": np.tile(np.arange(EVALUATIONS) * 50, chunk),
            **{name: rng.random(n) for name in ("token_accuracy", "exact_match", "loss")},
            "status": np.full(n, "complete"),
            "key": np.array(keys)[run],
            "spec": np.full(n, "{}"),
        }
        table = pa.table(columns).replace_schema_metadata({"keys": json.dumps(keys)})
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=packs.ROWS)
    writer.close()
    path.rename(path.with_name(f"pack.{digest(path)}.parquet"))


def read(folder: str) -> None:
    """What a reader's process does.

    Prints seconds of a first and a second view, their rows, and the peak of memory in MiB.
    """
    from procmod_lib.runs.store import Store

    store, seconds = Store(folder, None), []
    for cell in (3, 4):
        begun = time.perf_counter()
        view = store.view(diagnostic=f"diagnostic{cell}", initial_condition="attention=77")
        seconds.append(round(time.perf_counter() - begun, 2))
        assert len(view) == 10 * EVALUATIONS
    peak = next(
        line.split()[1]
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    print(
        json.dumps(
            {
                "first_s": seconds[0],
                "second_s": seconds[1],
                "rows": len(view),
                "peak_mib": int(peak) // 1024,
            }
        )
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        read(sys.argv[2])
    else:
        with tempfile.TemporaryDirectory() as place:
            build(Path(place))
            size = sum(p.stat().st_size for p in (Path(place) / "runs").iterdir()) / 2**20
            done = subprocess.run(
                [sys.executable, __file__, "--read", place],
                capture_output=True,
                text=True,
                check=True,
            )
            print(
                f"{RUNS:,} runs x {EVALUATIONS} evaluations, {size:.0f} MiB: {done.stdout.strip()}"
            )
