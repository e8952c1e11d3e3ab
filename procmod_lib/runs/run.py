"""A run and its key, and fleets of runs that can train in lock step."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property

import torch

from procmod_lib.initial import Condition
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs.budget import Budget
from procmod_lib.tasks import THEN, Task
from procmod_lib.tasks.task import is_count

# raise it when the meaning of a result changes; older results are then never mixed with new ones
SCHEMA = 1
KEY_DIGITS = 16


@dataclass(frozen=True)
class Run:
    """All that determines one training run and its result.

    Attributes:
        task: what is learnt.
        arch: by what shape.
        budget: for how long.
        seed: names data, initialisation and perturbation.
        condition: the initial condition.
        donors: (source name, the Run that pretrained it) for each source of the condition.
        answer_mask: which outputs training looks at.
        preset: a label for the reader, not part of the key.
    """

    task: Task
    arch: Architecture
    budget: Budget
    seed: int
    condition: Condition = Condition()
    donors: tuple[tuple[str, "Run"], ...] = ()
    answer_mask: str = "reference"
    preset: str = ""

    def __post_init__(self) -> None:
        if not is_count(self.seed, 0):
            raise ValueError(f"seed must be a whole number, 0 or more, got {self.seed!r}.")
        if self.answer_mask not in ("reference", "full"):
            raise ValueError(
                f"answer_mask must be 'reference' or 'full', got {self.answer_mask!r}."
            )
        check_fits(self.arch, self.task)
        self.condition.check(self.arch)
        if set(dict(self.donors)) != set(self.condition.sources):
            given = tuple(dict(self.donors))
            raise ValueError(f"donors must be of {self.condition.sources}, got {given}.")

    def spec(self) -> dict:
        """Everything the result depends on, as plain JSON values."""
        return {
            "schema": SCHEMA,
            "task": self.task.spec(),
            "architecture": asdict(self.arch),
            "budget": self.budget.spec(),
            "seed": self.seed,
            "initial_condition": str(self.condition),
            "answer_mask": self.answer_mask,
            "donors": {name: run.key for name, run in self.donors},
        }

    @cached_property
    def key(self) -> str:
        """16 hexadecimal digits of the hash of :meth:`spec`."""
        return key_of(self.spec())

    @property
    def source(self) -> str:
        """Of a pretraining run what its model has learnt, such as ``identity>set`` where it went on
        from another source.
        """
        return THEN.join([*(donor.source for _, donor in self.donors), self.task.name])

    @property
    def label(self) -> str:
        """How progress and errors name it."""
        return f"{self.task.name} · {self.condition} · seed {self.seed}"


def check_fits(arch: Architecture, task: Task) -> None:
    """Raise ValueError unless a model of this shape can read every sample of a task."""
    if arch.inputs != task.kind:
        raise ValueError(
            f"architecture: inputs must be {task.kind!r} for {task.name}, got {arch.inputs!r}."
        )
    for name, least in (("positions", task.length), ("vocab", task.vocab)):
        if getattr(arch, name) < least:
            raise ValueError(
                f"architecture: {name} must be {least} or more for {task.name}, got "
                f"{getattr(arch, name)}."
            )


COMPLETE, CEILING, NO_BETTER, NON_FINITE = "complete", "ceiling", "no better", "non-finite"
"""How a run may end: at its last step, before it by a rule of its budget, or with no number."""


def each_once(runs: list[Run]) -> list[Run]:
    """Runs without those whose key came before."""
    found: dict[str, Run] = {}
    for run in runs:
        found.setdefault(run.key, run)
    return list(found.values())


def with_donors(runs: list[Run]) -> list[Run]:
    """Runs and the runs that pretrain their donors, and those of the donors, each once, donors
    first.
    """
    found: dict[str, Run] = {}
    for run in runs:
        donors = [donor for _, donor in run.donors]
        found |= {each.key: each for each in [*with_donors(donors), run] if each.key not in found}
    return list(found.values())


def donors_of(runs: list[Run]) -> list[Run]:
    """The runs that pretrain what these start from, each once."""
    return each_once([donor for run in runs for _, donor in run.donors])


def fleet_key(fleet: list[Run]) -> str:
    """The name of a fleet's checkpoint: a run's own key, or a hash of its members' keys."""
    return fleet[0].key if len(fleet) == 1 else _hash("".join(r.key for r in fleet))


def key_of(spec: dict) -> str:
    """The key of the run with this spec."""
    return _hash(json.dumps(spec, sort_keys=True))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]


def into_fleets(runs: list[Run], device: str, most: int | None = None) -> list[list[Run]]:
    """Group runs that can train in lock step: those of one task, shape, budget and mask.

    Args:
        runs: what is to be trained.
        device: on a CPU a fleet is one run, since each core trains one at a time; on a GPU its size
            comes from free memory.
        most: the largest fleet, whatever the device.
    """
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        groups.setdefault((run.task, run.arch, run.budget, run.answer_mask), []).append(run)
    fleets = []
    for group in groups.values():
        size = most or fleet_size(group[0], device)
        group.sort(key=lambda r: r.seed)  # neighbours share batches
        fleets += [group[i : i + size] for i in range(0, len(group), size)]
    return fleets


def fleet_size(run: Run, device: str) -> int:
    """How many runs of a kind train together: on a GPU a power of two, so that a little more or
    less free memory makes the same fleets, and a stopped sweep finds its checkpoints.
    """
    if device == "cpu" or run.task.first_length:  # a curriculum lengthens when a run is ready
        return 1
    most = int(0.7 * torch.cuda.mem_get_info()[0] // bytes_per_model(run))
    return 2 ** (max(1, most).bit_length() - 1)


def bytes_per_model(run: Run) -> int:
    """Memory that one more model of a fleet takes on a GPU while it trains, in bytes (an estimate
    from above).

    A step keeps about 40 numbers of 4 bytes for each sample, position, width and layer, and
    attention's own squares."""
    a, t, batch = run.arch, run.task.length, run.budget.batch
    kept = batch * t * a.layers * (40 * a.width + 3 * a.heads * t)
    return 4 * (kept + 3 * batch * a.vocab * 8 + 5 * a.size)
