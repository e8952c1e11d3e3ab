"""STACK: push and pop, then write what is left."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from procmod_lib.tasks.registry import source
from procmod_lib.tasks.task import Batch, Task, below, check_form, scored_span


@source
@dataclass(frozen=True)
class Stack(Task):
    """``operations, SEP, final stack from the top down, PAD``.

    A push is its token, a pop is token 0; a pushed token is never already on the stack. A push has
    probability 0.75 in the first two thirds and 0.25 after; at depth 0 or 1 the operation is always
    a push, but the last one pops if the depth is above 1. The final stack and the first pad after
    it are scored. In the reference's form no pad is, and the two thirds are rounded down, so the
    pops begin one operation earlier.

    Attributes:
        symbols: V, payload ids are 1..V-1.
        operations: number of operations.
        form: ``"ours"`` or ``"reference"``.
        lengths: ``"fixed"``, or ``"curriculum"`` (training begins with 2 operations).

    >>> # pop is 0, SEP is 5, PAD is 6
    >>> task = Stack(symbols=5, operations=4)
    >>> # push, push, push, then the last one pops
    >>> batch = task.build(np.array([[0, 0, 0, 0, .0, .0, .0, 0]]))
    >>> batch.tokens.tolist()                                           # 1 2 3 P | 2 1
    [[1, 2, 3, 0, 5, 2, 1, 6, 6, 6]]
    >>> batch.targets.tolist()
    [[2, 1, 6, -100, -100]]
    """

    name: ClassVar[str] = "stack"
    colour: ClassVar[str] = "#009E73"
    example: ClassVar[dict] = {"operations": 9, "symbols": 10}
    presets: ClassVar[dict] = {"smoke": {"operations": 4}}
    budgets: ClassVar[dict] = {
        p: {"steps": 24_000} for p in ("small", "standard", "paper")
    }  # it leaves its plateau late
    symbols: int = 21
    operations: int = 20
    form: str = "ours"
    lengths: str = "fixed"
    length_field: ClassVar[str] = "operations"
    younger: ClassVar[dict] = {"form": "ours", "lengths": "fixed"}

    @property
    def vocab(self) -> int:
        return self.symbols + 2

    @property
    def length(self) -> int:
        return 2 * self.operations + 1 + self.pads

    @property
    def pads(self) -> int:
        """How many scored pads end an output."""
        return int(not self.is_reference)

    @property
    def draws(self) -> int:
        return 2 * self.operations

    def check(self) -> None:
        self.require("symbols", 4 <= self.symbols <= 4096, "between 4 and 4096")
        self.require("operations", 2 <= self.operations <= 1024, "between 2 and 1024")
        self.require("lengths", self.lengths in ("fixed", "curriculum"), "'fixed' or 'curriculum'")
        check_form(self)

    def spell(self, token: int) -> str:
        return {self.symbols: "|", self.symbols + 1: "", 0: "P"}.get(token, str(token))

    def build(self, uniforms: np.ndarray) -> Batch:
        n, m, pad = len(uniforms), self.operations, self.symbols + 1
        stack = np.full((n, m + 1), pad, np.int32)
        depth, row = np.zeros(n, int), np.arange(n)
        used = np.zeros((n, self.symbols - 1), bool)  # used[:, v - 1]: v is on the stack
        tokens = np.full((n, self.length), pad, np.int32)
        for i in range(m):
            push = self._pushes(i, depth, uniforms[:, i])
            nth = below(uniforms[:, m + i], np.maximum(self.symbols - 1 - depth, 1))
            # the nth token that is free
            token = 1 + np.argmax(np.cumsum(~used, 1) == nth[:, None] + 1, 1)
            top = stack[row, np.maximum(depth - 1, 0)]
            tokens[:, i] = np.where(push, token, 0)
            changed = np.where(push, token, top)
            used[row, changed - 1] = push
            stack[row, np.where(push, depth, depth - 1)] = np.where(push, token, pad)
            depth += np.where(push, 1, -1)
        tokens[:, m] = self.symbols
        down = depth[:, None] - 1 - np.arange(m)
        tokens[:, m + 1 : 2 * m + 1] = np.where(
            down >= 0, np.take_along_axis(stack, np.maximum(down, 0), 1), pad
        )
        return scored_span(tokens, np.full(n, m), depth + self.pads, m + self.pads)

    def _pushes(self, i: int, depth: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        turn = 2 * self.operations / 3
        push = uniform < (0.75 if i < (int(turn) if self.is_reference else turn) else 0.25)
        push = (push | (depth <= 1)) & (depth < self.symbols - 1)
        return push & (depth <= 1) if i == self.operations - 1 else push
