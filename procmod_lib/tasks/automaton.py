"""ECA: elementary cellular automata, RULE 110 by default."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from procmod_lib.tasks import compiled
from procmod_lib.tasks.registry import source
from procmod_lib.tasks.task import Batch, Task, below


@source
@dataclass(frozen=True)
class Automaton(Task):
    """Rows of a binary cellular automaton with a periodic edge; the model predicts every bit of the
    next row.

    One position is one row of bits, not one token, so the embeddings are linear maps between bits
    and width. Each sample has a universe of its own, of ``universe`` cells from a random first row;
    ``rows`` consecutive rows are shown from a random time on, cropped to ``cells`` cells (after
    arXiv 2410.02536). Rule 110 settles: a few samples in a hundred show its background of period 14
    alone, and so repeat.

    Attributes:
        rule: Wolfram's number, 0..255.
        rows: T.
        cells: bits a row.
        universe: cells simulated.
        steps: rows simulated.

    >>> # a bit is 1 where its uniform is below 0.5
    >>> task = Automaton(rule=110, rows=3, cells=8, universe=8, steps=3)
    >>> batch = task.build(np.array([[0] + [.9, .9, .9, .1, .9, .9, .9, .9]]))
    >>> # a live cell grows to the left
    >>> ["".join(map(str, row)) for row in batch.tokens[0]]
    ['00010000', '00110000', '01110000']
    >>> # rows 0 and 1 predict rows 1 and 2
    >>> batch.positions.tolist()
    [[0, 1]]
    """

    name: ClassVar[str] = "eca"
    kind: ClassVar[str] = "bits"
    label: ClassVar[str] = "ECA rule 110"
    colour: ClassVar[str] = "#56B4E9"
    presets: ClassVar[dict] = {
        "smoke": {"rows": 6, "cells": 8, "universe": 16, "steps": 12},
        **{preset: {"steps": 300} for preset in ("quick", "small", "standard", "paper")},
    }
    budgets: ClassVar[dict] = {
        "quick": {"batch": 16, "steps": 500},
        **{preset: {"batch": 64} for preset in ("small", "standard", "paper")},
    }
    released: ClassVar[dict] = {"lr": 2e-6, "weight_decay": 0.0}
    reference: ClassVar[dict] = {"weight_decay": 0.0, "pool": 0}
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
        self.require(
            "cells", 1 <= self.cells <= self.universe, "between 1 and the universe's cells"
        )
        self.require("universe", 3 <= self.universe <= 100_000, "between 3 and 100000")
        self.require("steps", self.rows <= self.steps <= 100_000, "at least rows, at most 100000")

    def as_reference(self) -> "Automaton":
        """Its universe runs for as many rows as it has cells, 1,000."""
        return replace(self, steps=max(self.universe, self.rows))

    def best(self, batch: Batch) -> float:
        """In a crop every cell but the two at the edges is decided by the row above.

        Those take the likelier bit.
        """
        if self.cells == self.universe:
            return 1.0
        above, below_ = batch.tokens[:, :-1], batch.tokens[:, 1:]  # (n, T - 1, cells)
        edges = ((0, 1), (-1, -2)) if self.cells > 1 else ((0, 0),)
        right = float(self.cells - len(edges))
        for edge, neighbour in edges:
            seen = 2 * above[:, :, edge] + above[:, :, neighbour]
            for value in np.unique(seen):
                ones = below_[:, :, edge][seen == value].mean()
                right += np.mean(seen == value) * max(ones, 1 - ones)
        return float(right / self.cells)

    def build(self, uniforms: np.ndarray) -> Batch:
        n = len(uniforms)
        start = below(uniforms[:, 0], self.steps - self.rows + 1)  # (n,)
        if compiled.is_compiled():
            tokens = np.empty((n, self.rows, self.cells), np.uint8)
            words, rule = pack_bits(uniforms[:, 1:] < 0.5), products(self.rule)
            compiled.window(words, start, rule, self.universe, tokens)
        else:
            tokens = self.shown(uniforms, start)
        positions = np.broadcast_to(
            np.arange(self.rows - 1, dtype=np.int32), (n, self.rows - 1)
        ).copy()
        scored = np.ones((n, self.rows - 1), bool)
        return Batch(tokens, positions, tokens[:, 1:].astype(np.int32), scored, scored.copy())

    def shown(self, uniforms: np.ndarray, start: np.ndarray) -> np.ndarray:
        """The rows that are shown, (n, rows, cells) uint8, step by step for all samples at once."""
        n = len(uniforms)
        rest = np.argsort(
            -start, kind="stable"
        )  # samples with most steps still to go first, so those that are ready fall off the end
        row = pack_bits(uniforms[rest, 1:] < 0.5)
        ready = np.empty_like(row)
        for going in np.searchsorted(-start[rest], -np.arange(int(start.max(initial=0)) + 1)):
            if going < len(row):  # only so many have more than t steps to go
                ready[rest[going : len(row)]] = row[going:]
                row = row[:going]
            row = evolve(row, self.rule, self.universe)
        tokens = np.empty((n, self.rows, self.cells), np.uint8)
        for t in range(self.rows):
            tokens[:, t] = unpack_bits(ready, self.cells)
            ready = evolve(ready, self.rule, self.universe)
        return tokens


def pack_bits(bits: np.ndarray) -> np.ndarray:
    """Pack bits (n, cells) into words (n, ceil(cells / 64)); cell i is bit i % 64 of its word."""
    wide = np.zeros((len(bits), -(-bits.shape[1] // 64) * 64), bool)
    wide[:, : bits.shape[1]] = bits
    return np.packbits(wide, axis=1, bitorder="little").view(np.uint64)


def unpack_bits(words: np.ndarray, cells: int) -> np.ndarray:
    """The first ``cells`` bits of packed rows, (n, cells) uint8."""
    return np.unpackbits(words.view(np.uint8), axis=1, count=cells, bitorder="little")


def products(rule: int) -> np.ndarray:
    """The rule's table as an exclusive or of products (Moebius transform), (8,) uint64.

    All ones at i where the product of the neighbours in i's bits (left 4, middle 2, right 1) is
    part of it.

    >>> [i for i, term in enumerate(products(110)) if term]
    [1, 2, 3, 7]
    """
    terms = [rule >> i & 1 for i in range(8)]
    for bit in (1, 2, 4):
        terms = [t ^ terms[i ^ bit] if i & bit else t for i, t in enumerate(terms)]
    return np.array([2**64 - 1 if term else 0 for term in terms], np.uint64)


def evolve(words: np.ndarray, rule: int, cells: int) -> np.ndarray:
    """Apply an elementary rule once to packed rows with a periodic edge; 64 cells to an
    instruction.

    >>> unpack_bits(evolve(pack_bits(np.array([[0, 0, 0, 1, 0, 0, 0, 0]])), 110, 8), 8).tolist()
    [[0, 0, 1, 1, 0, 0, 0, 0]]
    """
    one, top = np.uint64(1), np.uint64((cells - 1) % 64)
    left, right = words << one, words >> one  # neighbours at i - 1 and i + 1
    left[:, 1:] |= words[:, :-1] >> np.uint64(63)
    right[:, :-1] |= words[:, 1:] << np.uint64(63)
    left[:, 0] |= words[:, -1] >> top & one
    right[:, -1] |= (words[:, 0] & one) << top
    terms = products(rule)
    new = np.full_like(words, ~np.uint64(0) if terms[0] else 0)
    for i in range(1, 8):
        if terms[i]:
            factors = [z for bit, z in ((4, left), (2, words), (1, right)) if i & bit]
            for other in factors[1:]:
                factors[0] = factors[0] & other
            new ^= factors[0]
    if cells % 64:
        new[:, -1] &= (one << np.uint64(cells % 64)) - one  # nothing beyond the edge
    return new
