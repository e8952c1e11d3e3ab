"""The structure control: a source whose sequences are shuffled inside, so its tokens stay and its
structure goes.
"""

from dataclasses import dataclass

import numpy as np

from procmod_lib.tasks.task import Batch, Task

TOKENS_SHUFFLED = "_tokens_shuffled"
"""What stands behind the name of a source whose tokens are shuffled inside each sequence."""


@dataclass(frozen=True)
class Shuffled(Task):
    """The token order of each sequence of ``task`` permuted at random; the same positions are
    scored.

    Padding stays where it is, so lengths are unchanged. Rows of bits are permuted as whole rows.

    >>> from procmod_lib.tasks.stack import Stack
    >>> Shuffled(Stack()).name
    'stack_tokens_shuffled'
    """

    task: Task

    def __post_init__(self) -> None:
        inner = self.task
        for key, value in (
            ("name", f"{inner.name}{TOKENS_SHUFFLED}"),
            ("kind", inner.kind),
            ("vocab", inner.vocab),
            ("length", inner.length),
            ("draws", inner.draws + inner.length),
            ("released", inner.released),
            ("reference", inner.reference),
            ("has_lengths", inner.has_lengths),
            ("lengths", inner.lengths),
        ):
            object.__setattr__(self, key, value)

    @property
    def positions(self) -> int:
        return self.task.positions

    @property
    def first_length(self) -> int:
        return self.task.first_length

    @property
    def full_length(self) -> int:
        return self.task.full_length

    def at_length(self, length: int) -> "Shuffled":
        return Shuffled(self.task.at_length(length))

    def as_reference(self) -> "Shuffled":
        return Shuffled(self.task.as_reference())

    def with_(self, **changes) -> "Shuffled":
        return Shuffled(self.task.with_(**changes))

    def best(self, batch: Batch) -> float:
        """Not known: what can be predicted of shuffled tokens differs from source to source."""
        return float("nan")

    def spec(self) -> dict:
        return {**self.task.spec(), "task": self.name}

    def spell(self, token: int) -> str:
        return self.task.spell(token)

    def build(self, uniforms: np.ndarray) -> Batch:
        batch = self.task.build(np.ascontiguousarray(uniforms[:, : self.task.draws]))
        noise = uniforms[:, self.task.draws :].copy()
        last = np.where(batch.scored, batch.positions + 1, 0).max(1)
        # what follows the last scored token sorts last, in place
        noise += np.arange(self.length) > last[:, None]
        tail = noise >= 1
        noise[tail] = 1 + np.broadcast_to(np.arange(self.length), noise.shape)[tail]
        order = np.argsort(noise, axis=1, kind="stable")
        wide = order if batch.tokens.ndim == 2 else order[:, :, None]
        tokens = np.take_along_axis(batch.tokens, wide, 1)
        after = batch.positions + 1 if tokens.ndim == 2 else batch.positions[:, :, None] + 1
        targets = np.where(
            batch.targets >= 0, np.take_along_axis(tokens, after, 1), batch.targets
        ).astype(np.int32)
        return Batch(tokens, batch.positions, targets, batch.reference, batch.answer)
