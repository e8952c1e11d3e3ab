"""Work on more than one machine.

Dask carries jobs out and results back, and knows nothing of either.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

LOOK_AGAIN = 0.2  # seconds between two looks at what has come and at whether to stop
PATIENCE = 8  # seconds until a scheduler that does not answer is given up


def connect(scheduler: str):
    """Return a Dask client.

    Args:
        scheduler: ``tcp://host:port``, ``local:N`` (N processes here) or ``slurm:FILE`` (options of
            SLURMCluster, as JSON); see :func:`procmod_lib.runs.machine.check_scheduler`.
    """
    from distributed import Client, LocalCluster

    kind, _, rest = scheduler.partition(":")
    if kind == "tcp":
        try:
            return Client(scheduler, timeout=PATIENCE)
        except OSError:
            raise ValueError(
                f"scheduler must be the address of a running cluster; nothing answered at "
                f"{scheduler!r} within {PATIENCE} s."
            ) from None
    if kind == "local":
        return Client(
            LocalCluster(n_workers=int(rest), threads_per_worker=1, dashboard_address=None)
        )
    return Client(_slurm(Path(rest)))


def _slurm(file: Path):
    """A cluster of SLURM jobs from a file of SLURMCluster's options, ``jobs`` among them."""
    from dask_jobqueue import SLURMCluster

    options = json.loads(file.read_text(encoding="utf-8"))
    jobs = options.pop("jobs", 1)
    try:
        slurm = SLURMCluster(**options)
        slurm.scale(jobs=jobs)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"scheduler must name a file of SLURMCluster's options, got slurm:{file}: {error}"
        ) from None
    return slurm


def each_result(
    scheduler: str, function: Callable, jobs: list[tuple], should_stop: Callable[[], bool]
) -> Iterator[tuple]:
    """Call ``function(*job)`` for each job on a cluster; yield (job, result or the exception) as
    they come.

    Dask gives the job of a worker that died to another one. Asked to stop, what has not come is
    given up; a cluster that was started here is closed, whatever happens.
    """
    with connect(scheduler) as client:
        try:
            waiting = {client.submit(function, *job, pure=False): job for job in jobs}
            while waiting and not should_stop():
                ready = [future for future in waiting if future.done()]
                for future in ready:
                    yield waiting.pop(future), _result_of(future)
                if not ready:
                    time.sleep(LOOK_AGAIN)
            client.cancel(list(waiting))
        finally:
            if client.cluster is not None:
                client.cluster.close()


def _result_of(future):
    """What a job returned, or the exception that ended it."""
    try:
        return future.result()
    except Exception as error:
        return error
