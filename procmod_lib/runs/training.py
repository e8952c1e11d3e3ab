"""One loop that pretrains and fine-tunes a fleet of S models that share task, architecture and
budget.
"""

import json
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from procmod_lib.network import gpt2
from procmod_lib.network.engines import make_engine
from procmod_lib.network.gpt2 import Architecture
from procmod_lib.runs.batches import Pools, draw, drawn_ahead
from procmod_lib.runs.budget import Budget
from procmod_lib.runs.machine import cores
from procmod_lib.runs.optimiser import adamw
from procmod_lib.tasks import Batch, Task

AT_CEILING = 0.999  # token accuracy from which a run counts as done
LENGTHEN_AT = 0.99  # validation accuracy at which a curriculum lengthens its lists
LENGTHEN_EVERY = 100  # steps between two chances, where training stops when nothing is better
LENGTHEN_BY = 2  # tokens
SNAPSHOT = "snapshot "  # names the tensors of a checkpoint that are snapshots


@dataclass
class State:
    """Everything that a killed run needs to go on.

    Attributes:
        weights: (S, P).
        mean: (S, P), the running mean of the gradient.
        square: (S, P), that of its square.
        step: how many were taken.
        length: list length of a curriculum, else 0.
        validated: validation accuracies of a curriculum at its present length.
        curves: one list of evaluations a model.
        snapshots: weights (S, P) after some of the steps, by step; whoever trains takes them.
    """

    weights: torch.Tensor
    mean: torch.Tensor
    square: torch.Tensor
    step: int = 0
    length: int = 0
    curves: list = field(default_factory=list)
    validated: list = field(default_factory=list)
    snapshots: dict[int, np.ndarray] = field(default_factory=dict)

    @classmethod
    def start(cls, weights: np.ndarray, device: str, task: Task) -> "State":
        """The state before the first step, from weights (S, P)."""
        w = torch.from_numpy(np.array(weights, np.float32)).to(device)  # a copy: it is trained
        return cls(
            w, torch.zeros_like(w), torch.zeros_like(w), 0, task.first_length, [[] for _ in w]
        )

    def to_tensors(self) -> tuple[dict, dict]:
        """Return (tensors, metadata) for safetensors."""
        names = ("weights", "mean", "square")
        tensors = {n: getattr(self, n).cpu().contiguous().numpy() for n in names}
        tensors |= {f"{SNAPSHOT}{step}": flat for step, flat in self.snapshots.items()}
        position = {n: getattr(self, n) for n in ("step", "length", "curves", "validated")}
        return tensors, {"state": json.dumps(position)}

    @classmethod
    def from_tensors(cls, tensors: dict, metadata: dict, device: str) -> "State":
        """The state that :meth:`to_tensors` wrote."""
        moments = (
            torch.from_numpy(np.array(tensors[n])).to(device) for n in ("weights", "mean", "square")
        )
        snapshots = {
            int(name.removeprefix(SNAPSHOT)): np.array(flat)
            for name, flat in tensors.items()
            if name.startswith(SNAPSHOT)
        }
        return cls(*moments, **json.loads(metadata["state"]), snapshots=snapshots)

    def only(self, members: list[int]) -> "State":
        """The state of some members alone, to take a step with; itself where it is all of them."""
        if len(members) == len(self.curves):
            return self
        return replace(
            self, **{name: getattr(self, name)[members] for name in ("weights", "mean", "square")}
        )

    def put(self, part: "State", members: list[int]) -> None:
        """Write back what :meth:`only` took out."""
        if part is not self:
            for name in ("weights", "mean", "square"):
                getattr(self, name)[members] = getattr(part, name)


class Interrupted(Exception):
    """Training was asked to stop before its last step; its state can be saved."""


