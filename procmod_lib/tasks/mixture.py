"""Two sources at once: each sample comes from one or the other."""

from dataclasses import dataclass

import numpy as np

from procmod_lib.tasks.task import IGNORE, OF_A_SAMPLE, Batch, Task


@dataclass(frozen=True)
class Mixture(Task):
    """Half of the samples from ``first``, half from ``second``; they share token ids, as two
    lessons share a notebook.

    The shorter source is padded with token 0 behind its last token, where nothing is scored.

    >>> from procmod_lib.tasks import Identity, Reverse
    >>> sizes = dict(symbols=5, list_length=3, lengths="fixed")
    >>> task = Mixture(Identity(**sizes), Reverse(**sizes))
    >>> task.name, task.build(np.array([[.1, 0, .3, .9, .1], [.9, 0, .3, .9, .1]])).tokens.tolist()
    ('identity+reverse', [[2, 4, 1, 5, 2, 4, 1], [2, 4, 1, 5, 1, 4, 2]])
    """

    first: Task
    second: Task

    def __post_init__(self) -> None:
        one, two = self.first, self.second
        if "bits" in (one.kind, two.kind):
            raise ValueError(
                f"task must mix two sources of tokens, got {one.name}+{two.name}: rows of bits "
                "have no tokens."
            )
        for key, value in (
            ("name", f"{one.name}+{two.name}"),
            ("vocab", max(one.vocab, two.vocab)),
            ("length", max(one.length, two.length)),
            ("draws", 1 + max(one.draws, two.draws)),
            ("lengths", ", ".join(dict.fromkeys([one.lengths, two.lengths]))),
        ):
            object.__setattr__(self, key, value)

    def as_reference(self) -> "Mixture":
        return Mixture(self.first.as_reference(), self.second.as_reference())

    def spec(self) -> dict:
        return {"task": self.name, "first": self.first.spec(), "second": self.second.spec()}

    def best(self, batch: Batch) -> float:
        """Of either source as often as its outputs are scored, from samples of each."""
        both = self.first, self.second
        parts = [task.batch(len(batch), "validation", 1) for task in both]
        best = [task.best(part) for task, part in zip(both, parts, strict=True)]
        return float(np.average(best, weights=[part.reference.sum() for part in parts]))

    def build(self, uniforms: np.ndarray) -> Batch:
        n, chosen = len(uniforms), uniforms[:, 0] >= 0.5
        parts = [
            (np.flatnonzero(chosen == which), task)
            for which, task in enumerate((self.first, self.second))
        ]
        built = [
            (rows, task.build(np.ascontiguousarray(uniforms[rows, 1 : 1 + task.draws])))
            for rows, task in parts
        ]
        width = max(batch.positions.shape[1] for _, batch in built)
        out = Batch(
            np.zeros((n, self.length), np.int32),
            np.zeros((n, width), np.int32),
            np.full((n, width), IGNORE, np.int32),
            np.zeros((n, width), bool),
            np.zeros((n, width), bool),
        )
        for rows, batch in built:
            for name in OF_A_SAMPLE:
                values = getattr(batch, name)
                getattr(out, name)[rows, : values.shape[1]] = values
        return out
