"""Train one fleet into a store: start or go on, checkpoint, write what is finished."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from procmod_lib.initial import initialise
from procmod_lib.network import gpt2
from procmod_lib.network.engines import choose_engine
from procmod_lib.runs.keep import Keep
from procmod_lib.runs.machine import Machine
from procmod_lib.runs.provenance import gone_on, provenance
from procmod_lib.runs.run import (
    CEILING,
    COMPLETE,
    NO_BETTER,
    NON_FINITE,
    Run,
    fleet_key,
)
from procmod_lib.runs.store import Failed, Store
from procmod_lib.runs.training import Interrupted, State, at_ceiling, train

CHECKPOINT_SECONDS = 30.0


class Fleet:
    """Runs that train in lock step, and the store that they are written to.

    Args:
        runs: of one task, shape, budget and mask.
        store: where donors are read and results written.
        machine: on what they train.
        keep: what is kept beside their curves.
    """

    def __init__(self, runs: list[Run], store: Store, machine: Machine, keep: Keep):
        self.runs, self.store, self.machine, self.keep = runs, store, machine, keep
        self.name, self.facts = fleet_key(runs), provenance(machine.device)
        self.begun_at = datetime.now(UTC).isoformat(timespec="seconds")
        self.begun = time.monotonic()
        self.seconds_before = 0.0
        self.saved = self.begun

    def train(self, threads: int, should_stop: Callable[[], bool]) -> float:
        """Train to the end and write each member; return the seconds that a member cost.

        Raises:
            Interrupted: ``should_stop`` said so; the state was checkpointed.
        """
        state, frozen = self._start()
        first, seeds = self.runs[0], [run.seed for run in self.runs]
        how = dict(device=self.machine.device, engine=self.machine.engine, threads=threads)
        hooks = dict(on_step=self._after_step, should_stop=should_stop)
        shape = first.task, first.arch, first.budget
        try:
            train(*shape, seeds, state, frozen, answer_mask=first.answer_mask, **how, **hooks)
        except Interrupted:
            self._checkpoint(state)
            raise
        seconds = self._seconds() / len(self.runs)
        for i, run in enumerate(self.runs):
            self._write(run, state, i, seconds)
        self.store.forget_checkpoints({self.name})
        return seconds

    def _start(self) -> tuple[State, np.ndarray]:
        """Return (state, frozen (S, P)), from the last checkpoint if there is one."""
        starts = [initial_weights(run, self.store) for run in self.runs]
        frozen = np.stack([frozen for _, frozen in starts])
        checkpoint = self.store.checkpoint(self.name)
        if checkpoint is not None:
            tensors, metadata = checkpoint
            state = State.from_tensors(tensors, metadata, self.machine.device)
            has_all = set(self.keep.steps_until(state.step)) <= set(state.snapshots)
            if has_all and metadata.get("how") == self._how():
                self.seconds_before = float(metadata["seconds"])
                self.facts = gone_on(json.loads(metadata["facts"]), self.facts)
                return state, frozen
        weights = np.stack([weights for weights, _ in starts])
        state = State.start(weights, self.machine.device, self.runs[0].task)
        self._take_snapshot(state)
        return state, frozen

    def _take_snapshot(self, state: State) -> None:
        if state.step in self.keep.snapshots:
            state.snapshots[state.step] = state.weights.detach().cpu().numpy().copy()

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.begun

    def _after_step(self, state: State) -> None:
        """Take a snapshot where one is wanted, and a checkpoint now and then."""
        self._take_snapshot(state)
        if time.monotonic() - self.saved > CHECKPOINT_SECONDS:
            self._checkpoint(state)
            self.saved = time.monotonic()

    def _checkpoint(self, state: State) -> None:
        tensors, metadata = state.to_tensors()
        facts = json.dumps(self.facts, sort_keys=True)
        about = {"seconds": str(self._seconds()), "how": self._how(), "facts": facts}
        self.store.write_checkpoint(self.name, tensors, metadata | about)

    def _how(self) -> str:
        """On what and by which engine: they draw dropout differently, so a run that one of them
        began is begun anew by another.
        """
        run, device = self.runs[0], self.machine.device
        chosen = choose_engine(self.machine.engine, run.arch, run.budget.dropout, device)
        return f"{device} {chosen}"

    def _write(self, run: Run, state: State, member: int, seconds: float) -> None:
        """Write a member: its weights first, since a run counts as done by its table."""
        table = pd.DataFrame(state.curves[member])
        end = int(table["step"].max())
        if self.keep.snapshots:
            taken = {step: flat[member] for step, flat in state.snapshots.items() if step <= end}
            self.store.write_snapshots(run, self.store.snapshots(run) | taken, self.facts)
        if self.keep.weights:
            tensors = gpt2.views(state.weights[member].cpu().numpy(), run.arch)
            self.store.write_weights(run, tensors, self.facts)
        is_finite = bool(np.isfinite(table["loss"]).all())
        early = CEILING if at_ceiling(state.curves[member], run.budget) else NO_BETTER
        status = COMPLETE if end == run.budget.steps else early
        columns = {
            "diagnostic": run.task.name,
            "initial_condition": str(run.condition),
            "preset": run.preset,
            "seed": run.seed,
            "status": status if is_finite else NON_FINITE,
            "started": self.begun_at,
            "seconds": seconds,
            "key": run.key,
            "provenance": self.store.record(self.facts),
            "spec": json.dumps(run.spec(), sort_keys=True),
        }
        self.store.write_run(run, table.assign(**columns))


def initial_weights(run: Run, store: Store) -> tuple[np.ndarray, np.ndarray]:
    """Return (weights (P,), frozen (P,)) that a run starts from.

    Raises:
        Failed: a source that it needs is not in the store.
    """
    donors = {}
    for name, donor in run.donors:
        weights = store.weights(donor)
        if weights is None:
            raise Failed(f"the pretrained weights of {name} are not in the store")
        donors[name] = weights, donor.arch
    fresh = gpt2.fresh(run.arch, "init", run.task.name, run.seed)
    weights, frozen, _ = initialise(run.condition, fresh, run.arch, donors, run.seed)
    return weights, frozen