@contextmanager
def denormals_as_zero():
    """Within, this thread counts numbers below 1e-38 as zero.

    Sharp attention makes many, each a hundred times slower on a CPU.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@denormals_as_zero()
def train(
    task: Task,
    arch: Architecture,
    budget: Budget,
    seeds: list[int],
    state: State,
    frozen: np.ndarray | None = None,
    *,
    answer_mask: str = "reference",
    device: str = "cpu",
    engine: str = "auto",
    threads: int | None = None,
    on_step: Callable[[State], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> State:
    """Train a fleet from ``state`` to the end of its budget, in place.

    A member that its budget's own rules end is left as it is then, while the others go on.

    Args:
        task: what to learn.
        arch: the models' shape.
        budget: their schedule.
        seeds: (S,) data seed of each model; models with equal seeds see equal batches.
        state: where training stands.
        frozen: (S, P) bool, parameters that stay.
        answer_mask: ``"reference"`` or ``"full"``.
        device: ``"cpu"`` or ``"cuda"``.
        engine: ``"auto"`` takes a compiled kernel where one applies and PyTorch elsewhere.
        threads: of the kernel; None takes all cores.
        on_step: called with the state after every step.
        should_stop: called before every step.

    Returns:
        The state. Its curves hold, for each model, a dict an evaluation: step, token_accuracy,
        exact_match, loss.

    Raises:
        Interrupted: ``should_stop`` said so.
    """
    compute = make_engine(engine, arch, budget.dropout, device, threads or cores())
    decay = decayed(arch, device, everywhere=budget.decay_all)
    free = None
    if frozen is not None and np.any(frozen):
        free = torch.from_numpy(~np.asarray(frozen)).to(device)
    test = task.batch(budget.test_samples, "test", 0)  # the same samples for every seed
    if not state.curves[0]:
        _evaluate(compute, state, test, range(len(seeds)))
    going = still_going(state, budget)
    pools = Pools()
    upcoming = drawn_ahead(
        lambda length, step: draw(
            task, budget, [seeds[s] for s in going], answer_mask, length, step, pools
        ),
        device,
    )
    while state.step < budget.steps and going:
        if should_stop is not None and should_stop():
            raise Interrupted
        batches = upcoming(state.length, state.step)
        theirs = [seeds[s] for s in going]
        part = state.only(going)
        paths = [(task.name, seed, state.step) for seed in theirs]
        gradient = compute.gradient(
            part.weights, [batches[s] for s in theirs], budget.dropout, paths
        )
        moving = None if free is None else free[going]
        if moving is not None:
            gradient *= moving
        adamw(part, gradient, budget, decay, moving)
        state.put(part, going)
        state.step += 1
        if state.step % budget.evaluate_every == 0 or state.step == budget.steps:
            _evaluate(compute, state, test, going)
            _lengthen(compute, task, state, budget)
            going = still_going(state, budget)
        if on_step is not None:
            on_step(state)
    return state


def decayed(arch: Architecture, device: str = "cpu", *, everywhere: bool = False) -> torch.Tensor:
    """(P,): 1 for parameters that weight decay applies to, else 0."""
    mask = torch.zeros(arch.size, device=device)
    for name, columns in arch.slices.items():
        mask[columns] = float(everywhere or gpt2.decays(name))
    return mask


def _evaluate(compute, state: State, test: Batch, members) -> None:
    """Add an evaluation to the curve of each of these members."""
    loss, hit = compute.scores(state.only(list(members)).weights, test)  # (members, n, W) each
    scored = test.reference.sum()
    for member, its_loss, its_hit in zip(members, loss, hit, strict=True):
        exact = np.where(test.answer, its_hit >= 1, True).all(1)
        evaluation = {
            "step": state.step,
            "token_accuracy": float((its_hit * test.reference).sum() / scored),
            "exact_match": float(exact.mean()),
            "loss": float((its_loss * test.reference).sum() / scored),
        }
        state.curves[member].append(evaluation)


def _lengthen(compute, task: Task, state: State, budget: Budget) -> None:
    """Give a curriculum longer lists where the validation accuracy at the present length is high
    enough.

    Where training stops when nothing is better there is a chance every LENGTHEN_EVERY steps, for
    the best accuracy since the last, as in the released loop; else at every evaluation.
    """
    full = state.length >= task.full_length
    if not state.length or (full and not budget.stop_after):
        return
    now = task.at_length(state.length)
    batch = now.batch(min(1000, budget.test_samples), "validation", state.length)
    _, hit = compute.scores(state.weights, batch)  # (S, n, W)
    accuracy = [(each * batch.reference).sum() / batch.reference.sum() for each in hit]
    state.validated.append(float(min(accuracy)))
    is_chance = not budget.stop_after or state.step % LENGTHEN_EVERY == 0
    if is_chance and not full and max(state.validated) >= LENGTHEN_AT:
        state.length = min(state.length + LENGTHEN_BY, task.full_length)
        state.validated.clear()


def still_going(state: State, budget: Budget) -> list[int]:
    """The members that the budget's own rules have not ended."""
    return [
        member
        for member, curve in enumerate(state.curves)
        if not at_ceiling(curve, budget)
        and not no_better(state.validated if state.length else _accuracies(curve[1:]), budget)
    ]


def no_better(reached: list[float], budget: Budget) -> bool:
    """Whether the last ``stop_after`` of these accuracies are no better than one before."""
    return (
        budget.stop_after > 0
        and len(reached) > budget.stop_after
        and reached.index(max(reached)) < len(reached) - budget.stop_after
    )


def at_ceiling(curve: list[dict], budget: Budget) -> bool:
    """Whether the last ``patience`` evaluations are at the ceiling."""
    if budget.patience == 0:
        return False
    tail = _accuracies(curve[-budget.patience :])
    return len(tail) == budget.patience and min(tail) >= AT_CEILING


def _accuracies(curve: list[dict]) -> list[float]:
    return [evaluation["token_accuracy"] for evaluation in curve]
