"""ECA: elementary cellular automata, RULE 110 by default."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .base import Batch, Task, below


@dataclass(frozen=True)
class Automaton(Task):
    """Rows of a binary cellular automaton with a periodic edge; the model predicts every bit of the next row.

    One position is one row of bits, not one token, so the embeddings are linear maps between bits and width.
    Each sample has a universe of its own, of ``universe`` cells from a random first row; ``rows`` consecutive rows are
    shown from a random time on, cropped to ``cells`` cells (after arXiv 2410.02536).

    Attributes:
        rule: Wolfram's number, 0..255. rows: T. cells: bits a row. universe: cells simulated. steps: rows simulated.

    >>> batch = Automaton(rule=110, rows=3, cells=8, universe=8, steps=3).build(
    ...     np.array([[0] + [.9, .9, .9, .1, .9, .9, .9, .9]]))         # a bit is 1 where its uniform is below 0.5
    >>> ["".join(map(str, row)) for row in batch.tokens[0]]             # a live cell grows to the left
    ['00010000', '00110000', '01110000']
    >>> batch.positions.tolist()                                        # rows 0 and 1 predict rows 1 and 2
    [[0, 1]]
    """

    name: ClassVar[str] = "eca"
    kind: ClassVar[str] = "bits"
    rule: int = 110
    rows: int = 60
    cells: int = 100
    universe: int = 1000
    steps: int = 1000

    @property
    def vocab(self) -> int:
        return self.cells

    @property
    def length(self) -> int:
        return self.rows

    @property
    def draws(self) -> int:
        return 1 + self.universe

    def check(self) -> None:
        self.require("rule", 0 <= self.rule <= 255, "between 0 and 255")
        self.require("rows", 2 <= self.rows <= 1024, "between 2 and 1024")
        self.require("cells", 1 <= self.cells <= self.universe, "between 1 and the universe's cells")
        self.require("universe", 3 <= self.universe <= 100_000, "between 3 and 100000")
        self.require("steps", self.rows <= self.steps <= 100_000, "at least rows, at most 100000")

    def build(self, uniforms: np.ndarray) -> Batch:
        n = len(uniforms)
        start = below(uniforms[:, 0], self.steps - self.rows + 1)  # (n,)
        row = (uniforms[:, 1:] < 0.5).astype(np.uint8)  # (n, universe)
        tokens = np.zeros((n, self.rows, self.cells), np.uint8)
        sample = np.arange(n)
        for t in range(int(start.max(initial=0)) + self.rows):
            age = t - start
            shown = (age >= 0) & (age < self.rows)
            tokens[sample[shown], age[shown]] = row[shown, : self.cells]
            row = evolve(row, self.rule)
        positions = np.broadcast_to(np.arange(self.rows - 1, dtype=np.int32), (n, self.rows - 1)).copy()
        scored = np.ones((n, self.rows - 1), bool)
        return Batch(tokens, positions, tokens[:, 1:].astype(np.int32), scored, scored.copy())


def evolve(row: np.ndarray, rule: int) -> np.ndarray:
    """Apply an elementary rule once to rows of bits (n, universe) with a periodic edge."""
    table = np.array([rule >> i & 1 for i in range(8)], np.uint8)
    padded = np.concatenate([row[:, -1:], row, row[:, :1]], 1)
    return table[(padded[:, :-2] << 2) | (padded[:, 1:-1] << 1) | padded[:, 2:]]
