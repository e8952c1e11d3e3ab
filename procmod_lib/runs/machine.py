"""Where and how runs are trained: one frozen value."""

import json
import os
import re
import time
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import torch

from procmod_lib.network.engines import check_engine
from procmod_lib.tasks.task import is_count


@dataclass(frozen=True)
class Machine:
    """Where and how runs are trained.

    Attributes:
        device: ``"cpu"`` or ``"cuda"``.
        engine: see :func:`procmod_lib.network.engines.make_engine`.
        workers: runs at a time on a CPU; None takes one a core.
        time_budget: seconds after which everything is checkpointed and what is finished is
            returned (of a cluster, what is under way there is lost); None is no limit.
        scheduler: None trains here; otherwise a Dask cluster: ``tcp://HOST:PORT``, ``local:N`` (N
            processes here) or ``slurm:FILE`` (options of SLURMCluster, as JSON).

    Raises:
        ValueError: one sentence that names the parameter, what was given and what is allowed.
    """

    device: str = "cpu"
    engine: str = "auto"
    workers: int | None = None
    time_budget: float | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        check_device(self.device)
        check_engine(self.engine)
        check_scheduler(self.scheduler)
        check_time_budget(self.time_budget)
        if self.workers is not None and not is_count(self.workers):
            raise ValueError(
                f"workers must be a whole number above 0, or None, got {self.workers!r}."
            )
        if self.workers is not None and (self.scheduler is not None or self.device != "cpu"):
            where = "a scheduler" if self.scheduler is not None else f"device {self.device!r}"
            raise ValueError(f"workers must be None with {where}, got {self.workers!r}.")

    def left_since(self, begun: float) -> "Machine | None":
        """This machine with what is left of its time since a moment on the monotonic clock; None
        where nothing is.
        """
        if self.time_budget is None:
            return self
        left = self.time_budget - (time.monotonic() - begun)
        return replace(self, time_budget=left) if left > 0 else None

    def share(self, fleets: int) -> tuple[int, int]:
        """(runs at a time, threads of each) for so many fleets."""
        workers = max(1, min(self.workers or cores(), fleets)) if self.device == "cpu" else 1
        return workers, max(1, cores() // workers)


def cores() -> int:
    """How many this process may use: of a cluster's node often fewer than it has."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def check_device(device) -> None:
    """Raise ValueError unless the device is there."""
    if device == "cpu" or (device == "cuda" and torch.cuda.is_available()):
        return
    allowed = (
        "'cpu' or 'cuda'"
        if torch.cuda.is_available()
        else "'cpu' (no CUDA device is available here)"
    )
    raise ValueError(f"device must be {allowed}, got {device!r}.")


def check_time_budget(seconds) -> None:
    """Raise ValueError unless it is None or a number above 0."""
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ValueError(
            f"time_budget must be a number of seconds above 0, or None, got {seconds!r}."
        )


def check_scheduler(scheduler) -> None:
    """Raise ValueError unless it is None or the address of a Dask cluster."""
    if scheduler is None:
        return
    kind, _, rest = scheduler.partition(":") if isinstance(scheduler, str) else ("", "", "")
    is_right = {
        "tcp": re.fullmatch(r"//[^/:]+:\d+", rest) is not None,
        "local": rest.isdecimal() and int(rest) > 0,
        "slurm": bool(rest) and Path(rest).is_file(),
    }
    if not is_right.get(kind, False):
        raise ValueError(
            f"scheduler must be tcp://HOST:PORT, local:N or slurm:FILE, got {scheduler!r}."
        )
    if kind == "slurm" and not _is_json_object(Path(rest)):
        raise ValueError(f"scheduler must name a file of JSON options, got {scheduler!r}.")
    module = "dask_jobqueue" if kind == "slurm" else "distributed"  # the first brings the second
    if find_spec(module) is None:
        raise ValueError(
            f"scheduler needs the package {module.replace('_', '-')}, which is not installed "
            f"here, got {scheduler!r}."
        )


def _is_json_object(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except ValueError:
        return False
