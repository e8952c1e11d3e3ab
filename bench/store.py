"""Reading a large store: status, a filtered view, a grid's table and a section of a page.

``python bench/store.py`` writes a store of 100,000 packed and 20,000 unpacked runs of 200 and of 20
evaluations (about 800 MB) to a temporary folder, then reads it in a process of its own, as a
notebook would, and prints seconds and the peak of memory. Some minutes.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from procmod_lib.experiments.conditions import SIX
from procmod_lib.experiments.grids import selective_transfer
from procmod_lib.runs import files, packs
from procmod_lib.runs.run import Run
from procmod_lib.runs.store import COLUMNS, Store

PACKED, EVALUATIONS = 100_000, 200
SINGLE, FEW = 20_000, 20


def grid() -> list[Run]:
    """The runs that are asked for: the core chapter's, half of them packed, half not."""
    return selective_transfer("paper", sources=SIX, diagnostics=["haystack"], seeds=40)


def columns_of(keys: list[str], evaluations: int, first: int = 0) -> dict:
    """Columns of made-up runs: ten seeds a cell, cells in order; those of the grid are HAYSTACK."""
    n, run = len(keys) * evaluations, np.repeat(first + np.arange(len(keys)), evaluations)
    rng, cell = np.random.default_rng(0), run // 10
    names = np.char.add("zone", (cell // 1000).astype(str))
    return {
        "diagnostic": np.where(cell < 100, "haystack", names),
        "initial_condition": np.char.add("attention=", (cell % 1000).astype(str)),
        "preset": np.full(n, "paper"),
        "seed": run % 10,
        "step": np.tile(np.arange(evaluations) * 50, len(keys)),
        **{name: rng.random(n) for name in ("token_accuracy", "exact_match", "loss")},
        "status": np.full(n, "complete"),
        "started": np.full(n, "2026-01-01T00:00:00+00:00"),
        "seconds": rng.random(n),
        "key": np.array(keys)[run - first],
        "provenance": np.full(n, "0" * 12),
        "spec": np.full(n, "{}"),
    }


def build(folder: Path) -> None:
    """Write a pack as ``packs.pack`` would, and files of single runs."""
    (folder / "runs").mkdir(parents=True)
    wanted = [run.key for run in grid()]
    half = len(wanted) // 2
    keys = wanted[:half] + [f"{i:016x}" for i in range(PACKED - half)]
    path, chunk = folder / "runs" / "new", packs.ROWS // EVALUATIONS
    writer = None
    for first in range(0, PACKED, chunk):
        table = pa.table(columns_of(keys[first : first + chunk], EVALUATIONS, first))
        table = table.replace_schema_metadata({"keys": json.dumps(keys)})
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=packs.ROWS)
    assert writer is not None
    writer.close()
    path.rename(path.with_name(f"pack.{files.digest(path)}.parquet"))
    one = pd.DataFrame(columns_of(["0" * 16], FEW))[COLUMNS]
    singles = wanted[half:] + [f"{i:016x}" for i in range(10**9, 10**9 + SINGLE)]
    for key in singles[:SINGLE]:
        content = packs.parquet(one.assign(key=key))
        (folder / "runs" / f"{key}.{files.digest(content)}.parquet").write_bytes(content)


def clock(function: Callable) -> float:
    """Seconds that a call takes."""
    begun = time.perf_counter()
    function()
    return round(time.perf_counter() - begun, 2)


def read(folder: str) -> None:
    """What a reader's process does; prints seconds and the peak of memory in MiB."""
    from procmod_lib.report.section import Section

    store, runs = Store(folder, None), grid()

    def page() -> None:
        Section(runs, store.load(runs), store).results()

    def view() -> None:
        for cell in (3, 4):  # two cells of ten runs
            found = store.view(diagnostic=f"zone{cell}", initial_condition="attention=77")
            assert len(found) >= 10 * EVALUATIONS

    seconds = {
        "status": clock(lambda: store.missing(runs)),
        "load": clock(lambda: store.load(runs)),
    }
    seconds |= {"page": clock(page), "view, which packs": clock(view), "view again": clock(view)}
    lines = Path("/proc/self/status").read_text().splitlines()  # Linux only
    peak = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    print(json.dumps(seconds | {"peak_mib": int(peak) // 1024}))


def main() -> None:
    """Build it, then read it in another process."""
    with tempfile.TemporaryDirectory() as place:
        build(Path(place))
        command = [sys.executable, __file__, "--read", place]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        print(f"{PACKED:,} packed and {SINGLE:,} unpacked runs: {done.stdout.strip()}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        read(sys.argv[2])
    else:
        main()
