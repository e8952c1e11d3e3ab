"""How long and how to train."""

import math
from dataclasses import asdict, dataclass, fields

from procmod_lib.tasks.task import is_count, without


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


COUNT = (lambda value: is_count(value, 0), "a whole number, 0 or more")
ABOVE = (lambda value: _is_number(value) and value > 0, "a number above 0")
NOT_BELOW = (lambda value: _is_number(value) and value >= 0, "a number, 0 or more")
ALLOWED = {
    "steps": (is_count, "a whole number above 0"),
    "batch": (is_count, "a whole number above 0"),
    "evaluate_every": (is_count, "a whole number above 0"),
    "test_samples": (is_count, "a whole number above 0"),
    "lr": ABOVE,
    "clip": ABOVE,
    "warmup": COUNT,
    "weight_decay": NOT_BELOW,
    "final_lr": NOT_BELOW,
    "patience": COUNT,
    "stop_after": COUNT,
    "pool": COUNT,
    "decay_all": (lambda value: isinstance(value, bool), "True or False"),
    "schedule": (lambda value: value in ("cosine", "constant"), "'cosine' or 'constant'"),
    "dropout": (lambda value: _is_number(value) and 0 <= value < 1, "at least 0 and below 1"),
}


YOUNGER = {"decay_all": False, "stop_after": 0, "pool": 0}


@dataclass(frozen=True)
class Budget:
    """How long and how to train; the defaults are the paper's fine-tuning protocol.

    Attributes:
        steps: optimiser steps.
        batch: samples a step.
        lr: peak learning rate.
        warmup: steps of linear warm-up.
        schedule: ``"cosine"`` to final_lr times the peak, or ``"constant"``.
        final_lr: the share of the peak at which the cosine ends.
        weight_decay: on weights, not on biases and norms unless decay_all says so.
        clip: the gradient's norm is cut to this.
        dropout: rate.
        evaluate_every: steps between evaluations.
        test_samples: fixed samples of an evaluation.
        patience: stop when this many evaluations in a row are at the ceiling (token accuracy 0.999
            or more); 0 never stops.
        decay_all: weight decay on every parameter.
        stop_after: stop when this many evaluations in a row have brought no better token accuracy,
            of a curriculum at its present length; 0 never stops.
        pool: draw batches without repeats from this many sequences, of which one is exchanged each
            time they have all been seen; 0 draws fresh ones for every step.

    Raises:
        ValueError: a field is out of range; the sentence names it.
    """

    steps: int = 10_000
    batch: int = 1000
    lr: float = 1e-3
    warmup: int = 500
    schedule: str = "cosine"
    final_lr: float = 0.0
    weight_decay: float = 1e-3
    clip: float = 1.0
    dropout: float = 0.0
    evaluate_every: int = 250
    test_samples: int = 4000
    patience: int = 0
    decay_all: bool = False
    stop_after: int = 0
    pool: int = 0

    def __post_init__(self) -> None:
        for name, (is_right, allowed) in ALLOWED.items():
            if not is_right(getattr(self, name)):
                raise ValueError(f"budget: {name} must be {allowed}, got {getattr(self, name)!r}.")
        for each in fields(self):
            if isinstance(each.default, float):  # so that lr=1 is the run that lr=1.0 is
                object.__setattr__(self, each.name, float(getattr(self, each.name)))
        if self.pool % self.batch:
            raise ValueError(
                f"budget: pool must be a multiple of batch ({self.batch}), got {self.pool}."
            )

    def spec(self) -> dict:
        """All fields, but for those that are younger than the first published runs and at their
        defaults, so that keys stay.
        """
        return without(asdict(self), YOUNGER)

    def rate(self, step: int) -> float:
        """Learning rate of the step (from 0) about to be taken.

        >>> [round(Budget(steps=4, warmup=2, lr=1.0).rate(s), 2) for s in range(4)]
        [0.5, 1.0, 1.0, 0.5]
        """
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        if self.schedule == "constant":
            return self.lr
        part = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.lr * (
            self.final_lr + (1 - self.final_lr) * 0.5 * (1 + math.cos(math.pi * part))
        )
