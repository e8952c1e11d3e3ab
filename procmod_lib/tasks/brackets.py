"""Bracket languages: k-DYCK (nested) and k-DYCK SHUFFLE (interleaved)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from procmod_lib.tasks import compiled
from procmod_lib.tasks.registry import source
from procmod_lib.tasks.task import Batch, Task, below, check_form, scored_span


@dataclass(frozen=True)
class Brackets(Task):
    """k types of brackets: ids 0..k-1 open, k..2k-1 close. Every next token is scored.

    Attributes:
        k: number of bracket types.
        brackets: T, the number of tokens.
        form: ``"ours"``, or ``"reference"``, which has one token id more, a pad that never occurs.
    """

    k: int = 16
    brackets: int = 128
    form: str = "ours"
    example: ClassVar[dict] = {"k": 4, "brackets": 18}
    presets: ClassVar[dict] = {"smoke": {"brackets": 8}, "quick": {"brackets": 64}}
    budgets: ClassVar[dict] = {p: {"batch": 64} for p in ("quick", "small", "standard", "paper")}
    released: ClassVar[dict] = {"warmup": 0, "schedule": "constant"}
    reference: ClassVar[dict] = {"warmup": 0, "pool": 0}  # every epoch draws new sequences

    @property
    def vocab(self) -> int:
        return 2 * self.k + self.is_reference

    @property
    def length(self) -> int:
        return self.brackets

    @property
    def draws(self) -> int:
        return 2 * self.brackets

    def check(self) -> None:
        self.require("k", 1 <= self.k <= 4096, "between 1 and 4096")
        self.require(
            "brackets",
            2 <= self.brackets <= 4096 and self.brackets % 2 == 0,
            "even, between 2 and 4096",
        )
        check_form(self)

    def spell(self, token: int) -> str:
        return f"({token}" if token < self.k else f"{token - self.k})"

    def best(self, batch: Batch) -> float:
        """After each prefix, the likelier of the best opening and the best closing bracket."""
        opens = batch.tokens < self.k  # (n, T)
        depth = np.cumsum(np.where(opens, 1, -1), 1)[:, :-1]  # brackets open after each prefix
        open_chance, close_best = self.chances(batch.tokens, depth)  # (n, T - 1) each
        return float(np.maximum(open_chance / self.k, (1 - open_chance) * close_best).mean())

    def chances(self, tokens: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How likely the next bracket opens, and how likely the best closing one is if it closes,
        both (n, T - 1).
        """
        raise NotImplementedError

    def all_scored(self, tokens: np.ndarray) -> Batch:
        """Score every next token."""
        n, length = tokens.shape
        return scored_span(tokens, np.zeros(n, int), np.full(n, length - 1), length - 1)


@source
@dataclass(frozen=True)
class Dyck(Brackets):
    """k-DYCK: properly nested, closed exactly at the given length.

    A bracket opens with probability 0.5 wherever opening and closing are both possible.

    >>> batch = Dyck(k=2, brackets=4).build(np.array([[.1, .1, .9, .9, .0, .7, .0, .0]]))
    >>> batch.tokens.tolist()                                           # ( [ ] )
    [[0, 1, 3, 2]]
    >>> batch.positions.tolist(), batch.targets.tolist()
    ([[0, 1, 2]], [[1, 3, 2]])
    """

    name: ClassVar[str] = "dyck"
    label: ClassVar[str] = "k-Dyck"
    colour: ClassVar[str] = "#D55E00"
    budgets: ClassVar[dict] = Brackets.budgets | {"quick": {"batch": 64, "steps": 6000}}

    def chances(self, tokens, depth):
        left = self.brackets - 1 - np.arange(depth.shape[1])
        opening = np.where(depth == 0, 1.0, np.where(depth == left, 0.0, 0.5))
        return opening, np.ones_like(opening)

    def build(self, uniforms: np.ndarray) -> Batch:
        n, length = len(uniforms), self.brackets
        tokens = below(uniforms[:, length:], self.k).astype(np.int32)
        steps = np.where(uniforms[:, :length] < 0.5, 1, -1).astype(np.int16).T.copy()
        depth = reflected_walk(steps)
        # an opening and its closing bracket are neighbours among the brackets of their level
        order = np.argsort(np.maximum(depth[1:], depth[:-1]).T, axis=1, kind="stable")
        row, opening, closing = np.arange(n)[:, None], order[:, 0::2], order[:, 1::2]
        tokens[row, closing] = self.k + tokens[row, opening]
        return self.all_scored(tokens)


