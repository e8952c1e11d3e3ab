"""The same sweep on more than one machine: a fleet is one Dask task, results come back as file contents."""

import json
import tempfile
from pathlib import Path

from procmod_lib.runs import files


def check(scheduler) -> None:
    """Raise ValueError unless ``scheduler`` is None or written as :func:`connect` reads it."""
    kind, _, rest = scheduler.partition(":") if isinstance(scheduler, str) else ("", "", "")
    ok = {"tcp": rest.startswith("//"), "local": rest.isdigit() and int(rest or 0) > 0, "slurm": Path(rest).is_file()}
    if scheduler is not None and not ok.get(kind):
        raise ValueError(f"scheduler must be tcp://HOST:PORT, local:N or slurm:FILE, got {scheduler!r}.")


def connect(scheduler: str):
    """Return a Dask client for ``tcp://host:port``, ``local:N`` (N processes here) or ``slurm:FILE`` (options of SLURMCluster, as JSON)."""
    check(scheduler)
    from distributed import Client, LocalCluster

    kind, _, rest = scheduler.partition(":")
    if kind == "tcp":
        return Client(scheduler)
    if kind == "local":
        return Client(LocalCluster(n_workers=int(rest), threads_per_worker=1, dashboard_address=None))
    from dask_jobqueue import SLURMCluster

    options = json.loads(Path(rest).read_text())
    cluster = SLURMCluster(**{k: v for k, v in options.items() if k != "jobs"})
    cluster.scale(jobs=options.get("jobs", 1))
    return Client(cluster)


def train_on(scheduler: str, store, fleets: list, device: str, engine: str, keep_weights: bool, stop, done) -> list[str]:
    """Train fleets on a cluster and write what comes back into ``store``; return the failures.

    Dask gives the task of a worker that died to another one. A fleet whose results are already there is not sent.
    """
    from distributed import as_completed

    failures = []
    with connect(scheduler) as client:
        donors = {d.key: store.donor_file(d) for fleet in fleets for run in fleet for _, d in run.donors}
        sent = {client.submit(train_fleet, f, [donors[d.key] for r in f for _, d in r.donors], device, engine, keep_weights, pure=False): f for f in fleets}
        for future in as_completed(list(sent)):
            try:
                contents, seconds = future.result()
            except Exception as error:
                failures += [f"{run.label} ({run.key}): {type(error).__name__}: {error}" for run in sent[future]]
                continue
            for kind, stem, suffix, content in contents:
                files.write(store.folder / kind, stem, suffix, content)
            for run in sent[future]:
                done(run, seconds)
            if stop():
                client.cancel([f for f in sent if not f.done()])
                break
        if client.cluster is not None:
            client.cluster.close()
    return failures


def train_fleet(fleet: list, donors: list, device: str, engine: str, keep_weights: bool):
    """Train a fleet in a folder of its own; return (files as (kind, stem, suffix, content), seconds a member). Runs on a worker."""
    from procmod_lib.runs.store import Store

    with tempfile.TemporaryDirectory() as folder:
        store, cost = Store(folder, published=None), []
        for kind, stem, suffix, content in donors:
            files.write(Path(folder) / kind, stem, suffix, content)
        failures = store.work(fleet, device, engine, 1, keep_weights, lambda: False, lambda run, seconds: cost.append(seconds))
        if failures:
            raise RuntimeError("; ".join(failures))
        wanted = {r.key for r in fleet}
        found = []
        for path in Path(folder).glob("*/*.*.*"):
            stem, _, suffix = path.name.split(".")
            if path.parent.name == "provenance" or (path.parent.name in ("runs", "weights") and stem in wanted):
                found.append((path.parent.name, stem, suffix, path.read_bytes()))
        return found, cost[0]
