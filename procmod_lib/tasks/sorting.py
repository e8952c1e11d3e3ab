"""SORTING: write a list in ascending order."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from procmod_lib.tasks.registry import diagnostic
from procmod_lib.tasks.task import Batch, Task, below, scored_span


@diagnostic
@dataclass(frozen=True)
class Sorting(Task):
    """SORTING: a list, a separator, the list in ascending order. OURS: the authors' generator is
    not public.

    The list always has ``items`` numbers, drawn with repeats from ``values`` different ones (ids
    1..values); the separator is id 0. Every sorted number is scored; there is no end mark because
    the length says where the list ends.

    >>> batch = Sorting(items=3, values=9).build(np.array([[.5, .1, .9]]))
    >>> batch.tokens.tolist(), batch.targets.tolist()
    ([[5, 1, 9, 0, 1, 5, 9]], [[1, 5, 9]])
    """

    name: ClassVar[str] = "sorting"
    items: int = 16
    values: int = 99
    example: ClassVar[dict] = {"items": 8, "values": 50}
    presets: ClassVar[dict] = {"smoke": {"items": 3, "values": 9}, "quick": {"items": 8}}

    @property
    def vocab(self) -> int:
        return self.values + 1

    @property
    def length(self) -> int:
        return 2 * self.items + 1

    @property
    def draws(self) -> int:
        return self.items

    def check(self) -> None:
        self.require(
            "items", 2 <= self.items <= 49, "between 2 and 49 (the model has 100 positions)"
        )
        self.require("values", 2 <= self.values <= 100_000, "between 2 and 100000")

    def spell(self, token: int) -> str:
        return "|" if token == 0 else str(token)

    def build(self, uniforms: np.ndarray) -> Batch:
        payload = 1 + below(uniforms, self.values)
        n, m = payload.shape
        tokens = np.concatenate(
            [payload, np.zeros((n, 1), np.int32), np.sort(payload, 1)], 1
        ).astype(np.int32)
        return scored_span(tokens, np.full(n, m), np.full(n, m), m)