def reflected_walk(steps: np.ndarray) -> np.ndarray:
    """How many brackets are open after each step, (T + 1, n).

    A walk reflected at 0, and held low enough to close in time, which binds in its second half.

    Args:
        steps: (T, n) 1 or -1.
    """
    length, n = steps.shape
    depth = np.zeros((length + 1, n), steps.dtype)
    rows, half = list(depth), length // 2  # arithmetic in place: this loop is most of the time
    for before, step, after in zip(rows[:half], steps, rows[1:], strict=False):
        np.add(before, step, out=after)
        np.abs(after, out=after)
    left = np.arange(length - half - 1, -1, -1, dtype=steps.dtype)
    for before, step, after, most in zip(
        rows[half:], steps[half:], rows[half + 1 :], left, strict=False
    ):
        np.add(before, step, out=after)
        np.abs(after, out=after)
        np.minimum(after, most, out=after)
    return depth


@source
@dataclass(frozen=True)
class DyckShuffle(Brackets):
    """k-DYCK SHUFFLE: every closing bracket has an opening one of its type before it; types
    interleave freely.

    A bracket opens with probability 0.5 where the depth (brackets still open, at most
    ``max_depth``) allows both; a closing one closes an open bracket chosen uniformly, in the
    reference's form an open type. The sequence is cut at the length, whatever is open.

    >>> batch = DyckShuffle(k=2, brackets=4).build(np.array([[.1, .1, .9, .9, .0, .7, .0, .9]]))
    >>> batch.tokens.tolist()                                           # ( [ ) ]
    [[0, 1, 2, 3]]
    """

    name: ClassVar[str] = "dyck_shuffle"
    label: ClassVar[str] = "k-Dyck shuffle"
    colour: ClassVar[str] = "#E69F00"
    max_depth: int = 16

    def check(self) -> None:
        super().check()
        self.require("max_depth", 1 <= self.max_depth <= 4096, "between 1 and 4096")

    def chances(self, tokens, depth):
        kind = np.arange(self.k)
        opened = (tokens[:, :, None] == kind).astype(int)  # (n, T, k)
        count = self.choices(np.cumsum(opened - (tokens[:, :, None] == self.k + kind), 1)[:, :-1])
        opening = np.where(depth == 0, 1.0, np.where(depth == self.max_depth, 0.0, 0.5))
        return opening, count.max(2) / np.maximum(count.sum(2), 1)

    def choices(self, count: np.ndarray) -> np.ndarray:
        """How many ways there are to close each type, (..., k), from how many are open."""
        return np.minimum(count, 1) if self.is_reference else count

    def build(self, uniforms: np.ndarray) -> Batch:
        tokens = np.empty((len(uniforms), self.brackets), np.int32)
        if compiled.is_compiled():
            compiled.interleave(uniforms, self.k, self.max_depth, self.is_reference, tokens)
        else:
            self.interleaved(uniforms, tokens)
        return self.all_scored(tokens)

    def interleaved(self, uniforms: np.ndarray, tokens: np.ndarray) -> None:
        """Write tokens (n, T), step by step for all samples at once."""
        n, length = tokens.shape
        count = np.zeros((n, self.k), np.int32)  # open brackets of each type
        depth, row = np.zeros(n, int), np.arange(n)
        for t in range(length):
            opens = ((uniforms[:, t] < 0.5) | (depth == 0)) & (depth < self.max_depth)
            choice = uniforms[:, length + t]
            ways = np.cumsum(self.choices(count), 1)
            nth = below(choice, np.maximum(ways[:, -1], 1))
            open_kind = np.argmax(ways > nth[:, None], 1)  # the type of the nth way to close
            kind = np.where(opens, below(choice, self.k), open_kind)
            tokens[:, t] = np.where(opens, kind, self.k + kind)
            count[row, kind] += np.where(opens, 1, -1)
            depth += np.where(opens, 1, -1)
